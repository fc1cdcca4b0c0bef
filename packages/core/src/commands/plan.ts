import type { Field, Shape } from '../schema/layout.ts'
import type { Filter } from '../schema/match.ts'
import type { ProtocolVariant } from '../tables/protocol.ts'
import { familyNumber, matcherOf, type TableContext } from './context.ts'
import { encoderOf } from './tuple.ts'

/** Which fields of a filter are checked where. What the kernel lets through is always checked again. */
export interface Explanation {
  /** The fields that the kernel checks, as paths: `original.source`. */
  readonly kernel: readonly string[]
  /** The fields that only we check. */
  readonly rest: readonly string[]
  /** Whether what the kernel checks is all of the filter, and exactly that. */
  readonly isWhole: boolean
}

/** How a filter is done: what the kernel is asked to check by itself, and what is left to us. */
export interface Plan extends Explanation {
  /** nfgen_family: 0 for both. */
  readonly family: number
  /** The kernel's part as attributes; empty where it is asked for everything. */
  readonly body: Uint8Array
  /** The same for a flush: with CTA_FILTER and a tuple in any case, so that a kernel without it takes it for a tuple that no flow has. */
  readonly flush: Uint8Array
}

type Fields = Readonly<Record<string, unknown>>
type Side = 'original' | 'reply'

/** Bits of CTA_FILTER_ORIG_FLAGS and CTA_FILTER_REPLY_FLAGS, by the attribute whose comparison each turns on. */
const FILTER_BITS: Readonly<Record<string, number>> = {
  CTA_IP_V4_SRC: 0,
  CTA_IP_V4_DST: 1,
  // Of IPv6 the kernel lists every address but the one it is asked for (ctnetlink_filter_match_tuple), so CTA_IP_V6_* is left to us.
  CTA_PROTO_NUM: 3,
  CTA_PROTO_SRC_PORT: 4,
  CTA_PROTO_DST_PORT: 5,
  CTA_PROTO_ICMP_TYPE: 6,
  CTA_PROTO_ICMP_CODE: 7,
  CTA_PROTO_ICMP_ID: 8,
  CTA_PROTO_ICMPV6_TYPE: 9,
  CTA_PROTO_ICMPV6_CODE: 10,
  CTA_PROTO_ICMPV6_ID: 11,
}

/** The protocols whose ports the kernel looks at, TCP and UDP; of others it ignores the bit. */
const WITH_PORTS: readonly number[] = [6, 17]

/** Splits a filter into what the kernel can do while it lists or flushes (CTA_MARK, CTA_STATUS, CTA_ZONE, CTA_FILTER) and the rest. */
export function plan(context: TableContext, filter: Filter): Plan {
  const shape = shapeOf(context, filter)
  const family = familyNumber(filter.family) || impliedFamily(filter)
  const kernel = family === 0 ? [] : ['family']
  const take = <T extends object>(path: string, part: T | undefined): T | undefined => {
    if (part !== undefined) kernel.push(path)
    return part
  }
  const { number = -1, name = 'unknown' } = shape?.variant ?? {}
  // CTA_FILTER is refused without a family.
  const sides = family === 0 ? [] : (['original', 'reply'] as const).map((side) => tuplePart(side, filter[side] as Fields, shape, kernel))
  const [first = EMPTY, reply = EMPTY] = sides
  const isProtocolTold = family !== 0 && number >= 0 && (first.values.protocolNumber ?? number) === number
  const original = isProtocolTold ? { values: { ...first.values, protocolNumber: number }, flags: first.flags | PROTOCOL } : first
  if (isProtocolTold) kernel.push('protocol')
  const values = {
    ...take('mark', markPart(filter.mark)),
    ...take('status', statusPart(filter.status)),
    ...take('zone', zonePart(filter.zone)),
    ...(original.flags !== 0 && { original: original.values }),
    ...(reply.flags !== 0 && { reply: reply.values }),
    ...(original.flags + reply.flags !== 0 && { filter: { originalFlags: original.flags, replyFlags: reply.flags } }),
  }
  const { encoder } = encoderOf(context, { protocol: name })
  const rest = pathsOf(filter, '').filter((path) => !kernel.includes(path))
  return {
    family,
    body: encoder.encode(values),
    flush: encoder.encode({ original: NOBODY, filter: { originalFlags: 0, replyFlags: 0 }, ...values }),
    kernel,
    rest,
    // The kernel's zone is one of either direction.
    isWhole: rest.length === 0 && !kernel.includes('zone'),
  }
}

/** A tuple without addresses: of no flow. */
const NOBODY = { protocolNumber: 255 }

/** Tells how a filter would be done. @throws RangeError that names the field that is not right */
export function explain(context: TableContext, filter: Filter): Explanation {
  matcherOf(context, filter)
  const { kernel, rest, isWhole } = plan(context, filter)
  return { kernel, rest, isWhole }
}

/** CTA_FILTER_FLAG(CTA_PROTO_NUM), without which the bits of ports and types are refused. */
const PROTOCOL = 1 << 3
const EMPTY = { values: {} as Fields, flags: 0 }

function tuplePart(side: Side, conditions: Fields | undefined, shape: Shape<ProtocolVariant> | undefined, kernel: string[]): typeof EMPTY {
  const values: Record<string, unknown> = {}
  let flags = 0
  for (const [name, condition] of Object.entries(conditions ?? {})) {
    const field = shape?.fields.get(`${side}.${name}`)
    const bit = field === undefined ? undefined : filterBit(field, condition, shape?.variant.number ?? -1)
    if (bit === undefined) continue
    values[name] = typeof condition === 'string' ? condition.replace(/\/32$/, '') : condition
    flags |= 1 << bit
    kernel.push(`${side}.${name}`)
  }
  if (flags >> 4 === 0) return { values, flags }
  return { values: { protocolNumber: shape?.variant.number, ...values }, flags: flags | PROTOCOL }
}

/** The bit by which the kernel compares a field with a value; undefined where it cannot, or the condition is no single value. */
function filterBit({ places: [place] }: Field, condition: unknown, protocol: number): number | undefined {
  const bit = FILTER_BITS[place.name]
  if (bit === undefined) return undefined
  if (place.kind.name === 'ipv4')
    return typeof condition === 'string' && !condition.includes(':') && /^[^/]*(\/32)?$/.test(condition) ? bit : undefined
  if (typeof condition !== 'number') return undefined
  if (place.name === 'CTA_PROTO_NUM') return bit
  if (protocol < 0 || (bit <= 5 && !WITH_PORTS.includes(protocol))) return undefined
  return bit
}

/** The one protocol that a filter is about, or the table of those that are not installed, which has what all have. */
function shapeOf({ layout }: TableContext, { protocol }: Filter): Shape<ProtocolVariant> | undefined {
  const wanted = typeof protocol === 'string' ? protocol : Array.isArray(protocol) && protocol.length === 1 ? protocol[0] : 'unknown'
  return layout.shapes.find(({ variant }) => variant.name === wanted)
}

/** The family that addresses tell of, where all that are given are of one: a flow has addresses of its own family alone. */
function impliedFamily({ original, reply }: Filter): number {
  const addresses = [original, reply].flatMap((tuple) => {
    const { source, destination } = (tuple ?? {}) as Fields
    return [source, destination].flatMap(addressesIn)
  })
  const families = new Set(addresses.map((address) => familyNumber(address.includes(':') ? 'ipv6' : 'ipv4')))
  return families.size === 1 ? [...families][0] : 0
}

/** The addresses of a condition that holds for none but them and what is between them. */
function addressesIn(condition: unknown): string[] {
  if (typeof condition === 'string') return [condition]
  if (!isObject(condition)) return []
  if ('oneOf' in condition) {
    const each = (condition.oneOf as unknown[]).map(addressesIn)
    return each.some((addresses) => addresses.length === 0) ? [] : each.flat()
  }
  return [condition.from, condition.to, condition.value].filter((address) => typeof address === 'string')
}

/** The fields that a filter has conditions on. */
function pathsOf(filter: Fields, prefix: string): string[] {
  return Object.entries(filter).flatMap(([name, condition]) => {
    if (condition === undefined) return []
    return name === 'original' || name === 'reply' ? pathsOf(condition as Fields, `${name}.`) : [prefix + name]
  })
}

const isObject = (condition: unknown): condition is Record<string, unknown> =>
  typeof condition === 'object' && condition !== null && !Array.isArray(condition)

function markPart(condition: unknown): object | undefined {
  if (typeof condition === 'number') return { mark: condition, markMask: 0xffffffff }
  return isObject(condition) && 'mask' in condition ? { mark: condition.value, markMask: condition.mask } : undefined
}

function statusPart(condition: unknown): object | undefined {
  if (isObject(condition) && !('all' in condition || 'none' in condition)) return undefined
  const { all = [], none = [] } = (isObject(condition) ? condition : { all: condition }) as { all?: string[]; none?: string[] }
  // The kernel refuses a mask of 0 (EINVAL).
  return all.length + none.length === 0 ? undefined : { status: all, statusMask: [...all, ...none] }
}

function zonePart(condition: unknown): object | undefined {
  // Zone 0 would leave out entries that have a zone in one direction only.
  return typeof condition === 'number' && condition !== 0 ? { zone: condition } : undefined
}
