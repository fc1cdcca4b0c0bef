import type { Filter } from '../schema/match.ts'
import { flowMessages } from '../tables/messages.ts'
import { NLM_F_DUMP } from '../transport/message.ts'
import { matcherOf, type TableContext } from './context.ts'
import { firstOf, Listing } from './listing.ts'
import { plan } from './plan.ts'
import { assertFindable } from './tracked.ts'
import { type GivenFlow, tupleRequest } from './tuple.ts'

/** Options of a list. */
export interface ListOptions {
  /** Which list of the kernel: the table, entries that are about to be destroyed, or not yet in the table. */
  readonly table?: 'conntrack' | 'dying' | 'unconfirmed'
  /** Set the counters of all entries to 0 as they are read. There can be no filter then, since the kernel would zero what is not listed. */
  readonly zeroCounters?: boolean
  /** Throw DumpInterruptedError at the end when the table changed in a way that entries may be missing or come twice. */
  readonly consistent?: boolean
}

const TABLES = { conntrack: flowMessages.get, dying: flowMessages.getDying, unconfirmed: flowMessages.getUnconfirmed }

/** The flows for which a filter holds. @throws RangeError when counters are to be zeroed and there is a filter */
export function list<Flow>(
  context: TableContext,
  filter: Filter,
  { table = 'conntrack', zeroCounters, consistent }: ListOptions = {},
): Listing<Flow> {
  const matches = matcherOf(context, filter)
  const isFiltered = Object.entries(filter).some(([field, condition]) => field !== 'family' && condition !== undefined)
  if (zeroCounters && (isFiltered || table !== 'conntrack'))
    throw new RangeError('zeroCounters: works on the whole table, or one family of it')
  const { family, body } = plan(context, filter)
  const message = zeroCounters ? flowMessages.getAndZero : TABLES[table]
  const request = { ...message, flags: NLM_F_DUMP, family, ...(table === 'conntrack' && { body }) }
  return new Listing(context, request, matches, consistent)
}

/**
 * The one flow with this tuple, if the filter holds for it, as a listing. Reading it throws NetlinkError ENOENT when there is no
 * flow with the tuple.
 * @throws NetlinkError EPROTONOSUPPORT where the tuple has what this kernel does not track: ports of DCCP
 */
export function lookup<Flow>(context: TableContext, tuple: GivenFlow, filter: Filter = {}): Listing<Flow> {
  const request = tupleRequest(context, flowMessages.get, tuple)
  assertFindable(context, tuple, [tuple.original, tuple.reply], flowMessages.get)
  return new Listing(context, request, matcherOf(context, filter))
}

/** The one flow with this tuple, or undefined. @throws NetlinkError EPROTONOSUPPORT as {@link lookup} does */
export function get<Flow>(context: TableContext, tuple: GivenFlow): Flow | undefined {
  return firstOf(lookup<Flow>(context, tuple))
}
