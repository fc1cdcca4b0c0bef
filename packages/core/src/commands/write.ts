import type { Filter } from '../schema/match.ts'
import { flowMessages } from '../tables/messages.ts'
import type { Family } from '../tables/protocol.ts'
import { NLM_F_CREATE, NLM_F_EXCL } from '../transport/message.ts'
import type { Request } from '../transport/request.ts'
import { entryRequest, identifier, type Removal, removeAll, settle, type WriteOptions } from './acknowledged.ts'
import { type TableContext, type TableEntry, familyNumber, newEntry, matcherOf, objectOf } from './context.ts'
import { labelsUnchanged } from './labels.ts'
import { assertDone, Fifo, type Outcome, type Progress, Queue, type Refusal, Tally } from './many.ts'
import { list } from './read.ts'
import { atOnce, STEP, type Steps } from './steps.ts'
import { translated } from './nat.ts'
import { assertTracked, untracked } from './tracked.ts'
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
export function create(context: TableContext, flow: GivenFlow, options: CreateOptions = {}): void {
  assertTracked(context, flow)
  settle(context.requests, creation(context, flow, options))
}

/** A flow that is to be made, as the message that makes it: for those who check many before they make the first. */
export interface PreparedFlow {
  /** The protocol by its name. */
  readonly protocol: string
  /** The attributes of the message. */
  readonly attributes: Uint8Array
  /** nfgen_family of the message. */
  readonly family: Family
  /** As in {@link CreateOptions}. */
  readonly existing: 'refuse' | 'update'
}

/** Makes the message that makes a flow, and asks the kernel nothing. @throws RangeError as {@link create} does */
export function prepare(context: TableContext, flow: GivenFlow, options: CreateOptions = {}): PreparedFlow {
  const { body: attributes = new Uint8Array(0), family } = creation(context, flow, options)
  return {
    protocol: flow.protocol ?? '',
    attributes,
    family: family === familyNumber('ipv6') ? 'ipv6' : 'ipv4',
    existing: options.existing ?? 'refuse',
  }
}

/** What became of making many. */
export interface Creation<T = unknown> extends Outcome<T> {
  /** Flows that were given. */
  readonly given: number
  /** Flows that were made or, where that was asked for, changed. */
  readonly created: number
}

/** Options of making many flows. */
export interface CreateAllOptions<T = unknown> extends CreateOptions {
  /** Called now and then, and at the end. */
  readonly onProgress?: (progress: Progress) => void
  /** Called for each flow that is refused: {@link Outcome.refusals} has the first few. */
  readonly onRefusal?: (refusal: Refusal<T>) => void
}

/**
 * Makes flows, of which it takes as many at a time as the kernel gets in one message.
 * @throws RangeError that names the first flow that cannot be, after those before it were made
 */
export function createAll<T extends GivenFlow | PreparedFlow>(
  context: TableContext,
  flows: Iterable<T>,
  options?: CreateAllOptions<T>,
): Creation<T> {
  return atOnce(createAllInSteps(context, flows, options))
}

/** The same, in steps. */
export function* createAllInSteps<T extends GivenFlow | PreparedFlow>(
  context: TableContext,
  flows: Iterable<T>,
  options: CreateAllOptions<T> = {},
): Steps<Creation<T>> {
  const tally = new Tally(false, options.onProgress)
  const sent = new Fifo<{ readonly index: number; readonly flow: T }>()
  const batch = context.requests.batch({
    settled(_, error) {
      const { index, flow } = sent.shift()
      if (error !== undefined) options.onRefusal?.({ index, error, entry: flow })
      tally.count(index, error, () => flow)
    },
  })
  let given = 0
  let isWhole = false
  try {
    for (const flow of flows) {
      const refusal = untracked(context, flow)
      if (refusal !== undefined) {
        options.onRefusal?.({ index: given, error: refusal, entry: flow })
        tally.count(given, refusal, () => flow)
      } else {
        batch.add(isPrepared(flow) ? prepared(flow) : creationAt(given, context, flow, options))
        sent.push({ index: given, flow })
      }
      given++
      if (given % STEP === 0) yield
    }
    batch.end()
    isWhole = true
    return { given, created: tally.done, ...(tally.outcome() as Outcome<T>) }
  } catch (error) {
    if (error instanceof RangeError) batch.end()
    throw error
  } finally {
    batch.close()
    // Whoever leaves early wants to know how far it came.
    if (!isWhole) options.onProgress?.({ settled: tally.settled, done: tally.done })
  }
}

const isPrepared = (flow: GivenFlow | PreparedFlow): flow is PreparedFlow => 'attributes' in flow

const prepared = ({ attributes, family, existing }: PreparedFlow): Request => ({
  ...flowMessages.new,
  flags: flagsFor(existing),
  family: familyNumber(family),
  body: attributes,
})

const flagsFor = (existing: CreateOptions['existing']): number => (existing === 'update' ? NLM_F_CREATE : NLM_F_CREATE | NLM_F_EXCL)

function creationAt(index: number, context: TableContext, flow: GivenFlow, options: CreateOptions): Request {
  try {
    return creation(context, flow, options)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new RangeError(`flow ${index}: ${error.message}`, { cause: error })
  }
}

/** The message that makes a flow. */
export function creation(context: TableContext, flow: GivenFlow, { existing = 'refuse' }: CreateOptions = {}): Request {
  const { protocol, encoder } = encoderOf(context, flow)
  const { protocol: _, family: __, original: ___, reply: ____, status = [], ...rest } = flow
  const family = familyOf(flow)
  if (protocol.family !== undefined && protocol.family !== family)
    throw new RangeError(`flows of ${protocol.name} are of ${protocol.family}`)
  if (rest.timeout === undefined) throw new RangeError('timeout: the seconds that a new flow lives are missing')
  const body = encoder.encode({
    ...(protocol.complete === undefined ? rest : { ...rest, ...protocol.complete(rest) }),
    ...translated(flow, protocol),
    status: [...(status as string[]), 'CONFIRMED'],
  })
  return { ...flowMessages.new, flags: flagsFor(existing), family: familyNumber(family), body }
}

/** What became of a change of many. */
export interface Update<T = unknown> extends Outcome<T> {
  /** Flows for which the filter held. */
  readonly matched: number
  /** Those that were changed; one that is as wanted is left alone. */
  readonly updated: number
}

/**
 * Changes every flow for which the filter holds; of the status, bits are added. A flow that already is as wanted is left alone,
 * and so is one that has gone meanwhile.
 */
export function updateAll<T>(context: TableContext, filter: Filter, change: GivenFlow, options?: WriteOptions): Update<T> {
  return atOnce(updateAllInSteps(context, filter, change, options))
}

/** The same, in steps. */
export function* updateAllInSteps<T>(
  context: TableContext,
  filter: Filter,
  change: GivenFlow,
  { onEntry, onProgress, dryRun }: WriteOptions = {},
): Steps<Update<T>> {
  const { protocol, family: _, status, ...rest } = change
  const { mark, markMask, labels, labelsMask, ...others } = rest
  const wanted = { ...filter, protocol: filter.protocol ?? protocol }
  checkChange(context, wanted, { status, ...rest })
  // A change is of fields alone; sourceNat among them is what the kernel is asked for, not a condition.
  const already = {
    ...others,
    ...(status === undefined ? {} : { status: { all: status } }),
    ...labelsUnchanged(labels as Uint8Array | undefined, labelsMask as Uint8Array | undefined),
  }
  const isAlready = matcherOf({ ...context, relations: {} }, { protocol: wanted.protocol, ...already })
  const keepsMark = markTest(mark as number | undefined, markMask as number | undefined)
  const values = changeEncoder(context, rest, status as string[] | undefined)
  const nameOf = identifier(['original', 'zone'])
  const listing = list(context, wanted)
  const tally = new Tally(true, onProgress)
  const isDone = (entry: TableEntry): boolean => isAlready(entry) && keepsMark(entry)
  if (dryRun) {
    const matched = yield* listing.forEachInSteps((entry) => {
      if (!isDone(entry)) tally.pretend(entry, onEntry)
    })
    return { matched, updated: tally.done, ...(tally.outcome() as Outcome<T>) }
  }
  const sent = new Queue()
  const view = newEntry(context)
  // With `onEntry`, each change is followed by the question how the entry is now.
  const perEntry = onEntry === undefined ? 1 : 2
  let isChanged = false
  const batch = context.requests.batch({
    settled(index, error) {
      if (index % perEntry === 1) return
      const entry = sent.shift()
      isChanged = tally.count(index / perEntry, error, () => objectOf(view.load(entry)))
    },
    ...(onEntry !== undefined && {
      reply(_index, message) {
        if (isChanged) onEntry(view.load(message))
      },
    }),
  })
  try {
    const matched = yield* listing.forEachInSteps((entry) => {
      if (isDone(entry)) return
      const tuple = nameOf(entry)
      batch.add(entryRequest(flowMessages.new, entry, joined(tuple, values(entry))))
      sent.push(entry.message)
      if (onEntry !== undefined) batch.add(entryRequest(flowMessages.get, entry, tuple))
    })
    batch.end()
    return { matched, updated: tally.done, ...(tally.outcome() as Outcome<T>) }
  } finally {
    batch.close()
  }
}

/** The same, which throws the first refusal once all has been tried. */
export function update(
  context: TableContext,
  filter: Filter,
  change: GivenFlow,
  options?: WriteOptions,
): { matched: number; updated: number } {
  const outcome = updateAll(context, filter, change, options)
  assertDone(outcome)
  return { matched: outcome.matched, updated: outcome.updated }
}

/**
 * Deletes every flow for which the filter holds. Each is named to the kernel by its tuple, zones and id, so that a new flow under
 * the same tuple lives; one that has gone meanwhile is not counted.
 */
export function deleteAll<T>(context: TableContext, filter: Filter, options?: WriteOptions): Removal<T> {
  return atOnce(deleteAllInSteps(context, filter, options))
}

/** The same, in steps. */
export function deleteAllInSteps<T>(context: TableContext, filter: Filter, options: WriteOptions = {}): Steps<Removal<T>> {
  return removeAll(context, list<T>(context, filter), flowMessages.delete, ['original', 'zone', 'id'], options)
}

/** The same, which throws the first refusal once all has been tried. */
export function remove(context: TableContext, filter: Filter, options?: WriteOptions): { matched: number; deleted: number } {
  const outcome = deleteAll(context, filter, options)
  assertDone(outcome)
  return { matched: outcome.matched, deleted: outcome.deleted }
}

/** Whether every protocol that the filter lets through has the fields of the change: a doubt is told before anything is done. */
function checkChange(context: TableContext, { protocol }: Filter, change: object): void {
  for (const name of protocol === undefined ? context.encoders.keys() : [protocol].flat()) {
    const { encoder, protocol: own } = encoderOf(context, { protocol: name })
    encoder.encode(change)
    if (Object.keys(change).some((field) => field in own.protoinfo)) assertTracked(context, { protocol: name })
  }
}

/**
 * The attributes of a change, which are the same for every entry of a protocol, but for what depends on the entry: bits are added to the
 * status that it has, and the kernel takes some fields of a protocol only together.
 */
function changeEncoder(context: TableContext, change: object, status: readonly string[] | undefined): (entry: TableEntry) => Uint8Array {
  const byShape: Uint8Array[] = []
  return (entry) => {
    const { index, variant } = entry.shape
    if (byShape[index] !== undefined) return byShape[index]
    const { protocol, encoder } = encoderOf(context, { protocol: variant.name })
    const isAmended = protocol.amend !== undefined && Object.keys(change).some((field) => field in protocol.protoinfo)
    const encoded = encoder.encode({
      ...change,
      ...(isAmended && protocol.amend?.(change, entry.decode())),
      ...(status === undefined ? {} : { status: [...statusOf(entry), ...status] }),
    })
    if (status === undefined && !isAmended) byShape[index] = encoded
    return encoded
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length)
  both.set(one)
  both.set(other, one.length)
  return both
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
