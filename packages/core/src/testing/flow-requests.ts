import { flowMessages } from '../tables/messages.ts'
import { NLM_F_CREATE, NLM_F_EXCL } from '../transport/message.ts'
import { changeFlow } from './change-flow.ts'
import type { Fields } from './codec.ts'
import { createFlow } from './create-flow.ts'
import { tellOfFlow } from './events.ts'
import { flowFilter } from './flow-filter.ts'
import { flowFields, type KernelFlow } from './flow.ts'
import { Refusal } from './refusal.ts'
import { type Answer, familyName, familyNumber, type KernelRequest } from './request.ts'
import { tupleIn } from './tuple.ts'
import { destroy, type World } from './world.ts'
import { zoneOf } from './zone.ts'

/** IPCTNL_MSG_CT_NEW: makes a flow, or changes the one that is there. */
export function newFlow(world: World, { body, family, flags, portId }: KernelRequest): void {
  const { protocol, fields } = world.flowCodec.read(body)
  const flow = find(world, fields)
  if (flow === undefined) {
    if ((flags & NLM_F_CREATE) === 0) throw new Refusal('ENOENT')
    tellOfFlow(world, 'new', createFlow(world, protocol, familyName(family), fields), portId)
    return
  }
  if (flags & NLM_F_EXCL) throw new Refusal('EEXIST')
  changeFlow(world, flow, fields)
  tellOfFlow(world, 'update', flow, portId)
}

/** IPCTNL_MSG_CT_GET of one flow. */
export function getFlow(world: World, { body, family, type }: KernelRequest): Answer[] {
  const { fields, protocol } = world.flowCodec.read(body)
  tupleIn(fields.original ?? fields.reply, familyName(family), protocol)
  const flow = find(world, fields)
  if (flow === undefined) throw new Refusal('ENOENT')
  return [told(world, flow, 2, type)]
}

/** IPCTNL_MSG_CT_GET and IPCTNL_MSG_CT_GET_CTRZERO of all, as they are when it is their turn. */
export function* dumpFlows(world: World, { body, family, type }: KernelRequest): Generator<Answer> {
  const matches = flowFilter(world.flowCodec.read(body).fields, familyName(family))
  for (const flow of world.flows) if (world.flows.has(flow) && matches(flow)) yield told(world, flow, 1, type)
}

/** IPCTNL_MSG_CT_DELETE: the flow with a tuple, or without one all for which the filter holds. */
export function deleteFlow(world: World, { body, family, version, portId }: KernelRequest): void {
  const { fields } = world.flowCodec.read(body)
  const isFiltered = fields.filter !== undefined
  if (isFiltered || (fields.original === undefined && fields.reply === undefined)) {
    // The family counts in a flush of version 1, or with CTA_FILTER: programs that are older than that did not mean it.
    const matches = flowFilter(fields, version !== 0 || isFiltered ? familyName(family) : undefined)
    for (const flow of world.flows) if (!flow.status.includes('OFFLOAD') && matches(flow)) destroy(world, flow, portId)
    return
  }
  const flow = find(world, fields)
  if (flow === undefined) throw new Refusal('ENOENT')
  if (flow.status.includes('OFFLOAD')) throw new Refusal('EBUSY')
  if (fields.id !== undefined && fields.id !== flow.id) throw new Refusal('ENOENT')
  destroy(world, flow, portId)
}

/** The flow that a request names by its original tuple, or else that of the reply. */
function find({ flows }: World, fields: Fields): KernelFlow | undefined {
  const tuple = (fields.original ?? fields.reply) as Fields | undefined
  return tuple === undefined ? undefined : flows.find(tuple, zoneOf(fields))
}

function told({ clock, flowCodec, settings }: World, flow: KernelFlow, use: number, type: number): Answer {
  const body = flowCodec.write(flow.protocol, flowFields(flow, clock, settings.timestamps, use))
  if (type === flowMessages.getAndZero.type && flow.counters !== undefined)
    flow.counters = { original: { packets: 0n, bytes: 0n }, reply: { packets: 0n, bytes: 0n } }
  return { type: flowMessages.new.type, family: familyNumber(flow.family), body }
}
