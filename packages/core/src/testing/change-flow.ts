import { nanoseconds } from './clock.ts'
import type { Fields } from './codec.ts'
import { adjusted, extraOf } from './extra.ts'
import { changedProtoinfo, type KernelFlow } from './flow.ts'
import { changedLabels } from './labels.ts'
import { Refusal } from './refusal.ts'
import { canHelp } from './settings.ts'
import { changedStatus, union } from './status.ts'
import type { World } from './world.ts'

/**
 * Changes a flow as IPCTNL_MSG_CT_NEW does to one that is there (ctnetlink_change_conntrack), in the kernel's order: what comes
 * before a refusal is done.
 * @throws Refusal EOPNOTSUPP for what only a new flow can have, EBUSY, EPERM for a timeout that is fixed, ENOSPC for labels nobody uses
 */
export function changeFlow(world: World, flow: KernelFlow, given: Fields): void {
  if (given.sourceNat !== undefined || given.destinationNat !== undefined || given.master !== undefined) throw new Refusal('EOPNOTSUPP')
  const { name } = (given.helper ?? {}) as { readonly name?: string }
  if (name !== undefined) changeHelper(world, flow, name)
  if (given.timeout !== undefined) {
    if (flow.status.includes('FIXED_TIMEOUT')) throw new Refusal('EPERM')
    flow.expires = world.clock.now + nanoseconds(given.timeout as number)
  }
  if (given.status !== undefined) flow.status = changedStatus(flow.status, given.status as readonly string[])
  flow.protoinfo = changedProtoinfo(flow.protoinfo, flow.protocol, given)
  if (given.mark !== undefined) flow.mark = changedMark(flow.mark, given.mark as number, given.markMask as number | undefined)
  flow.extra = extraOf(flow.extra, given)
  flow.status = union(flow.status, adjusted(given))
  if (given.labels !== undefined) {
    const labels = changedLabels(flow.labels, given.labels as Uint8Array, given.labelsMask as Uint8Array | undefined)
    if (!world.settings.labels) throw new Refusal('ENOSPC')
    flow.labels = labels
  }
}

/** `(old & ~mask) ^ mark` (ctnetlink_change_mark). */
function changedMark(old: number, mark: number, mask: number | undefined): number {
  return ((mask === undefined ? 0 : old & ~mask) ^ mark) >>> 0
}

/** An empty name takes the helper away, for good; one that was made without cannot be given one (ctnetlink_change_helper). */
function changeHelper({ expectations, settings }: World, flow: KernelFlow, name: string): void {
  if (flow.master !== undefined) {
    if (flow.helper === name) return
    throw new Refusal('EBUSY')
  }
  if (flow.helper === name) return
  if (name === '') {
    if (flow.helper === undefined) return
    expectations.removeOf(flow)
    flow.helper = ''
    return
  }
  if (!canHelp(settings, name, flow.protocol) || flow.helper === undefined) throw new Refusal('EOPNOTSUPP')
  throw new Refusal('EBUSY')
}
