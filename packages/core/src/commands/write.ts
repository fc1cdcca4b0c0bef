import type { Filter } from '../schema/match.ts'
import { flowMessages } from '../tables/messages.ts'
import { NLM_F_CREATE, NLM_F_EXCL } from '../transport/message.ts'
import { entryRequest, identity, removeEach, settle, settleUnlessGone, unlessGone, type WriteOptions } from './acknowledged.ts'
import { type TableContext, type TableEntry, familyNumber, newEntry, matcherOf } from './context.ts'
import { list } from './read.ts'
import { translated } from './nat.ts'
import { encoderOf, familyOf, type GivenFlow } from './tuple.ts'

/** Options of making a flow. */
export interface CreateOptions {
  /** What to do when there is a flow with the same tuple: refuse with EEXIST, which is the default, or change that one. */
  readonly existing?: 'refuse' | 'update'
}

/**
 * Makes a flow. The direction that is not given is the opposite of the other; the kernel wants a timeout, and the status
 * CONFIRMED is added.
 * @throws NetlinkError EEXIST when there is one with the same tuple
 * @throws RangeError that names what is missing or does not fit
 */
export function create(context: TableContext, flow: GivenFlow, { existing = 'refuse' }: CreateOptions = {}): void {
  const { protocol, encoder } = encoderOf(context, flow)
  const { protocol: _, family: __, original: ___, reply: ____, status = [], ...rest } = flow
  const family = familyOf(flow)
  if (rest.timeout === undefined) throw new RangeError('timeout: the seconds that a new flow lives are missing')
  const body = encoder.encode({
    ...(protocol.complete === undefined ? rest : { ...rest, ...protocol.complete(rest) }),
    ...translated(flow, protocol),
    status: [...(status as string[]), 'CONFIRMED'],
  })
  const flags = existing === 'refuse' ? NLM_F_CREATE | NLM_F_EXCL : NLM_F_CREATE
  settle(context.requests, { ...flowMessages.new, flags, family: familyNumber(family), body })
}

/**
 * Changes every flow for which the filter holds; of the status, bits are added. A flow that already is as wanted is left alone,
 * and so is one that has gone meanwhile.
 * @returns how many flows the filter held for, and how many were changed
 */
export function update(
  context: TableContext,
  filter: Filter,
  change: GivenFlow,
  options: WriteOptions = {},
): { matched: number; updated: number } {
  const { requests } = context
  const { protocol, family: _, status, ...rest } = change
  const { mark, markMask, ...others } = rest
  const wanted = { ...filter, protocol: filter.protocol ?? protocol }
  checkChange(context, wanted, { status, ...rest })
  // A change is of fields alone; sourceNat among them is what the kernel is asked for, not a condition.
  const already = { ...others, ...(status === undefined ? {} : { status: { all: status } }) }
  const isAlready = matcherOf({ ...context, relations: {} }, { protocol: wanted.protocol, ...already })
  const keepsMark = markTest(mark as number | undefined, markMask as number | undefined)
  const after = newEntry(context)
  let updated = 0
  const matched = list(context, wanted).forEach((entry) => {
    if (isAlready(entry) && keepsMark(entry)) return
    const { encoder } = encoderOf(context, { protocol: entry.shape.variant.name })
    const bits = status === undefined ? {} : { status: [...statusOf(entry), ...(status as string[])] }
    const tuple = identity(entry, ['original', 'zone'])
    const values = encoder.encode({ ...rest, ...bits })
    if (!settleUnlessGone(requests, entryRequest(flowMessages.new, entry, Uint8Array.from([...tuple, ...values])))) return
    updated++
    if (options.onEntry === undefined) return
    const replies = requests.ask(entryRequest(flowMessages.get, entry, tuple))
    unlessGone(() => {
      while (replies.next()) options.onEntry?.(after.load(replies))
    })
  })
  return { matched, updated }
}

/**
 * Deletes every flow for which the filter holds. Each is named to the kernel by its tuple, zones and id, so that a new flow under
 * the same tuple lives; one that has gone meanwhile is not counted.
 */
export function remove(context: TableContext, filter: Filter, options: WriteOptions = {}): { matched: number; deleted: number } {
  return removeEach(context.requests, list(context, filter), flowMessages.delete, ['original', 'zone', 'id'], options)
}

/**
 * Deletes all flows, or those of one address family. For one family each flow is deleted by itself: old kernels take no notice of
 * the family and would delete all.
 */
export function flush(context: TableContext, { family }: { readonly family?: string } = {}): void {
  if (family !== undefined) remove(context, { family })
  else settle(context.requests, { ...flowMessages.delete, flags: 0, family: 0 })
}

/** Whether every protocol that the filter lets through has the fields of the change: a doubt is told before anything is done. */
function checkChange(context: TableContext, { protocol }: Filter, change: object): void {
  for (const name of protocol === undefined ? context.encoders.keys() : [protocol].flat())
    encoderOf(context, { protocol: name }).encoder.encode(change)
}

/** Whether an entry's mark stays what it is: the kernel sets `(old & ~mask) ^ mark`. */
function markTest(mark: number | undefined, mask = 0xffffffff): (entry: TableEntry) => boolean {
  if (mark === undefined) return () => true
  return (entry) => {
    const at = entry.offset('mark')
    const old = at === 0 ? 0 : new DataView(entry.bytes.buffer, entry.bytes.byteOffset).getUint32(at)
    return ((old & ~mask) ^ mark) >>> 0 === old
  }
}

function statusOf(entry: TableEntry): readonly string[] {
  const place = entry.shape.fields.get('status')?.places[0]
  const at = entry.offset('status')
  return place === undefined || at === 0 ? [] : (place.kind.read(entry.bytes, at, 4) as readonly string[])
}
