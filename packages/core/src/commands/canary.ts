import { NetlinkError } from '../errors.ts'
import { flowMessages } from '../tables/messages.ts'
import { settle } from './acknowledged.ts'
import type { TableContext } from './context.ts'
import { type Plan, plan } from './plan.ts'
import { get } from './read.ts'
import { type GivenFlow, tupleRequest } from './tuple.ts'
import { create } from './write.ts'

/** An address of documentation (RFC 5737) and an experimental protocol (RFC 3692): nobody's flows. */
const NETWORK = '192.0.2.'
const PROTOCOL = 253
const MARK = 0x63616e61
/** Seconds that a canary lives, should we not live to take it away. */
const LIFE = 10

/** What the flush is to hit, and three flows that each differ from that in one thing, so that they must live. */
const CANARIES: readonly {
  readonly hit?: true
  readonly destination: number
  readonly mark: number
  readonly status: readonly string[]
}[] = [
  { hit: true, destination: 255, mark: MARK, status: ['SEEN_REPLY'] },
  { destination: 254, mark: MARK, status: ['SEEN_REPLY'] },
  { destination: 255, mark: MARK + 1, status: ['SEEN_REPLY'] },
  { destination: 255, mark: MARK, status: [] },
]

/** What the kernel behind each table has shown. */
const shown = new WeakMap<TableContext, boolean>()

/**
 * Whether this kernel honours a filter in a flush, by tuple (CTA_FILTER), mark and status. Asked of the kernel itself once, by flows made
 * for it in a zone that nobody uses: a flush has to hit one of them and leave the others. The question is harmless to a kernel that
 * knows no filter: it sees the tuple of a flow that is not there.
 */
export function isFlushFiltered(context: TableContext): boolean {
  const known = shown.get(context)
  if (known !== undefined) return known
  const answer = isTold(() => probe(context))
  shown.set(context, answer)
  return answer
}

/** A kernel without zones has no canaries but in the only one. */
function probe(context: TableContext): boolean {
  const zone = 0xf000 + Math.floor(Math.random() * 0xfff)
  return probeIn(context, canaries(zone), NO_ZONES) ?? probeIn(context, canaries(undefined), undefined) ?? false
}

/** EOPNOTSUPP: this kernel has no zones. */
const NO_ZONES = 'EOPNOTSUPP'

function canaries(zone: number | undefined): GivenFlow[] {
  return CANARIES.map(({ destination, mark, status }, i) => {
    const original = { source: `${NETWORK}${i + 1}`, destination: `${NETWORK}${destination}`, protocolNumber: PROTOCOL }
    return { protocol: 'unknown', original, zone, mark, status, timeout: LIFE }
  })
}

/** Undefined where the canaries are refused with the code `unless`. */
function probeIn(context: TableContext, flows: readonly GivenFlow[], unless: string | undefined): boolean | undefined {
  try {
    for (const flow of flows) create(context, flow)
    flushBy(
      context,
      plan(context, {
        protocol: 'unknown',
        original: { destination: `${NETWORK}255`, protocolNumber: PROTOCOL },
        mark: MARK,
        status: ['SEEN_REPLY'],
      }),
    )
    return flows.every((flow, i) => (get(context, flow) === undefined) === (CANARIES[i].hit === true))
  } catch (error) {
    if (error instanceof NetlinkError && error.code === unless) return undefined
    throw error
  } finally {
    for (const { protocol, original, zone } of flows)
      isTold(() => settle(context.requests, tupleRequest(context, flowMessages.delete, { protocol, original, zone })))
  }
}

/** Sends a filtered flush. Of version 1: of version 0 some kernels take no notice of the family. */
export function flushBy({ requests }: TableContext, { family, flush }: Plan): void {
  settle(requests, { ...flowMessages.delete, flags: 0, family, version: 1, body: flush })
}

/** What the kernel says, or false where it refuses. */
function isTold(ask: () => unknown): boolean {
  try {
    return ask() !== false
  } catch (error) {
    if (error instanceof NetlinkError) return false
    throw error
  }
}
