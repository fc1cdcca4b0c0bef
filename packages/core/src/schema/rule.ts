import type { Kind } from './kinds.ts'
import type { Place } from './layout.ts'
import { payloadLength } from './scan.ts'

/**
 * What a condition says of one attribute, in terms of its bytes. All of ctnetlink's numbers are big-endian, so that comparing bytes in turn
 * compares numbers, ranges and networks alike.
 */
export type Rule =
  | { readonly rule: 'constant'; readonly holds: boolean }
  | { readonly rule: 'not'; readonly of: Rule }
  | { readonly rule: 'any' | 'all'; readonly of: readonly Rule[] }
  /** From `low` to `high`, both included. `absent`: whether it holds where the attribute is absent. */
  | { readonly rule: 'between'; readonly low: Uint8Array; readonly high: Uint8Array; readonly absent: boolean }
  /** Bytes that the attribute has less than the mask count as 0. */
  | { readonly rule: 'masked'; readonly value: Uint8Array; readonly mask: Uint8Array; readonly absent: boolean }
  /** What takes more than comparing bytes. */
  | { readonly rule: 'computed'; readonly holds: (bytes: Uint8Array, at: number) => boolean; readonly absent: boolean }

/** Attributes that the kernel leaves out when they are 0, so that their absence means 0 to a condition. */
const ABSENT_IS_ZERO = new Set(['CTA_MARK', 'CTA_ZONE', 'CTA_TUPLE_ZONE', 'CTA_SECMARK', 'CTA_STATUS', 'CTA_LABELS', 'CTA_EXPECT_ZONE'])

const NEVER: Rule = { rule: 'constant', holds: false }

/** Whether a rule holds where the attribute is absent. */
export function holdsForAbsent(rule: Rule): boolean {
  if (rule.rule === 'constant') return rule.holds
  if (rule.rule === 'not') return !holdsForAbsent(rule.of)
  if ('absent' in rule) return rule.absent
  return rule.rule === 'any' ? rule.of.some(holdsForAbsent) : rule.of.every(holdsForAbsent)
}

/** The rule for one attribute that a condition is. @throws RangeError when the condition cannot be */
export function ruleOf(place: Place, condition: unknown): Rule {
  const { kind } = place
  if (Array.isArray(condition)) return ruleOf(place, { all: condition })
  if (typeof condition !== 'object' || condition === null || condition instanceof Uint8Array) return equality(place, condition)
  if ('oneOf' in condition) return { rule: 'any', of: (condition.oneOf as unknown[]).map((one) => ruleOf(place, one)) }
  if ('not' in condition) return { rule: 'not', of: ruleOf(place, condition.not) }
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
    return { rule: 'all', of: [masked(place, set, set), masked(place, new Uint8Array(unset.length), unset)] }
  }
  try {
    return equality(place, condition) // of a kind whose values are objects
  } catch {
    throw new RangeError('expected a value, or one of oneOf, not, from and to, value and mask, all, none')
  }
}

function payload(kind: Kind<unknown>, value: unknown): Uint8Array {
  const bytes = new Uint8Array(kind.size ?? kind.lengthOf?.(value) ?? 0)
  return bytes.subarray(0, kind.write(bytes, 0, value))
}

function equality(place: Place, value: unknown): Rule {
  const { kind } = place
  if (ofOtherFamily(kind, [value])) return NEVER
  if (typeof value === 'string' && (kind.name === 'ipv4' || kind.name === 'ipv6')) return address(place, value)
  const wanted = payload(kind, value)
  if (kind.size !== undefined) return between(place, wanted, wanted)
  if (typeof value === 'string')
    return { rule: 'computed', holds: (bytes, at) => kind.read(bytes, at, payloadLength(bytes, at)) === value, absent: false }
  const isSame = (bytes: Uint8Array, at: number): boolean => {
    const found = kind.read(bytes, at, payloadLength(bytes, at)) as Uint8Array
    return found.length === wanted.length && found.every((byte, i) => byte === wanted[i])
  }
  return { rule: 'computed', holds: isSame, absent: isZero(place, wanted) }
}

/** Whether the kind is of addresses of one family, and these are of the other: no entry that has the attribute is like them. */
function ofOtherFamily({ name }: Kind<unknown>, addresses: readonly unknown[]): boolean {
  const isOther = (one: unknown): boolean => typeof one === 'string' && one.includes(':') === (name === 'ipv4')
  return (name === 'ipv4' || name === 'ipv6') && addresses.every(isOther)
}

/** An address or a network. */
function address(place: Place, value: string): Rule {
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

function between(place: Place, low: Uint8Array, high: Uint8Array): Rule {
  if (place.kind.size === undefined) throw new RangeError('there is no range of strings or bytes')
  return { rule: 'between', low, high, absent: isZero(place, low) }
}

function masked(place: Place, value: Uint8Array, mask: Uint8Array): Rule {
  if (value.length !== mask.length) throw new RangeError(`a value of ${value.length} bytes under a mask of ${mask.length}`)
  return { rule: 'masked', value, mask, absent: isZero(place, value) }
}

/** Whether a value is what the absence of the attribute means. */
function isZero({ name }: Place, value: Uint8Array): boolean {
  return ABSENT_IS_ZERO.has(name) && value.every((byte) => byte === 0)
}
