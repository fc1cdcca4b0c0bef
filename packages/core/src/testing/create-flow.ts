import type { Family, Protocol } from '../tables/protocol.ts'
import { nanoseconds } from './clock.ts'
import type { Fields } from './codec.ts'
import { blankProtoinfo, changedProtoinfo, type KernelFlow } from './flow.ts'
import { adjusted, extraOf } from './extra.ts'
import { changedLabels, noLabels } from './labels.ts'
import { translated } from './nat.ts'
import { Refusal } from './refusal.ts'
import { canHelp } from './settings.ts'
import { changedStatus, union } from './status.ts'
import { tupleIn } from './tuple.ts'
import { destroy, type World } from './world.ts'
import { zoneOf } from './zone.ts'

/**
 * Makes a flow as IPCTNL_MSG_CT_NEW does (ctnetlink_create_conntrack) and puts it into the table.
 * @throws Refusal EINVAL, EEXIST, ENOMEM when the table is full, EBUSY, EOPNOTSUPP for a helper that is not there, ENOENT for a master
 */
export function createFlow(world: World, protocol: Protocol, family: Family | undefined, given: Fields): KernelFlow {
  const { clock, flows, settings, statistics } = world
  const zone = zoneOf(given)
  const original = tupleIn(given.original, family, protocol)
  const untranslated = tupleIn(given.reply, family, protocol)
  if (original.protocolNumber !== untranslated.protocolNumber) throw new Refusal('EINVAL')
  makeRoom(world)
  if (given.timeout === undefined) throw new Refusal('EINVAL')
  const { name: helper } = (given.helper ?? {}) as { readonly name?: string }
  if (helper !== undefined && !canHelp(settings, helper, protocol)) throw new Refusal('EOPNOTSUPP')
  const { reply, status } = translated(given, untranslated, protocol, (answer) => flows.find(answer, zone) !== undefined)
  const flow: KernelFlow = {
    protocol,
    family: family as Family,
    id: world.newId(),
    zone,
    original,
    reply,
    start: clock.now,
    expires: clock.now + nanoseconds(given.timeout as number),
    status: statusOfNew(['CONFIRMED', ...status], given),
    mark: (given.mark as number | undefined) ?? 0,
    protoinfo: changedProtoinfo(blankProtoinfo(protocol), protocol, given),
    counters: settings.accounting ? { original: { packets: 0n, bytes: 0n }, reply: { packets: 0n, bytes: 0n } } : undefined,
    helper,
    labels: labelsOfNew(given, settings.labels),
    master: masterOf(world, given, family),
    extra: extraOf({}, given),
  }
  if (!flows.insert(flow)) {
    statistics.flows.insertFailed++
    throw new Refusal('EEXIST')
  }
  statistics.flows.insert++
  return flow
}

function statusOfNew(own: readonly string[], given: Fields): readonly string[] {
  const { status, master, helper } = given
  const asked = status === undefined ? own : changedStatus(own, status as readonly string[])
  const more = [master === undefined ? '' : 'EXPECTED', helper === undefined ? '' : 'HELPER', ...adjusted(given)]
  return union(asked, more)
}

/** Labels that cannot be are no reason to make no flow. */
function labelsOfNew({ labels, labelsMask }: Fields, isUsed: boolean): Uint8Array {
  if (labels === undefined || !isUsed) return noLabels()
  try {
    return changedLabels(noLabels(), labels as Uint8Array, labelsMask as Uint8Array | undefined)
  } catch {
    return noLabels()
  }
}

function masterOf({ flows }: World, given: Fields, family: Family | undefined): Fields | undefined {
  const { master } = given
  if (master === undefined) return undefined
  const { zone: _, ...tuple } = master as Fields
  if (family === undefined || flows.find(tuple, zoneOf(given)) === undefined) throw new Refusal('ENOENT')
  return tuple
}

/** When the table is full, the oldest flow that is not ASSURED has to go (early_drop). */
function makeRoom(world: World): void {
  const { flows, settings, statistics } = world
  if (flows.size < settings.maximum) return
  for (const flow of flows) {
    if (flow.status.includes('ASSURED') || !destroy(world, flow)) continue
    statistics.flows.earlyDrop++
    return
  }
  statistics.flows.drop++
  throw new Refusal('ENOMEM')
}
