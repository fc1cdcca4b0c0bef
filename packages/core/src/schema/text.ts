const DOT = 0x2e
/** The numbers from 0 to 999 in three digits each: looking one up is cheaper than dividing thrice. */
const DIGITS = Uint8Array.from({ length: 3000 }, (_, i) => 0x30 + (Math.floor(i / 3 / 10 ** (2 - (i % 3))) % 10))
const HEX = new Uint8Array([...'0123456789abcdef'].map((digit) => digit.charCodeAt(0)))

/** The bytes of a constant, for `Text.word`: encode once, copy often. */
export function word(constant: string): Uint8Array {
  return new TextEncoder().encode(constant)
}

/**
 * Characters that a terminal obeys rather than shows: C0, DEL and C1, line and paragraph separators, and those that turn the direction
 * of what follows. Names of helpers and security contexts come from the kernel and from files, and may hold any.
 */
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** The text with another in the place of every control character. Whatever writes text that is not our own calls this. */
export function withoutControls(text: string, instead: (character: string) => string): string {
  return text.replace(CONTROLS, instead)
}

const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** The text as people can look at it: control characters as `\u001b`. */
export function printable(text: string): string {
  return withoutControls(text, escape)
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * UTF-8 text under construction: a growing byte buffer that is written to by the million and handed out in chunks.
 * Numbers are written digit by digit, so that a line costs no string.
 */
export class Text {
  /** Where it is written: only the first `length` bytes are text. */
  bytes: Uint8Array
  /** How many bytes were written. */
  length = 0
  readonly #encoder = new TextEncoder()

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(capacity)
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.length + count > this.bytes.length) this.#grow(this.length + count)
  }

  // Away from what is called for every number and word, so that those are small enough to cost no call.
  #grow(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
  }

  /** Writes one byte. */
  byte(value: number): void {
    if (this.length === this.bytes.length) this.#grow(this.length + 1)
    this.bytes[this.length++] = value
  }

  /** Copies a constant made by {@link word}. */
  word(constant: Uint8Array): void {
    const count = constant.length
    const { length } = this
    this.reserve(count)
    const { bytes } = this
    for (let i = 0; i < count; i++) bytes[length + i] = constant[i]
    this.length = length + count
  }

  /** Writes a string as UTF-8. */
  string(value: string): void {
    this.reserve(value.length * 3)
    const { bytes } = this
    let { length } = this
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i)
      if (code >= 0x80) return this.#encode(value)
      bytes[length++] = code
    }
    this.length = length
  }

  // What most strings are not: this makes objects.
  #encode(value: string): void {
    this.length += this.#encoder.encodeInto(value, this.bytes.subarray(this.length)).written
  }

  /** A number from 0 to 2^32-1. */
  decimal(value: number): void {
    this.reserve(10)
    if (value < 1000) return this.#upTo999(value)
    const thousands = Math.floor(value / 1000)
    if (thousands < 1000) this.#upTo999(thousands)
    else this.decimal(thousands)
    const { bytes, length } = this
    const at = (value - thousands * 1000) * 3
    bytes[length] = DIGITS[at]
    bytes[length + 1] = DIGITS[at + 1]
    bytes[length + 2] = DIGITS[at + 2]
    this.length = length + 3
  }

  #upTo999(value: number): void {
    const { bytes } = this
    let { length } = this
    const at = value * 3
    if (value >= 100) bytes[length++] = DIGITS[at]
    if (value >= 10) bytes[length++] = DIGITS[at + 1]
    bytes[length++] = DIGITS[at + 2]
    this.length = length
  }

  /** Four numbers of a byte each, with dots between them. */
  dotted(bytes: Uint8Array, at: number): void {
    this.reserve(15)
    for (let i = 0; i < 4; i++) {
      if (i > 0) this.bytes[this.length++] = DOT
      this.#upTo999(bytes[at + i])
    }
  }

  /** A number from 0 to 2^64-1 in two halves. */
  decimal64(high: number, low: number): void {
    if (high === 0) this.decimal(low)
    else this.string(((BigInt(high) << 32n) | BigInt(low)).toString())
  }

  /** A number from 0 to 2^32-1 in lower-case hexadecimal digits, as printf's `%x`. */
  hex(value: number): void {
    let digits = 1
    while (digits < 8 && value >>> (digits * 4) !== 0) digits++
    for (let i = digits - 1; i >= 0; i--) this.byte(HEX[(value >>> (i * 4)) & 15])
  }

  /** Two hexadecimal digits for each byte. */
  hexBytes(bytes: Uint8Array, at: number, length: number): void {
    for (let i = at; i < at + length; i++) {
      this.byte(HEX[bytes[i] >> 4])
      this.byte(HEX[bytes[i] & 15])
    }
  }

  /** A value as JSON, in one line; bigints as strings of decimal digits, control characters as escapes. */
  json(value: unknown): void {
    this.string(
      withoutControls(
        JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one)),
        escape,
      ),
    )
  }

  /** Takes back the last byte. */
  trim(): void {
    this.length--
  }

  /** The bytes written so far, as a view that is valid until the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  /** Forgets what was written, and keeps the room. */
  clear(): void {
    this.length = 0
  }

  /** What was written, as a string. */
  toString(): string {
    return decoder.decode(this.view())
  }
}
