import type { Entry } from './entry.ts'
import type { Layout, Member, Place, Shape, Variant } from './layout.ts'
import { type Rule, ruleOf } from './rule.ts'
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

/** Conditions on the fields of a table; all must hold, or of a nest under `not`, not all. */
export type Conditions<T extends Table> = {
  readonly [K in keyof T]?: T[K] extends Attribute<infer V>
    ? Condition<V>
    : T[K] extends PerFamily
      ? Condition<string>
      : T[K] extends Nest<infer U>
        ? Conditions<U> | { readonly not: Conditions<U> }
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

/** Whether a payload is as wanted; `at` is 0 where the attribute is absent. */
type Test = (bytes: Uint8Array, at: number) => boolean
type Tests = readonly ((entry: Entry) => boolean)[]

/** Conditions that are about more than one field, by the name that they have in a filter. */
export type Relations = Readonly<Record<string, (shape: Shape, condition: unknown) => (entry: Entry) => boolean>>

/** What a filter says of one field: rules for its one attribute, or for the two of an address, of which an entry has the one of its family. */
export interface FieldCondition {
  readonly places: readonly Place[]
  readonly rules: readonly Rule[]
}

/** What a filter says of entries of one protocol: of single fields, and of how they are to each other. All must hold. */
export interface ShapeConditions<V extends Variant> {
  readonly shape: Shape<V>
  readonly fields: readonly FieldCondition[]
  readonly relations: readonly ((entry: Entry) => boolean)[]
}

/**
 * Compiles a filter. An entry of a protocol that lacks one of the fields does not match.
 * @throws RangeError that names the field, when no protocol has it or its condition cannot be
 */
export function matcher<V extends Variant>(layout: Layout<V>, filter: Filter, relations: Relations = {}): (entry: Entry<V>) => boolean {
  const { family } = filter
  const familyNumber = family === undefined ? undefined : FAMILIES.get(family)
  if (family !== undefined && familyNumber === undefined) throw new RangeError(`family '${family}' is neither ipv4 nor ipv6`)
  const byShape: (Tests | undefined)[] = []
  for (const { shape, fields, relations: others } of conditionsOf(layout, filter, relations))
    byShape[shape.index] = [...fields.map(testOf), ...others]

  return (entry) => {
    if (familyNumber !== undefined && entry.message.family !== familyNumber) return false
    const tests = byShape[entry.shape.index]
    if (tests === undefined) return false
    for (const test of tests) if (!test(entry)) return false
    return true
  }
}

/** The protocols that a filter can hold for, and what it says of each. @throws RangeError as {@link matcher} does */
export function conditionsOf<V extends Variant>(layout: Layout<V>, filter: Filter, relations: Relations = {}): ShapeConditions<V>[] {
  const { protocol, family: _, ...conditions } = filter
  const wanted = protocol === undefined ? undefined : [protocol].flat()
  for (const name of wanted ?? [])
    if (!layout.shapes.some((shape) => shape.variant.name === name)) throw new RangeError(`protocol '${name}' is not installed`)
  const candidates = layout.shapes.filter((shape) => wanted?.includes(shape.variant.name) ?? true)
  const unknown: string[] = []
  const known = candidates.flatMap((shape) => {
    try {
      return [{ shape, ...conditionsOn(shape, shape.members, conditions, relations) }]
    } catch (error) {
      if (!(error instanceof UnknownField)) throw error
      unknown.push(error.message)
      return []
    }
  })
  if (known.length === 0) throw new RangeError(unknown[0])
  return known
}

class UnknownField extends RangeError {}

type Found = Pick<ShapeConditions<Variant>, 'fields' | 'relations'>

/** What conditions say of these members, which are a shape's own (`prefix` is empty) or those of a nest. */
function conditionsOn(shape: Shape, members: readonly Member[], conditions: object, relations: Relations, prefix = ''): Found {
  const fields: FieldCondition[] = []
  const others: ((entry: Entry) => boolean)[] = []
  for (const [name, condition] of Object.entries(conditions)) {
    if (condition === undefined) continue
    const path = prefix + name
    const member = members.find((one) => one.name === name)
    if (Object.hasOwn(relations, path)) others.push(relations[path](shape, condition))
    else if (member === undefined) throw new UnknownField(`unknown field '${path}'`)
    else if (member.members === undefined) fields.push(fieldCondition(member.places, condition, path))
    else {
      if (typeof condition !== 'object' || condition === null || Array.isArray(condition))
        throw new RangeError(`${path}: expected an object`)
      const isNegated = 'not' in condition
      const inner = conditionsOn(shape, member.members, isNegated ? Object(condition.not) : condition, relations, `${path}.`)
      if (isNegated) others.push(unlessAll(inner))
      else {
        fields.push(...inner.fields)
        others.push(...inner.relations)
      }
    }
  }
  return { fields, relations: others }
}

/** Holds where not all of these conditions do. */
function unlessAll({ fields, relations }: Found): (entry: Entry) => boolean {
  const tests = [...fields.map(testOf), ...relations]
  return (entry) => !tests.every((test) => test(entry))
}

/** A test of one field, which is one attribute or the two of an address. @throws RangeError that names the field */
export function fieldTest(places: readonly Place[], condition: unknown, path: string): (entry: Entry) => boolean {
  return testOf(fieldCondition(places, condition, path))
}

function fieldCondition(places: readonly Place[], condition: unknown, path: string): FieldCondition {
  try {
    return { places, rules: places.map((place) => ruleOf(place, condition)) }
  } catch (error) {
    throw new RangeError(`${path}: ${(error as Error).message}`, { cause: error })
  }
}

function testOf({ places, rules }: FieldCondition): (entry: Entry) => boolean {
  const tests = rules.map((rule, i) => attributeTest(rule, places[i]))
  const [{ slot }, v6] = places
  if (v6 === undefined) return (entry) => tests[0](entry.bytes, entry.slots[slot])
  return ({ bytes, slots }) => (slots[v6.slot] === 0 ? tests[0](bytes, slots[slot]) : tests[1](bytes, slots[v6.slot]))
}

function attributeTest(rule: Rule, place: Place): Test {
  if (rule.rule === 'constant') return () => rule.holds
  if (rule.rule === 'computed') return (bytes, at) => (at === 0 ? rule.absent : rule.holds(bytes, at))
  if (rule.rule === 'masked') return maskedTest(rule, place.kind.size)
  if (rule.rule === 'between') {
    const { low, high, absent } = rule
    return (bytes, at) => (at === 0 ? absent : compare(bytes, at, low) >= 0 && compare(bytes, at, high) <= 0)
  }
  if (rule.rule === 'not') {
    const test = attributeTest(rule.of, place)
    return (bytes, at) => !test(bytes, at)
  }
  const tests = rule.of.map((one) => attributeTest(one, place))
  return rule.rule === 'any' ? (bytes, at) => tests.some((test) => test(bytes, at)) : (bytes, at) => tests.every((test) => test(bytes, at))
}

function compare(bytes: Uint8Array, at: number, other: Uint8Array): number {
  for (let i = 0; i < other.length; i++) {
    const difference = bytes[at + i] - other[i]
    if (difference !== 0) return difference
  }
  return 0
}

function maskedTest({ value, mask, absent }: Rule & { rule: 'masked' }, size: number | undefined): Test {
  return (bytes, at) => {
    if (at === 0) return absent
    const length = size ?? payloadLength(bytes, at)
    for (let i = 0; i < mask.length; i++) if (((i < length ? bytes[at + i] : 0) & mask[i]) !== value[i]) return false
    return true
  }
}
