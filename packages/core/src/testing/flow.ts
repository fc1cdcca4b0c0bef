import type { Kind } from '../schema/kinds.ts'
import type { Attribute } from '../schema/table.ts'
import type { Family, Protocol } from '../tables/protocol.ts'
import { type Clock, secondsUntil } from './clock.ts'
import type { Fields } from './codec.ts'
import type { Direction, Zone } from './zone.ts'

/** CTA_COUNTERS_ORIG or CTA_COUNTERS_REPLY. */
export interface Counters {
  readonly packets: bigint
  readonly bytes: bigint
}

/** A flow as the kernel keeps it. */
export interface KernelFlow {
  readonly protocol: Protocol
  readonly family: Family
  readonly id: number
  readonly zone: Zone
  /** What its packets look like, and, after translation, those of the answer. Neither has a zone. */
  readonly original: Fields
  readonly reply: Fields
  /** When it was made, and when it ends: nanoseconds since 1970. */
  readonly start: bigint
  expires: bigint
  status: readonly string[]
  mark: number
  /** The protocol's own fields, such as a state. */
  protoinfo: Fields
  /** Absent where the kernel does not count (net.netfilter.nf_conntrack_acct). */
  counters: Readonly<Record<Direction, Counters>> | undefined
  /** The name of its helper: an empty one is a helper that was taken away, and undefined is none. */
  helper: string | undefined
  /** 128 bits. */
  labels: Uint8Array
  /** The connection because of which this one was expected. */
  readonly master: Fields | undefined
  /** What a request may set and the kernel only passes on: sequence adjustments and SYNPROXY's numbers. */
  extra: Fields
}

/** What the kernel tells of a flow. `use` is how many hold it while it is told: the table, and a lookup. */
export function flowFields(flow: KernelFlow, clock: Clock, timestamps: boolean, use: number): Fields {
  const { zone, counters, status, helper, labels } = flow
  const isOffloaded = status.includes('OFFLOAD')
  const tuple = (direction: Direction): Fields =>
    zone.of === direction && zone.id !== 0 ? { ...flow[direction], zone: zone.id } : flow[direction]
  return {
    original: tuple('original'),
    reply: tuple('reply'),
    ...(zone.of === 'both' && zone.id !== 0 ? { zone: zone.id } : {}),
    ...(isOffloaded ? {} : { timeout: secondsUntil(flow.expires, clock), ...flow.protoinfo }),
    status,
    mark: flow.mark,
    ...(counters === undefined ? {} : { originalCounters: counters.original, replyCounters: counters.reply }),
    ...(timestamps ? { timestamp: { start: flow.start } } : {}),
    ...(helper ? { helper: { name: helper } } : {}),
    ...(flow.master === undefined ? {} : { master: flow.master }),
    ...flow.extra,
    ...(labels.some((byte) => byte !== 0) ? { labels } : {}),
    id: flow.id,
    use,
  }
}

/** The protocol's own fields of a flow of which nothing is known: all zero. */
export function blankProtoinfo({ protoinfo }: Protocol): Fields {
  const zero = ({ size }: Kind<unknown>): Uint8Array => new Uint8Array(size ?? 0)
  return Object.fromEntries(
    Object.entries(protoinfo)
      .map(([field, row]) => [field, (row as Attribute<unknown>).kind] as const)
      .filter(([, kind]) => kind?.size !== undefined)
      .map(([field, kind]) => [field, kind.read(zero(kind), 0, kind.size ?? 0)]),
  )
}

/** Values of the shape that TCP's flags have: which bits, and which of them to change. */
const isMasked = (value: unknown): value is { readonly flags: readonly string[]; readonly mask: readonly string[] } =>
  typeof value === 'object' && value !== null && 'flags' in value && 'mask' in value

/** The protocol's fields after a request. Of flags under a mask, those in the mask change; the kernel tells flags without one. */
export function changedProtoinfo(before: Fields, { protoinfo }: Protocol, given: Fields): Fields {
  const changed = Object.keys(protoinfo)
    .filter((field) => given[field] !== undefined)
    .map((field) => {
      const [old, value] = [before[field], given[field]]
      if (!isMasked(value)) return [field, value] as const
      const kept = isMasked(old) ? old.flags.filter((flag) => !value.mask.includes(flag)) : []
      return [field, { flags: [...kept, ...value.flags.filter((flag) => value.mask.includes(flag))], mask: [] }] as const
    })
  return { ...before, ...Object.fromEntries(changed) }
}
