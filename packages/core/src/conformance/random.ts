/** Numbers by chance that are the same on every run (mulberry32), so that what fails once fails again. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** From 0 to 2^32-1. */
  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  /** From 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor((this.u32() / 2 ** 32) * limit)
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]
  }

  /** Each of them or not, in their order. */
  some<T>(choices: readonly T[]): T[] {
    return choices.filter(() => this.oneIn(2))
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256))
  }
}

/** Tries a property, which throws where it does not hold, in many cases. @throws Error that names the first case in which it does not */
export function inAllCases(count: number, seed: number, property: (random: Random, index: number) => void): void {
  const random = new Random(seed)
  for (let index = 0; index < count; index++) {
    try {
      property(random, index)
    } catch (cause) {
      throw new Error(`case ${index} of seed ${seed}: ${(cause as Error).message}`, { cause })
    }
  }
}
