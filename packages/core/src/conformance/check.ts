/** One thing that must hold. */
export interface Check {
  /** A sentence: `tcp: the opposite of a tuple is known`. */
  readonly name: string
  /** Returns where it holds. @throws Error that says what does not */
  readonly run: () => void
}

/** @throws Error unless something holds */
export function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise)
}

/** @throws Error that shows both, unless two values are the same whatever the order of their fields */
export function same(found: unknown, wanted: unknown, what: string): void {
  const [one, other] = [found, wanted].map(canonical)
  must(one === other, `${what}: found ${one}, not ${other}`)
}

/** A value as JSON that tells all values apart: fields in order, bigints, bytes and undefined as what they are. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => {
    if (one === undefined) return 'undefined'
    if (typeof one === 'bigint') return `${one}n`
    if (one instanceof Uint8Array) return `bytes ${one.join(' ')}`
    if (typeof one !== 'object' || one === null || Array.isArray(one)) return one
    return Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** What is thrown, or a complaint that nothing is. */
export function refusal(work: () => unknown, what: string): Error {
  try {
    work()
  } catch (error) {
    return error as Error
  }
  throw new Error(what)
}
