import type { Protocol } from '../tables/protocol.ts'
import { nanoseconds } from './clock.ts'
import type { Fields } from './codec.ts'
import { createFlow } from './create-flow.ts'
import { tellOfFlow } from './events.ts'
import { changedProtoinfo, type Counters, flowFields, type KernelFlow } from './flow.ts'
import { union } from './status.ts'
import { opposite } from './tuple.ts'
import { destroy, type World } from './world.ts'
import type { Direction } from './zone.ts'

/** A flow that packets made, and what may happen to it. `Flow` is what a list would tell, `Change` what may be given. */
export interface TrackedFlow<Flow, Change> {
  /** The flow as a list would tell it now. */
  readonly flow: Flow
  /** Whether it is still in the table. */
  readonly isAlive: boolean
  /**
   * Packets go by: they are counted, a reply sets SEEN_REPLY, and the flow lives at least `timeout` seconds from now.
   */
  packets(direction: Direction, bytes: number, packets?: number, timeout?: number): void
  /** The kernel changes a flow by itself: its state, mark, labels, or status bits to add, OFFLOAD among them. */
  change(change: Change): void
  /** The flow ends. */
  end(): void
}

/** Makes a flow as packets do: no request, every status bit can be given, and 600 seconds where there is no timeout. */
export function track(world: World, protocol: Protocol, given: Fields): TrackedFlow<Fields, Fields> {
  const { status = [], original, reply, family, ...rest } = given
  const there = { protocolNumber: protocol.number, ...protocol.defaults, ...(original as Fields) }
  const back = { ...opposite({ ...there, zone: undefined }, protocol), ...(reply as Fields) }
  const isIPv6 = family === 'ipv6' || ((there as Fields).source as string | undefined)?.includes(':')
  const made = createFlow(world, protocol, isIPv6 ? 'ipv6' : 'ipv4', { timeout: 600, ...rest, original: there, reply: back })
  made.status = union(made.status, status as readonly string[])
  tellOfFlow(world, 'new', made)
  return handleOf(world, made)
}

function handleOf(world: World, flow: KernelFlow): TrackedFlow<Fields, Fields> {
  const add = ({ packets, bytes }: Counters, more: number, size: number): Counters => ({
    packets: packets + BigInt(more),
    bytes: bytes + BigInt(size),
  })
  return {
    get flow() {
      const fields = flowFields(flow, world.clock, world.settings.timestamps, 1)
      return { protocol: flow.protocol.name, family: flow.family, ...fields }
    },
    get isAlive() {
      return world.flows.has(flow)
    },
    packets(direction, bytes, packets = 1, timeout = 0) {
      const { counters } = flow
      if (counters !== undefined) flow.counters = { ...counters, [direction]: add(counters[direction], packets, bytes) }
      const isFirst = direction === 'reply' && !flow.status.includes('SEEN_REPLY')
      if (isFirst) flow.status = union(flow.status, ['SEEN_REPLY'])
      const expires = world.clock.now + nanoseconds(timeout)
      if (expires > flow.expires) flow.expires = expires
      if (isFirst) tellOfFlow(world, 'update', flow)
    },
    change({ status = [], mark = flow.mark, labels = flow.labels, timeout, ...protoinfo }) {
      const before = told(flow)
      flow.status = union(flow.status, status as readonly string[])
      flow.mark = mark as number
      flow.labels = labels as Uint8Array
      if (timeout !== undefined) flow.expires = world.clock.now + nanoseconds(timeout as number)
      flow.protoinfo = changedProtoinfo(flow.protoinfo, flow.protocol, protoinfo)
      if (told(flow) !== before) tellOfFlow(world, 'update', flow)
    },
    end() {
      destroy(world, flow)
    },
  }
}

/** What an event would tell of a flow's change: a timeout alone makes none. */
function told({ status, mark, labels, protoinfo }: KernelFlow): string {
  return JSON.stringify([status, mark, [...labels], protoinfo])
}
