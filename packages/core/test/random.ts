import type { Test } from 'tap'
import { inAllCases, type Random } from '../src/conformance/random.ts'

export { Random } from '../src/conformance/random.ts'

/** One assert that a property, which throws where it does not hold, holds in many cases. Far faster than an assert for each. */
export function forAll(t: Test, count: number, seed: number, property: (random: Random, index: number) => void): void {
  try {
    inAllCases(count, seed, property)
  } catch (error) {
    t.fail((error as Error).message, { error: (error as Error).cause })
    return
  }
  t.pass(`${count} cases of seed ${seed}`)
}
