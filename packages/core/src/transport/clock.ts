import { libc as systemLibc } from '#libc'
import type { Libc } from './libc.ts'

const CLOCK_REALTIME = 0
const time = new BigInt64Array(2)

/** Nanoseconds since 1970 by the system's clock, which is also the kernel's for its timestamps. */
export function now(libc: Libc = systemLibc()): bigint {
  libc.clockGettime(CLOCK_REALTIME, time)
  return time[0] * 1_000_000_000n + time[1]
}
