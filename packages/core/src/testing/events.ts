import { expectationMessages, flowMessages } from '../tables/messages.ts'
import { NLM_F_CREATE, NLM_F_EXCL } from '../transport/message.ts'
import { message } from './answers.ts'
import type { Fields } from './codec.ts'
import { expectationFields, type KernelExpectation } from './expectation-table.ts'
import { flowFields, type KernelFlow } from './flow.ts'
import { familyNumber } from './request.ts'
import type { World } from './world.ts'

/** What happened to an entry. */
export type EventKind = 'new' | 'update' | 'destroy'

/** NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE and NFNLGRP_CONNTRACK_DESTROY. */
const FLOW_GROUPS = { new: 1, update: 2, destroy: 3 } as const
/** NFNLGRP_CONNTRACK_EXP_NEW and NFNLGRP_CONNTRACK_EXP_DESTROY; the kernel tells of no updates. */
const EXPECTATION_GROUPS = { new: 4, destroy: 6 } as const

const FLAGS = { new: NLM_F_CREATE | NLM_F_EXCL, update: 0, destroy: 0 } as const

/** Tells those who listen what happened to a flow (ctnetlink_conntrack_event). `portId` is the socket that asked for it, 0 for packets and time. */
export function tellOfFlow(world: World, kind: EventKind, flow: KernelFlow, portId = 0): void {
  if (!world.listeners.isHeard(FLOW_GROUPS[kind])) return
  const body = world.flowCodec.write(flow.protocol, fieldsOf(world, kind, flow, portId !== 0))
  const { type } = kind === 'destroy' ? flowMessages.delete : flowMessages.new
  const family = familyNumber(flow.family)
  world.listeners.tell(FLOW_GROUPS[kind], message({ type, flags: FLAGS[kind], sequence: 0, family, portId, body }))
}

/** An event tells less than a list: counters and times when it is all over, labels that are not 0, and so marks, but for those that a program has set. */
function fieldsOf({ clock, settings }: World, kind: EventKind, flow: KernelFlow, isByProgram: boolean): Fields {
  const { original, reply, zone, timeout, status, mark, labels, id, ...rest } = flowFields(flow, clock, settings.timestamps, 0)
  const common = {
    original,
    reply,
    zone,
    id,
    ...(mark === 0 && (kind === 'destroy' || !isByProgram) ? {} : { mark }),
    ...(settings.timestamps ? { eventTimestamp: clock.now } : {}),
  }
  if (kind !== 'destroy') return { ...common, status, timeout, labels, helper: rest.helper, ...protoinfoOf(flow) }
  const { state } = flow.protocol
  return {
    ...common,
    status: [...(status as readonly string[]), 'DYING'],
    ...(timeout === 0 ? {} : { timeout }),
    ...(state === undefined ? {} : { [state]: flow.protoinfo[state] }),
    originalCounters: rest.originalCounters,
    replyCounters: rest.replyCounters,
    ...(settings.timestamps ? { timestamp: { start: flow.start, stop: clock.now } } : {}),
  }
}

const protoinfoOf = ({ status, protoinfo }: KernelFlow): Fields => (status.includes('OFFLOAD') ? {} : protoinfo)

/** The same of an expectation (ctnetlink_expect_event). */
export function tellOfExpectation(world: World, kind: 'new' | 'destroy', expectation: KernelExpectation, portId = 0): void {
  const body = world.expectationCodec.write(expectation.protocol, expectationFields(expectation, world.clock))
  const { type } = kind === 'destroy' ? expectationMessages.delete : expectationMessages.new
  const family = familyNumber(expectation.master.family)
  world.listeners.tell(EXPECTATION_GROUPS[kind], message({ type, flags: FLAGS[kind], sequence: 0, family, portId, body }))
}
