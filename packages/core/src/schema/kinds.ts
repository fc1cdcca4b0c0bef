import { parseIPv4, parseIPv6, printIPv4, printIPv6 } from './addresses.ts'
import { printable, Text, word } from './text.ts'

/** A schema in the words of JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

/**
 * One wire type in all its directions: bytes to value, value to bytes, bytes to text, argument to value.
 * All numbers of ctnetlink are big-endian (network order) unless a kind says otherwise.
 */
export interface Kind<T> {
  /** For messages and documentation: `u16`. */
  readonly name: string
  /** Bytes of payload; undefined where any length is right. A shorter attribute than this counts as absent. */
  readonly size: number | undefined
  /** Reads the payload of `length` bytes at `at`; the value shares nothing with `bytes`. */
  read(bytes: Uint8Array, at: number, length: number): T
  /** Writes the payload at `at` and returns its length; throws RangeError for what cannot be sent. `bytes` has room for {@link lengthOf}. */
  write(bytes: Uint8Array, at: number, value: T): number
  /** Bytes that `write` needs; only for kinds without a size. */
  lengthOf?(value: T): number
  /** Writes the value as a line shows it. */
  print(text: Text, bytes: Uint8Array, at: number, length: number): void
  /** Writes the value as JSON. */
  json(text: Text, bytes: Uint8Array, at: number, length: number): void
  /** What `json` writes. */
  readonly schema: JsonSchema
  /** The value of what `json` wrote; only for kinds whose values JSON has no type for. */
  revive?(json: string): T
  /** Reads a command line's argument; throws RangeError that says what would be right. */
  parse(argument: string): T
  /** The words that an argument may be, where it is one of a few. */
  readonly words?: readonly string[]
  /** Reads an argument that is a condition, for kinds of which it is more than a value, a list or a range: what is under the mask. */
  condition?(argument: string): { readonly value: T; readonly mask: T }
}

/** A whole number as strtoul(3) with base 0 reads it (decimal, 0x hexadecimal, 0 octal), or RangeError. */
export function parseNumber(argument: string, maximum: number): number {
  const octal = /^0[0-7]+$/.test(argument)
  const number = /^(0[xX][0-9a-fA-F]+|0|[1-9][0-9]*)$/.test(argument) ? Number(argument) : octal ? Number.parseInt(argument, 8) : Number.NaN
  if (!(number <= maximum)) throw new RangeError(`expected a number from 0 to ${maximum}`)
  return number
}

function checked(value: number, maximum: number): number {
  if (!Number.isInteger(value) || value < 0 || value > maximum) throw new RangeError(`${value} is not a whole number from 0 to ${maximum}`)
  return value
}

const MAX_U16 = 0xffff
const MAX_U32 = 0xffffffff
const MAX_U64 = 0xffffffffffffffffn

const readU16 = (bytes: Uint8Array, at: number): number => (bytes[at] << 8) | bytes[at + 1]
const readU32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

const upTo = (maximum: number): JsonSchema => ({ type: 'integer', minimum: 0, maximum })

/** An unsigned byte. */
export const u8: Kind<number> = {
  name: 'u8',
  size: 1,
  read: (bytes, at) => bytes[at],
  write(bytes, at, value) {
    bytes[at] = checked(value, 255)
    return 1
  },
  print: (text, bytes, at) => text.decimal(bytes[at]),
  json: (text, bytes, at) => text.decimal(bytes[at]),
  schema: upTo(255),
  parse: (argument) => parseNumber(argument, 255),
}

/** An unsigned 16-bit number, network order. */
export const u16: Kind<number> = {
  name: 'u16',
  size: 2,
  read: readU16,
  write(bytes, at, value) {
    checked(value, MAX_U16)
    bytes[at] = value >> 8
    bytes[at + 1] = value
    return 2
  },
  print: (text, bytes, at) => text.decimal(readU16(bytes, at)),
  json: (text, bytes, at) => text.decimal(readU16(bytes, at)),
  schema: upTo(MAX_U16),
  parse: (argument) => parseNumber(argument, MAX_U16),
}

/** An unsigned 32-bit number, network order. */
export const u32: Kind<number> = {
  name: 'u32',
  size: 4,
  read: readU32,
  write(bytes, at, value) {
    writeU32(bytes, at, checked(value, MAX_U32))
    return 4
  },
  print: (text, bytes, at) => text.decimal(readU32(bytes, at)),
  json: (text, bytes, at) => text.decimal(readU32(bytes, at)),
  schema: upTo(MAX_U32),
  parse: (argument) => parseNumber(argument, MAX_U32),
}

/** An unsigned 32-bit number in the host's order (little-endian): CTA_FILTER's flags alone are sent so. */
export const hostU32: Kind<number> = {
  ...u32,
  name: 'hostU32',
  read: (bytes, at) => (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0,
  write(bytes, at, value) {
    u32.write(bytes, at, value)
    bytes.subarray(at, at + 4).reverse()
    return 4
  },
  print: (text, bytes, at, length) => text.decimal(hostU32.read(bytes, at, length)),
  json: (text, bytes, at, length) => text.decimal(hostU32.read(bytes, at, length)),
}

/** An unsigned 64-bit number, network order: a bigint, and in JSON a string of decimal digits, since neither JavaScript's nor jq's numbers hold it. */
export const u64: Kind<bigint> = {
  name: 'u64',
  size: 8,
  read: (bytes, at) => (BigInt(readU32(bytes, at)) << 32n) | BigInt(readU32(bytes, at + 4)),
  write(bytes, at, value) {
    if (value < 0n || value > MAX_U64) throw new RangeError(`${value} is not a number from 0 to ${MAX_U64}`)
    writeU32(bytes, at, Number(value >> 32n))
    writeU32(bytes, at + 4, Number(value & 0xffffffffn))
    return 8
  },
  print: (text, bytes, at) => text.decimal64(readU32(bytes, at), readU32(bytes, at + 4)),
  json: (text, bytes, at, length) => inQuotes(u64, text, bytes, at, length),
  schema: { type: 'string', pattern: '^(0|[1-9][0-9]{0,19})$' },
  revive: BigInt,
  parse(argument) {
    if (!/^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(argument) || BigInt(argument) > MAX_U64)
      throw new RangeError(`expected a number from 0 to ${MAX_U64}`)
    return BigInt(argument)
  },
}

/** The same number, but an argument is read as decimal whatever zeros it begins with, as atoi(3) does. */
export function decimal(kind: Kind<number>): Kind<number> {
  return {
    ...kind,
    parse(argument) {
      const digits = argument.replace(/^0+(?=\d)/, '')
      return kind.parse(/^\d+$/.test(digits) ? digits : argument)
    },
  }
}

/** A transport protocol's port. */
export const port: Kind<number> = { ...decimal(u16), name: 'port' }

/** A duration in whole seconds. */
export const seconds: Kind<number> = { ...decimal(u32), name: 'seconds' }

/** A 16-bit key, printed in hexadecimal as `0x10`. */
export const hex16: Kind<number> = {
  ...u16,
  name: 'hex16',
  print(text, bytes, at) {
    text.word(HEX_PREFIX)
    text.hex(readU16(bytes, at))
  },
}
const HEX_PREFIX = word('0x')

/** Four bytes, as `10.0.0.1`. */
export const ipv4: Kind<string> = {
  ...address('ipv4', 4, parseIPv4, printIPv4),
  read: (bytes, at) => `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`,
}

/** Sixteen bytes, as `fd00::1`. */
export const ipv6: Kind<string> = address('ipv6', 16, parseIPv6, printIPv6)

function address(
  name: string,
  size: number,
  toBytes: (argument: string) => Uint8Array | undefined,
  print: (text: Text, bytes: Uint8Array, at: number) => void,
): Kind<string> {
  const scratch = new Text(64)
  const read = (bytes: Uint8Array, at: number): string => {
    scratch.clear()
    print(scratch, bytes, at)
    return scratch.toString()
  }
  const kind: Kind<string> = {
    name,
    size,
    read,
    write(bytes, at, value) {
      const parsed = typeof value === 'string' ? toBytes(value) : undefined
      if (parsed === undefined) throw new RangeError(`'${value}' is not an ${name} address`)
      bytes.set(parsed, at)
      return size
    },
    print,
    json: (text, bytes, at, length) => inQuotes(kind, text, bytes, at, length),
    schema: { type: 'string', format: name },
    parse(argument) {
      const parsed = toBytes(argument)
      if (parsed === undefined) throw new RangeError(`expected an ${name} address`)
      return read(parsed, 0)
    },
  }
  return kind
}

/** One of a few numbers that have names. A number without one is read as its decimal digits, so that nothing is lost. */
export type Enumerated<Name extends string> = Name | `${number}`

/**
 * A byte that stands for one of `names` (index = number). `aliases` are further names that an argument may use.
 * A number without a name is printed as the first name, as conntrack(8) does; value and JSON keep the number.
 */
export function enumeration<const Names extends readonly string[]>(
  name: string,
  names: Names,
  aliases: Readonly<Record<string, Names[number]>> = {},
): Kind<Enumerated<Names[number]>> {
  const words = names.map(word)
  const quoted = names.map((one) => word(JSON.stringify(one)))
  const kind: Kind<Enumerated<Names[number]>> = {
    name,
    size: 1,
    read: (bytes, at) => names[bytes[at]] ?? String(bytes[at]),
    write(bytes, at, value) {
      const number = names.indexOf(value)
      if (number < 0 && !/^\d+$/.test(value)) throw new RangeError(`'${value}' is not one of ${names.join(', ')}`)
      bytes[at] = number < 0 ? checked(Number(value), 255) : number
      return 1
    },
    print: (text, bytes, at) => text.word(words[bytes[at]] ?? words[0]),
    json(text, bytes, at) {
      const known = quoted[bytes[at]]
      if (known === undefined) text.json(String(bytes[at]))
      else text.word(known)
    },
    schema: { anyOf: [{ enum: names }, { type: 'string', pattern: '^[0-9]{1,3}$' }] },
    words: [...names, ...Object.keys(aliases)],
    parse(argument) {
      const known = Object.hasOwn(aliases, argument) ? aliases[argument] : argument
      if (names.includes(known)) return known
      // A number that has no name yet must come from where it was saved; those that have one go by it.
      if (/^\d{1,3}$/.test(known) && names[Number(known)] === undefined) return `${checked(Number(known), 255)}`
      throw new RangeError(`expected one of ${[...names, ...Object.keys(aliases)].join(', ')}`)
    },
  }
  return kind
}

/** Names of the bits that are set; a bit without a name is `bit7`. */
export type Bits<Name extends string> = readonly (Name | `bit${number}`)[]

/** Few of the numbers that could be are ever seen; what was made of the first thousand is kept. */
function remembered<T>(make: (number: number) => T): (number: number) => T {
  const seen = new Map<number, T>()
  return (number) => {
    const known = seen.get(number)
    if (known !== undefined) return known
    const made = make(number)
    if (seen.size < 1000) seen.set(number, made)
    return made
  }
}

/** A big-endian number of `size` bytes (1 to 4) whose bits have names, lowest first. Read as a frozen array of names; argument: `A,B`. */
export function bits<const Names extends readonly string[]>(name: string, size: number, names: Names): Kind<Bits<Names[number]>> {
  type Value = Bits<Names[number]>
  const bitName = (bit: number): Value[number] => names[bit] ?? `bit${bit}`
  const toNames = remembered((number: number): Value => {
    const set: Value[number][] = []
    for (let bit = 0; bit < 8 * size; bit++) if ((number >>> bit) & 1) set.push(bitName(bit))
    return Object.freeze(set)
  })
  const toText = remembered((number: number): Uint8Array => word(toNames(number).join(',')))
  const toJson = remembered((number: number): Uint8Array => word(JSON.stringify(toNames(number))))
  const numberAt = (bytes: Uint8Array, at: number): number => {
    let number = 0
    for (let i = 0; i < size; i++) number = (number << 8) | bytes[at + i]
    return number >>> 0
  }
  const toNumber = (value: Value): number => {
    let number = 0
    for (const set of value) {
      const bit = names.indexOf(set) >= 0 ? names.indexOf(set) : /^bit\d+$/.test(set) ? Number(set.slice(3)) : -1
      if (bit < 0 || bit >= 8 * size) throw new RangeError(`'${set}' is not one of ${names.join(', ')}`)
      number |= 1 << bit
    }
    return number >>> 0
  }
  const kind: Kind<Value> = {
    name,
    size,
    read: (bytes, at) => toNames(numberAt(bytes, at)),
    write(bytes, at, value) {
      const number = toNumber(value)
      for (let i = 0; i < size; i++) bytes[at + i] = number >>> (8 * (size - 1 - i))
      return size
    },
    print: (text, bytes, at) => text.word(toText(numberAt(bytes, at))),
    json: (text, bytes, at) => text.word(toJson(numberAt(bytes, at))),
    schema: { type: 'array', uniqueItems: true, items: { anyOf: [{ enum: names }, { type: 'string', pattern: '^bit[0-9]{1,2}$' }] } },
    words: names,
    parse(argument) {
      const value = argument.split(',') as Value
      toNumber(value)
      return value
    },
  }
  return kind
}

// U+FEFF at the beginning is a part of the value.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** A string in UTF-8; the kernel ends it with NUL, which is no part of the value. */
export const string: Kind<string> = {
  name: 'string',
  size: undefined,
  read(bytes, at, length) {
    const end = bytes.subarray(at, at + length).indexOf(0)
    return decoder.decode(bytes.subarray(at, at + (end < 0 ? length : end)))
  },
  lengthOf: (value) => value.length * 3 + 1,
  write(bytes, at, value) {
    if (value.includes('\0')) throw new RangeError('a string for the kernel cannot contain NUL')
    const { written } = new TextEncoder().encodeInto(value, bytes.subarray(at))
    bytes[at + written] = 0
    return written + 1
  },
  print: (text, bytes, at, length) => text.string(printable(string.read(bytes, at, length))),
  json: (text, bytes, at, length) => text.json(string.read(bytes, at, length)),
  schema: { type: 'string' },
  parse: (argument) => argument,
}

/** Bytes as they are: a copy, so that a value outlives the receive buffer. As text and argument: hexadecimal digits. */
export const bytes: Kind<Uint8Array> = {
  name: 'bytes',
  size: undefined,
  read: (source, at, length) => source.slice(at, at + length),
  lengthOf: (value) => value.length,
  write(target, at, value) {
    if (!(value instanceof Uint8Array)) throw new RangeError('expected a Uint8Array')
    target.set(value, at)
    return value.length
  },
  print: (text, source, at, length) => text.hexBytes(source, at, length),
  json: (text, source, at, length) => inQuotes(bytes, text, source, at, length),
  schema: { type: 'string', contentEncoding: 'base16', pattern: '^([0-9a-f]{2})*$' },
  revive: (json) => bytes.parse(json),
  parse(argument) {
    if (!/^([0-9a-fA-F]{2})*$/.test(argument)) throw new RangeError('expected pairs of hexadecimal digits')
    return Uint8Array.from(argument.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
  },
}

const QUOTE = 0x22

/** JSON of a kind whose text needs no escape: what it prints, between quotes. */
function inQuotes<T>(kind: Kind<T>, text: Text, source: Uint8Array, at: number, length: number): void {
  text.byte(QUOTE)
  kind.print(text, source, at, length)
  text.byte(QUOTE)
}
