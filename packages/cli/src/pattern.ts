import { ipv4, ipv6, type Kind, u16, u32, u8 } from '@conntrack/core/plugin'

/** A word of a line, and the column in which it begins, from 1. */
export interface Word {
  readonly text: string
  readonly column: number
}

const BLANK = 0x20
const ZERO = 0x30
const DOT = 0x2e

/** A word that differs from line to line, and where its bytes stand in what comes of the line. */
interface Variable {
  /** What stands before it in the line, up to the variable before it. */
  readonly before: Uint8Array
  readonly kind: Kind<unknown>
  readonly size: number
  readonly places: readonly number[]
}

/**
 * Lines that are like one before but for numbers and addresses, and what comes of them: bytes in which these stand as they are. Where
 * they stand was found by trying, with the one way there is to understand a line, so that nothing is known here of options.
 */
export class Pattern {
  readonly #variables: readonly Variable[]
  readonly #rest: Uint8Array
  readonly #bytes: Uint8Array

  constructor(variables: readonly Variable[], rest: Uint8Array, bytes: Uint8Array) {
    this.#variables = variables
    this.#rest = rest
    this.#bytes = bytes
  }

  /** What comes of a line, valid until the next call; undefined where it is not like that, or is in doubt. */
  apply(line: Uint8Array, start: number, end: number): Uint8Array | undefined {
    const bytes = this.#bytes
    let at = start
    for (const { before, kind, size, places } of this.#variables) {
      if (!isAt(line, at, end, before)) return undefined
      at += before.length
      let stop = at
      while (stop < end && line[stop] !== BLANK) stop++
      const [first] = places
      if (!written(bytes, first, kind, size, line, at, stop)) return undefined
      for (let i = 1; i < places.length; i++) for (let j = 0; j < size; j++) bytes[places[i] + j] = bytes[first + j]
      at = stop
    }
    return end - at === this.#rest.length && isAt(line, at, end, this.#rest) ? bytes : undefined
  }
}

function isAt(line: Uint8Array, at: number, end: number, wanted: Uint8Array): boolean {
  if (end - at < wanted.length) return false
  for (let i = 0; i < wanted.length; i++) if (line[at + i] !== wanted[i]) return false
  return true
}

/** Writes a word's value; false where it is not in the usual form, or none. */
function written(into: Uint8Array, at: number, kind: Kind<unknown>, size: number, line: Uint8Array, start: number, end: number): boolean {
  if (kind === ipv4) return dotted(into, at, line, start, end)
  if (kind !== ipv6) return decimal(into, at, size, line, start, end)
  try {
    kind.write(into, at, String.fromCharCode(...line.subarray(start, end)))
    return true
  } catch {
    return false
  }
}

/** A number without zeros before it. */
function decimal(into: Uint8Array, at: number, size: number, line: Uint8Array, start: number, end: number): boolean {
  if (end === start || end - start > 10 || (line[start] === ZERO && end - start > 1)) return false
  let value = 0
  for (let i = start; i < end; i++) {
    const digit = line[i] - ZERO
    if (digit < 0 || digit > 9) return false
    value = value * 10 + digit
  }
  if (value >= 2 ** (8 * size)) return false
  for (let i = size - 1; i >= 0; i--) {
    into[at + i] = value & 255
    value = Math.floor(value / 256)
  }
  return true
}

/** Four numbers with dots between them. */
function dotted(into: Uint8Array, at: number, line: Uint8Array, start: number, end: number): boolean {
  let part = 0
  for (let from = start; part < 4; part++) {
    let to = from
    while (to < end && line[to] !== DOT) to++
    if (!decimal(into, at + part, 1, line, from, to)) return false
    from = to + 1
    if (to === end) break
  }
  return part === 3
}

/** The kinds of words that may differ, each by what it looks like, and another value of it that differs in every byte. */
const GUESSES: readonly { readonly looks: RegExp; readonly kind: Kind<unknown>; readonly other: (word: string) => string }[] = [
  { looks: /^\d{1,3}(\.\d{1,3}){3}$/, kind: ipv4, other: (word) => word.split('.').map(flipped).join('.') },
  { looks: /^[\da-f:]*:[\da-f:]*$/i, kind: ipv6, other: (word) => otherIPv6(word) },
  ...[u32, u16, u8].map((kind) => ({
    looks: /^(0|[1-9]\d*)$/,
    kind,
    other: (word: string) => String((Number(word) ^ (0x01010101 >>> (8 * (4 - (kind.size ?? 0))))) >>> 0),
  })),
]

const flipped = (octet: string): string => String(Number(octet) ^ 1)

function otherIPv6(word: string): string {
  const bytes = new Uint8Array(16)
  ipv6.write(bytes, 0, word)
  return ipv6.read(
    bytes.map((byte) => byte ^ 1),
    0,
    16,
  )
}

/**
 * Finds the pattern of a line that its words are the whole of, with one blank between two of them. `understood` gives what comes of
 * words; undefined where it throws, or that is nothing that can be patched.
 */
export function patternOf(
  words: readonly string[],
  bytes: Uint8Array,
  understood: (words: readonly string[]) => Uint8Array | undefined,
): Pattern {
  const encoder = new TextEncoder()
  const variables: Variable[] = []
  let before = ''
  for (const [i, word] of words.entries()) {
    if (i > 0) before += ' '
    const found = variable(word, bytes, (other) => understood(words.with(i, other)))
    if (found === undefined) {
      before += word
      continue
    }
    variables.push({ before: encoder.encode(before), ...found })
    before = ''
  }
  return new Pattern(variables, encoder.encode(before), bytes.slice())
}

function variable(
  word: string,
  bytes: Uint8Array,
  understood: (other: string) => Uint8Array | undefined,
): Omit<Variable, 'before'> | undefined {
  for (const { looks, kind, other } of GUESSES) {
    if (!looks.test(word)) continue
    const another = attempt(() => other(word))
    const changed = another === undefined ? undefined : attempt(() => understood(another))
    // A number may be too large for the kind.
    const places =
      changed === undefined || another === undefined ? [] : (attempt(() => placesOf(kind, word, bytes, another, changed)) ?? [])
    if (places.length > 0) return { kind, size: kind.size ?? 0, places }
  }
  return undefined
}

/** Where one value stands in bytes that are the same but for it; nowhere, where that is not all of the difference. */
function placesOf(kind: Kind<unknown>, word: string, bytes: Uint8Array, another: string, changed: Uint8Array): number[] {
  const values = [word, another].map((one) => {
    const value = new Uint8Array(kind.size ?? 0)
    kind.write(value, 0, kind === ipv4 || kind === ipv6 ? one : Number(one))
    return value
  })
  if (changed.length !== bytes.length) return []
  const places: number[] = []
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === changed[at]) continue
    const stands = [bytes, changed].every((all, which) => values[which].every((byte, j) => all[at + j] === byte))
    if (!stands) return []
    places.push(at)
    at += values[0].length - 1
  }
  return places
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
