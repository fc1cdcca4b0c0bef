import type { Protocol } from '../tables/protocol.ts'
import type { Clock } from './clock.ts'
import { type Codec, expectationCodec, flowCodec } from './codec.ts'
import { tellOfExpectation, tellOfFlow } from './events.ts'
import { ExpectationTable } from './expectation-table.ts'
import type { KernelFlow } from './flow.ts'
import { FlowTable } from './flow-table.ts'
import { Listeners } from './listeners.ts'
import { type KernelSettings, settingsOf } from './settings.ts'
import { Statistics } from './statistics.ts'

/** All that the kernel remembers. */
export interface World {
  readonly settings: Required<KernelSettings>
  readonly clock: Clock & { now: bigint }
  readonly flows: FlowTable
  readonly flowCodec: Codec
  readonly expectations: ExpectationTable
  readonly expectationCodec: Codec
  readonly statistics: Statistics
  readonly listeners: Listeners
  /** A number that no other entry has or had (CTA_ID). */
  newId(): number
}

/** A kernel that has seen nothing yet. */
export function newWorld(protocols: readonly Protocol[], given: KernelSettings): World {
  const settings = settingsOf(given)
  const statistics = new Statistics()
  let ids = 0
  const world: World = {
    settings,
    clock: { now: settings.now },
    flows: new FlowTable(),
    flowCodec: flowCodec(protocols),
    expectations: new ExpectationTable(statistics, (expectation, portId) => tellOfExpectation(world, 'destroy', expectation, portId)),
    expectationCodec: expectationCodec(protocols),
    statistics,
    listeners: new Listeners(),
    // Multiplied by an odd number all are different, and look as little like an order as the kernel's.
    newId: () => Math.imul(++ids, 0x9e3779b1) >>> 0,
  }
  return world
}

/** Takes a flow out of the table, for the socket that asked for it, and with it what was expected because of it; says whether it was there. */
export function destroy(world: World, flow: KernelFlow, portId = 0): boolean {
  if (!world.flows.remove(flow)) return false
  world.expectations.removeOf(flow)
  tellOfFlow(world, 'destroy', flow, portId)
  return true
}

/** Lets everything end whose time is over. */
export function expire(world: World): void {
  const { flows, expectations, clock } = world
  for (const flow of flows) if (flow.expires <= clock.now) destroy(world, flow)
  expectations.expire(clock)
}
