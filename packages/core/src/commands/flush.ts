import type { Filter } from '../schema/match.ts'
import { flowMessages } from '../tables/messages.ts'
import { settle, type WriteOptions } from './acknowledged.ts'
import { flushBy, isFlushFiltered } from './canary.ts'
import { matcherOf, type TableContext } from './context.ts'
import { assertDone } from './many.ts'
import { type Plan, plan } from './plan.ts'
import { atOnce, type Steps } from './steps.ts'
import { deleteAllInSteps } from './write.ts'

/** Both families: the kernel's filter is of one. */
const FAMILIES = ['ipv4', 'ipv6'] as const

/**
 * Deletes all flows, or those for which a filter holds: in one message where the kernel can check all of the filter, and has shown that
 * it does; else each by itself.
 */
export function flush(context: TableContext, filter?: Filter): void {
  atOnce(flushInSteps(context, filter))
}

/** What is told of a flush: of the entries that are deleted one by one, where the kernel cannot do it at once. */
export type FlushOptions = Pick<WriteOptions, 'onEntry' | 'onProgress'>

/** The same, in steps; one message is one step. */
export function* flushInSteps(context: TableContext, filter: Filter = {}, options?: FlushOptions): Steps<void> {
  const { requests } = context
  if (Object.values(filter).every((condition) => condition === undefined)) {
    settle(requests, { ...flowMessages.delete, flags: 0, family: 0 })
    return
  }
  matcherOf(context, filter)
  const plans = plansOf(context, filter)
  if (plans.every(({ isWhole }) => isWhole) && isFlushFiltered(context)) {
    for (const one of plans) flushBy(context, one)
    return
  }
  assertDone(yield* deleteAllInSteps(context, filter, options))
}

function plansOf(context: TableContext, filter: Filter): Plan[] {
  const one = plan(context, filter)
  return one.family === 0 ? FAMILIES.map((family) => plan(context, { ...filter, family })) : [one]
}
