import type { Entry } from './entry.ts'
import type { Kind } from './kinds.ts'
import type { Layout, Member, Place, Shape, Variant } from './layout.ts'
import { payloadLength } from './scan.ts'
import type { Attribute, Nest, PerFamily, Table } from './table.ts'

/**
 * What a field must be:
 * a value to be equal to (an address may be a network, `10.0.0.0/8`; a list of bits means at least these),
 * one of several, a range with both ends, a value under a mask, bits that must and must not be set, or not one of those.
 */
export type Condition<T> =
  | T
  | { readonly oneOf: readonly Condition<T>[] }
  | { readonly not: Condition<T> }
  | { readonly from: T; readonly to: T }
  | { readonly value: T; readonly mask: T }
  | { readonly all?: T; readonly none?: T }

/** Conditions on the fields of a table; all must hold. */
export type Conditions<T extends Table> = {
  readonly [K in keyof T]?: T[K] extends Attribute<infer V>
    ? Condition<V>
    : T[K] extends PerFamily
      ? Condition<string>
      : T[K] extends Nest<infer U>
        ? Conditions<U>
        : never
}

/** Conditions by field, with the entry's protocol and address family beside them. */
export interface Filter {
  readonly protocol?: string | readonly string[]
  readonly family?: string
  readonly [field: string]: unknown
}

/** nfgen_family by the name that the API uses: AF_INET and AF_INET6. */
export const FAMILIES: ReadonlyMap<string, number> = new Map([
  ['ipv4', 2],
  ['ipv6', 10],
])

/** Attributes that the kernel leaves out when they are 0, so that their absence means 0 to a condition. */
const ABSENT_IS_ZERO = new Set(['CTA_MARK', 'CTA_ZONE', 'CTA_TUPLE_ZONE', 'CTA_SECMARK', 'CTA_STATUS', 'CTA_LABELS'])

/** Whether a payload is as wanted; `at` is 0 where the attribute is absent. */
type Test = (bytes: Uint8Array, at: number) => boolean
type Tests = readonly ((entry: Entry) => boolean)[]

/** Conditions that are about more than one field, by the name that they have in a filter. */
export type Relations = Readonly<Record<string, (shape: Shape, condition: unknown) => (entry: Entry) => boolean>>

/**
 * Compiles a filter. An entry of a protocol that lacks one of the fields does not match.
 * @throws RangeError that names the field, when no protocol has it or its condition cannot be
 */
export function matcher<V extends Variant>(layout: Layout<V>, filter: Filter, relations: Relations = {}): (entry: Entry<V>) => boolean {
  const { protocol, family, ...conditions } = filter
  const wanted = protocol === undefined ? undefined : [protocol].flat()
  for (const name of wanted ?? [])
    if (!layout.shapes.some((shape) => shape.variant.name === name)) throw new RangeError(`protocol '${name}' is not installed`)
  const familyNumber = family === undefined ? undefined : FAMILIES.get(family)
  if (family !== undefined && familyNumber === undefined) throw new RangeError(`family '${family}' is neither ipv4 nor ipv6`)

  const candidates = layout.shapes.filter((shape) => wanted?.includes(shape.variant.name) ?? true)
  const unknown: string[] = []
  const byShape: (Tests | undefined)[] = []
  for (const shape of candidates) {
    try {
      byShape[shape.index] = testsOf(shape, conditions, relations)
    } catch (error) {
      if (!(error instanceof UnknownField)) throw error
      unknown.push(error.message)
    }
  }
  if (unknown.length === candidates.length) throw new RangeError(unknown[0])

  return (entry) => {
    if (familyNumber !== undefined && entry.message.family !== familyNumber) return false
    const tests = byShape[entry.shape.index]
    if (tests === undefined) return false
    for (const test of tests) if (!test(entry)) return false
    return true
  }
}

class UnknownField extends RangeError {}

function testsOf(shape: Shape, conditions: Record<string, unknown>, relations: Relations): Tests {
  const tests: ((entry: Entry) => boolean)[] = []
  const walk = (members: readonly Member[], level: Record<string, unknown>, prefix: string): void => {
    for (const [name, condition] of Object.entries(level)) {
      if (condition === undefined) continue
      const path = prefix + name
      if (Object.hasOwn(relations, path)) {
        tests.push(relations[path](shape, condition))
        continue
      }
      const member = members.find((one) => one.name === name)
      if (member === undefined) throw new UnknownField(`unknown field '${path}'`)
      if (member.members === undefined) {
        tests.push(fieldTest(member.places, condition, path))
        continue
      }
      if (typeof condition !== 'object' || condition === null || Array.isArray(condition))
        throw new RangeError(`${path}: expected an object`)
      walk(member.members, condition as Record<string, unknown>, `${path}.`)
    }
  }
  walk(shape.members, conditions, '')
  return tests
}

/** A test of one field, which is one attribute or the two of an address. @throws RangeError that names the field */
export function fieldTest(places: readonly Place[], condition: unknown, path: string): (entry: Entry) => boolean {
  try {
    if (places.length === 1) {
      const { slot } = places[0]
      const test = compile(places[0], condition)
      return (entry) => test(entry.bytes, entry.slots[slot])
    }
    // Of an address field's two places, an entry has the one of its family.
    const [v4, v6] = places
    const tests = [compile(v4, condition), compile(v6, condition)]
    return ({ bytes, slots }) => (slots[v6.slot] === 0 ? tests[0](bytes, slots[v4.slot]) : tests[1](bytes, slots[v6.slot]))
  } catch (error) {
    throw new RangeError(`${path}: ${(error as Error).message}`, { cause: error })
  }
}

function compile(place: Place, condition: unknown): Test {
  const { kind } = place
  if (Array.isArray(condition)) return compile(place, { all: condition })
  if (typeof condition !== 'object' || condition === null || condition instanceof Uint8Array) return equality(place, condition)
  if ('oneOf' in condition) {
    const tests = (condition.oneOf as unknown[]).map((one) => compile(place, one))
    return (bytes, at) => tests.some((test) => test(bytes, at))
  }
  if ('not' in condition) {
    const test = compile(place, condition.not)
    return (bytes, at) => !test(bytes, at)
  }
  if ('from' in condition && 'to' in condition) {
    const { from, to } = condition
    return ofOtherFamily(kind, [from, to]) ? NEVER : between(place, payload(kind, from), payload(kind, to))
  }
  if ('value' in condition && 'mask' in condition) {
    const { value, mask } = condition
    return ofOtherFamily(kind, [value, mask]) ? NEVER : masked(place, payload(kind, value), payload(kind, mask))
  }
  if ('all' in condition || 'none' in condition) {
    const { all = [], none = [] } = condition as { all?: unknown; none?: unknown }
    const set = payload(kind, all)
    const unset = payload(kind, none)
    const has = masked(place, set, set)
    const lacks = masked(place, new Uint8Array(unset.length), unset)
    return (bytes, at) => has(bytes, at) && lacks(bytes, at)
  }
  try {
    return equality(place, condition) // of a kind whose values are objects
  } catch {
    throw new RangeError('expected a value, or one of oneOf, not, from and to, value and mask, all, none')
  }
}

const NEVER: Test = () => false

function payload(kind: Kind<unknown>, value: unknown): Uint8Array {
  const bytes = new Uint8Array(kind.size ?? kind.lengthOf?.(value) ?? 0)
  return bytes.subarray(0, kind.write(bytes, 0, value))
}

function equality(place: Place, value: unknown): Test {
  const { kind } = place
  if (ofOtherFamily(kind, [value])) return NEVER
  if (typeof value === 'string' && (kind.name === 'ipv4' || kind.name === 'ipv6')) return address(place, value)
  const wanted = payload(kind, value)
  if (kind.size !== undefined) return between(place, wanted, wanted)
  if (typeof value === 'string') return (bytes, at) => at !== 0 && kind.read(bytes, at, payloadLength(bytes, at)) === value
  const same = masked(place, wanted, new Uint8Array(wanted.length).fill(255))
  return (bytes, at) => {
    if (at === 0) return same(bytes, at)
    const found = kind.read(bytes, at, payloadLength(bytes, at)) as Uint8Array
    return found.length === wanted.length && compare(found, 0, wanted) === 0
  }
}

/** Whether the kind is of addresses of one family, and these are of the other: no entry that has the attribute is like them. */
function ofOtherFamily({ name }: Kind<unknown>, addresses: readonly unknown[]): boolean {
  const isOther = (one: unknown): boolean => typeof one === 'string' && one.includes(':') === (name === 'ipv4')
  return (name === 'ipv4' || name === 'ipv6') && addresses.every(isOther)
}

/** An address or a network. */
function address(place: Place, value: string): Test {
  const [host, prefix, ...rest] = value.split('/')
  const wanted = payload(place.kind, host)
  if (prefix === undefined) return between(place, wanted, wanted)
  const length = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
  if (rest.length > 0 || !(length <= wanted.length * 8))
    throw new RangeError(`'${value}': expected a prefix length from 0 to ${wanted.length * 8}`)
  const mask = wanted.map((_, i) => 0xff00 >> Math.max(0, Math.min(8, length - 8 * i)))
  return masked(
    place,
    wanted.map((byte, i) => byte & mask[i]),
    mask,
  )
}

// All of ctnetlink's numbers are big-endian, so that comparing bytes in turn compares numbers, ranges and networks alike.

function between(place: Place, low: Uint8Array, high: Uint8Array): Test {
  if (place.kind.size === undefined) throw new RangeError('there is no range of strings or bytes')
  const absent = ABSENT_IS_ZERO.has(place.name) && low.every((byte) => byte === 0)
  return (bytes, at) => (at === 0 ? absent : compare(bytes, at, low) >= 0 && compare(bytes, at, high) <= 0)
}

function compare(bytes: Uint8Array, at: number, other: Uint8Array): number {
  for (let i = 0; i < other.length; i++) {
    const difference = bytes[at + i] - other[i]
    if (difference !== 0) return difference
  }
  return 0
}

/** What an attribute has less than the mask counts as 0. */
function masked({ name, kind: { size } }: Place, value: Uint8Array, mask: Uint8Array): Test {
  if (value.length !== mask.length) throw new RangeError(`a value of ${value.length} bytes under a mask of ${mask.length}`)
  const absent = ABSENT_IS_ZERO.has(name) && value.every((byte) => byte === 0)
  return (bytes, at) => {
    if (at === 0) return absent
    const length = size ?? payloadLength(bytes, at)
    for (let i = 0; i < mask.length; i++) if (((i < length ? bytes[at + i] : 0) & mask[i]) !== value[i]) return false
    return true
  }
}
