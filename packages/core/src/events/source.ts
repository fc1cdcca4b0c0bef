import type { TableContext } from '../commands/context.ts'
import { count } from '../commands/statistics.ts'
import { type EventGroups, expectationGroups, expectationMessages, flowGroups, flowMessages, type MessageType } from '../tables/messages.ts'
import type { Subscription } from '../transport/subscription.ts'
import type { Keys } from './message.ts'

/** How a subscription is asked for. */
export interface SubscribeOptions {
  /** Multicast groups. */
  readonly groups: readonly number[]
  /** Bytes for the kernel's queue. */
  readonly receiveBuffer: number
  /** A classic BPF program that drops what is not wanted; undefined for all. */
  readonly filter: Uint8Array | undefined
  /** Whether whoever makes a change waits for room in the queue (NETLINK_BROADCAST_ERROR). */
  readonly reliable: boolean
}

/** Opens a subscription to groups of netfilter, in the namespace that is meant. */
export type Subscribe = (options: SubscribeOptions) => Subscription

/** A table that can be watched: flows or expectations. */
export interface EventSource {
  readonly context: TableContext
  readonly subscribe: Subscribe
  readonly groups: EventGroups
  /** The message that asks for the table. */
  readonly list: MessageType
  readonly keys: Keys
  /** What an event object calls its entry. */
  readonly name: 'flow' | 'expectation'
  /** How many entries the table has, where the kernel counts them. */
  readonly count?: () => number
  /** By what an entry has changed, where an event says so: fields whose absence means 0, and whether one may be unknown. */
  readonly compared: readonly ComparedField[]
}

/** A field that is compared when events were lost. */
export interface ComparedField {
  /** `mark`, or `state` for the protocol's own. */
  readonly path: string
  /** Whether an event that does not tell it means that it is 0; else it means that it is as before. */
  readonly absentIsZero: boolean
}

/** CTA_ID and CTA_TUPLE_ORIG. */
export const FLOW_KEYS: Keys = { id: 12, tuple: 1 }
/** CTA_EXPECT_ID and CTA_EXPECT_TUPLE. */
const EXPECTATION_KEYS: Keys = { id: 5, tuple: 2 }

/** What an event of a flow tells when it has changed. */
const FLOW_FIELDS: readonly ComparedField[] = [
  { path: 'status', absentIsZero: true },
  { path: 'mark', absentIsZero: true },
  { path: 'labels', absentIsZero: true },
  { path: 'helper.name', absentIsZero: false },
  { path: 'state', absentIsZero: false },
]

/** Flows as they are watched. */
export function flowEvents(context: TableContext, subscribe: Subscribe): EventSource {
  return {
    context,
    subscribe,
    groups: flowGroups,
    list: flowMessages.get,
    keys: FLOW_KEYS,
    name: 'flow',
    compared: FLOW_FIELDS,
    count: () => count(context.requests),
  }
}

/** Expectations as they are watched; they do not change. */
export function expectationEvents(context: TableContext, subscribe: Subscribe): EventSource {
  const { get } = expectationMessages
  return { context, subscribe, groups: expectationGroups, list: get, keys: EXPECTATION_KEYS, name: 'expectation', compared: [] }
}
