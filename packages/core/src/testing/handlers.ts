import { expectationMessages, flowMessages } from '../tables/messages.ts'
import { NLM_F_DUMP } from '../transport/message.ts'
import { deleteExpectation, dumpExpectations, getExpectation, newExpectation } from './expectation-requests.ts'
import { deleteFlow, dumpFlows, getFlow, newFlow } from './flow-requests.ts'
import { Refusal } from './refusal.ts'
import type { Answer, KernelRequest } from './request.ts'
import { cpuStatistics, expectationCpuStatistics, globalStatistics } from './statistics.ts'
import type { World } from './world.ts'

/** What the kernel does when it gets a message: at once, or as a dump, whose entries are told as they are received. */
interface Handler {
  readonly once?: (world: World, request: KernelRequest) => readonly Answer[] | void
  readonly dump?: (world: World, request: KernelRequest) => Iterable<Answer>
}

const nothing = (): readonly Answer[] => []

const HANDLERS: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [flowMessages.new.type, { once: newFlow }],
  [flowMessages.get.type, { once: getFlow, dump: dumpFlows }],
  [flowMessages.getAndZero.type, { once: getFlow, dump: dumpFlows }],
  [flowMessages.delete.type, { once: deleteFlow }],
  [flowMessages.globalStatistics.type, { once: globalStatistics }],
  [flowMessages.cpuStatistics.type, { once: nothing, dump: cpuStatistics }],
  // Flows are in these lists for moments, and here never.
  [flowMessages.getDying.type, { once: nothing, dump: nothing }],
  [flowMessages.getUnconfirmed.type, { once: nothing, dump: nothing }],
  [expectationMessages.new.type, { once: newExpectation }],
  [expectationMessages.get.type, { once: getExpectation, dump: dumpExpectations }],
  [expectationMessages.delete.type, { once: deleteExpectation }],
  [expectationMessages.cpuStatistics.type, { once: nothing, dump: expectationCpuStatistics }],
])

/** Does what a message says. A dump is not begun before its first entry is asked for. @throws Refusal */
export function handle(world: World, request: KernelRequest): { readonly isDump: boolean; readonly answers: Iterable<Answer> } {
  const handler = HANDLERS.get(request.type)
  const isDump = handler?.dump !== undefined && (request.flags & NLM_F_DUMP) !== 0
  if (isDump && handler?.dump) return { isDump, answers: handler.dump(world, request) }
  if (handler?.once === undefined) throw new Refusal('EINVAL')
  return { isDump, answers: handler.once(world, request) ?? [] }
}
