const SECOND = 1_000_000_000n

/** A clock that only moves when it is told to: nanoseconds since 1970. */
export interface Clock {
  readonly now: bigint
}

/** The nanoseconds of a number of seconds. */
export function nanoseconds(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1e9))
}

/** Whole seconds from now until then, as the kernel tells a timeout. */
export function secondsUntil(then: bigint, { now }: Clock): number {
  return then <= now ? 0 : Number((then - now) / SECOND)
}
