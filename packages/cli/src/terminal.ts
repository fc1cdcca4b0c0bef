import { type BigIntStats, fstatSync } from 'node:fs'
import { createRequire } from 'node:module'

/** MEM_MAJOR: the devices like /dev/null, by the upper part of their number. */
const MEM_MAJOR = 1n

/** Whether a descriptor is a terminal. What is none is mostly seen at a glance: to load node:tty takes as long as a short run. */
export function isTerminal(descriptor: number): boolean {
  const stats = statsOf(descriptor)
  if (!stats?.isCharacterDevice() || stats.rdev >> 8n === MEM_MAJOR) return false
  const { isatty } = createRequire(import.meta.url)('node:tty') as typeof import('node:tty')
  return isatty(descriptor)
}

function statsOf(descriptor: number): BigIntStats | undefined {
  try {
    // As BigInts, since Node 20 looks for links where the last numbers were those of a pipe no more, and does not find packages then.
    return fstatSync(descriptor, { bigint: true })
  } catch {
    // It is closed.
    return undefined
  }
}
