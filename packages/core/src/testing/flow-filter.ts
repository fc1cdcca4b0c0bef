import type { Family } from '../tables/protocol.ts'
import type { Fields } from './codec.ts'
import type { KernelFlow } from './flow.ts'
import { Refusal } from './refusal.ts'
import { hasStatus } from './status.ts'

/** Whether a flow is among those that a dump, or a flush, is about. */
export type FlowTest = (flow: KernelFlow) => boolean

/**
 * The filter of a dump or a flush (ctnetlink_alloc_filter), as narrow and as odd as the kernel's.
 * @throws Refusal EINVAL, EOPNOTSUPP
 */
export function flowFilter(given: Fields, family: Family | undefined): FlowTest {
  const tests = [markTest(given), statusTest(given), zoneTest(given), ...tupleTests(given, family)].filter((test) => test !== undefined)
  return (flow) => (family === undefined || flow.family === family) && tests.every((test) => test(flow))
}

function markTest({ mark, markMask = 0xffffffff }: Fields): FlowTest | undefined {
  if (mark === undefined) return undefined
  return (flow) => (flow.mark & (markMask as number)) >>> 0 === mark
}

function statusTest({ status, statusMask = status }: Fields): FlowTest | undefined {
  if (status === undefined) return undefined
  const [value, mask] = [status, statusMask] as [readonly string[], readonly string[]]
  if (mask.length === 0) throw new Refusal('EINVAL')
  return (flow) => hasStatus(flow.status, value, mask)
}

/** A zone is found whichever direction it is of. */
function zoneTest({ zone }: Fields): FlowTest | undefined {
  return zone === undefined ? undefined : (flow) => flow.zone.id === zone
}

/** The bits of CTA_FILTER_ORIG_FLAGS: the field, and the protocols in whose flows the kernel looks at it. */
const FILTER_BITS: readonly { readonly field: string; readonly protocols?: readonly number[] }[] = [
  { field: 'source' },
  { field: 'destination' },
  { field: 'zone', protocols: [] },
  { field: 'protocolNumber' },
  { field: 'sourcePort', protocols: [6, 17] },
  { field: 'destinationPort', protocols: [6, 17] },
  { field: 'type', protocols: [1] },
  { field: 'code', protocols: [1] },
  { field: 'id', protocols: [1] },
  { field: 'type', protocols: [58] },
  { field: 'code', protocols: [58] },
  { field: 'id', protocols: [58] },
]

function tupleTests(given: Fields, family: Family | undefined): FlowTest[] {
  const { filter } = given as { readonly filter?: { readonly originalFlags?: number; readonly replyFlags?: number } }
  if (filter === undefined) return []
  const sides = [
    ['original', filter.originalFlags ?? 0],
    ['reply', filter.replyFlags ?? 0],
  ] as const
  return sides
    .filter(([, flags]) => flags !== 0)
    .map(([direction, flags]) => {
      const wanted = given[direction] as Fields | undefined
      if (flags >>> FILTER_BITS.length !== 0 || wanted === undefined) throw new Refusal('EINVAL')
      if (family === undefined) throw new Refusal('EOPNOTSUPP')
      const bits = FILTER_BITS.filter((_, bit) => (flags >>> bit) & 1)
      return (flow) => bits.every(({ field, protocols }) => isLike(flow, flow[direction], wanted, field, protocols))
    })
}

function isLike({ family }: KernelFlow, tuple: Fields, wanted: Fields, field: string, protocols: readonly number[] | undefined): boolean {
  if (protocols !== undefined && !protocols.includes(tuple.protocolNumber as number)) return true
  // Of IPv6 the kernel lets through every address but the one it was asked for (ctnetlink_filter_match_tuple).
  const isInverted = family === 'ipv6' && (field === 'source' || field === 'destination')
  return (tuple[field] === wanted[field]) !== isInverted
}
