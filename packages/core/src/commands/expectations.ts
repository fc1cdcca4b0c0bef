import type { Filter } from '../schema/match.ts'
import { expectationMessages } from '../tables/messages.ts'
import { NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL } from '../transport/message.ts'
import { type Removal, removeAll, settle, type WriteOptions } from './acknowledged.ts'
import { familyNumber, matcherOf, type TableContext } from './context.ts'
import type { FlushOptions } from './flush.ts'
import { firstOf, Listing } from './listing.ts'
import { assertDone } from './many.ts'
import { atOnce, type Steps } from './steps.ts'
import { assertFindable, assertTracked } from './tracked.ts'
import { encoderOf, familyOfTuples, type GivenFlow, numbered, type Tuple } from './tuple.ts'

/** An expectation as the caller gives it. */
export interface GivenExpectation extends GivenFlow {
  readonly master?: Tuple
  readonly tuple?: Tuple
  readonly mask?: Tuple
}

/** The expectations for which a filter holds. */
export function listExpectations<T>(context: TableContext, filter: Filter): Listing<T> {
  const request = { ...expectationMessages.get, flags: NLM_F_DUMP, family: familyNumber(filter.family) }
  return new Listing(context, request, matcherOf(context, filter))
}

/**
 * The one expectation of packets like `tuple`, as a listing, where the filter holds for it. Reading it throws NetlinkError ENOENT when there
 * is none.
 */
export function lookupExpectation<T>(context: TableContext, given: GivenExpectation, filter: Filter = {}): Listing<T> {
  const { encoder, protocol } = encoderOf(context, given)
  const { tuple, zone, id } = given
  if (tuple === undefined) throw new RangeError('tuple: the packets to look for are missing')
  const family = familyNumber(familyOfTuples(given.family, [tuple]))
  const body = encoder.encode({ tuple: numbered(tuple, protocol), zone })
  assertFindable(context, given, [tuple], expectationMessages.get)
  return new Listing(
    context,
    { ...expectationMessages.get, flags: 0, family, body },
    matcherOf(context, id === undefined ? filter : { id, ...filter }),
  )
}

/** The one expectation of packets like `tuple`, or undefined. */
export function getExpectation<T>(context: TableContext, given: GivenExpectation): T | undefined {
  return firstOf(lookupExpectation<T>(context, given))
}

/**
 * Makes an expectation for a master connection that has a helper: `tuple` under `mask` are the packets that are expected. The master is of
 * the same protocol unless its `protocolNumber` says otherwise.
 * @throws NetlinkError ENOENT when there is no such master, EOPNOTSUPP when it has no helper
 */
export function createExpectation(context: TableContext, given: GivenExpectation): void {
  const { encoder, protocol } = encoderOf(context, given)
  assertTracked(context, given, expectationMessages.new)
  const { protocol: _, family, master, tuple, mask, ...rest } = given
  if (master === undefined || tuple === undefined || mask === undefined) throw new RangeError('master, tuple and mask are needed')
  const body = encoder.encode({
    // A master that does not say its protocol is of that of what it expects.
    master: { ...numbered({}, protocol), ...master },
    tuple: numbered(tuple, protocol),
    mask: { ...numbered(mask, protocol), protocolNumber: 255 },
    ...rest,
  })
  const request = { ...expectationMessages.new, flags: NLM_F_CREATE | NLM_F_EXCL, body }
  settle(context.requests, { ...request, family: familyNumber(familyOfTuples(family, [master, tuple, mask])) })
}

/** Deletes every expectation for which the filter holds, each by its tuple, zone and id; one that has gone meanwhile is not counted. */
export function deleteExpectations(
  context: TableContext,
  filter: Filter,
  options: WriteOptions = {},
): { matched: number; deleted: number } {
  const removal = atOnce(deleteAllExpectationsInSteps(context, filter, options))
  assertDone(removal)
  return { matched: removal.matched, deleted: removal.deleted }
}

/** The same in steps, with refusals summed in place of thrown. */
export function deleteAllExpectationsInSteps<T>(context: TableContext, filter: Filter, options: WriteOptions = {}): Steps<Removal<T>> {
  const names = ['tuple', 'zone', 'id'] as const
  return removeAll(context, listExpectations<T>(context, filter), expectationMessages.delete, names, options)
}

/** Deletes all expectations, or those for which the filter holds. */
export function flushExpectations(context: TableContext, filter?: Filter): void {
  atOnce(flushExpectationsInSteps(context, filter))
}

/** The same, in steps; all of them are one. */
export function* flushExpectationsInSteps(context: TableContext, filter: Filter = {}, options?: FlushOptions): Steps<void> {
  if (Object.values(filter).some((condition) => condition !== undefined))
    assertDone(yield* deleteAllExpectationsInSteps(context, filter, options))
  else settle(context.requests, { ...expectationMessages.delete, flags: 0, family: 0 })
}

/** How many expectations there are; the kernel keeps no count, so they are listed. */
export function countExpectations(context: TableContext, filter: Filter): number {
  return listExpectations(context, filter).forEach(() => {})
}
