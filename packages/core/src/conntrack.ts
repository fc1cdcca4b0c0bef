import { expectationContext, flowContext, type TableContext } from './commands/context.ts'
import {
  countExpectations,
  deleteAllExpectationsInSteps,
  createExpectation,
  deleteExpectations,
  flushExpectations,
  flushExpectationsInSteps,
  type GivenExpectation,
  getExpectation,
  listExpectations,
  lookupExpectation,
} from './commands/expectations.ts'
import { flush, flushInSteps, type FlushOptions } from './commands/flush.ts'
import type { Listing } from './commands/listing.ts'
import { explain, type Explanation } from './commands/plan.ts'
import type { Steps } from './commands/steps.ts'
import { get, type ListOptions, list, lookup } from './commands/read.ts'
import {
  count,
  cpuStatistics,
  type ExpectationCpuStatistics,
  expectationCpuStatistics,
  type Statistics,
  statistics,
} from './commands/statistics.ts'
import type { GivenFlow } from './commands/tuple.ts'
import {
  type CreateAllOptions,
  type CreateOptions,
  create,
  createAll,
  createAllInSteps,
  type Creation,
  deleteAll,
  deleteAllInSteps,
  type PreparedFlow,
  prepare,
  remove,
  type Update,
  update,
  updateAll,
  updateAllInSteps,
} from './commands/write.ts'
import type { Removal, WriteOptions } from './commands/acknowledged.ts'
import { Mirror, type MirrorOptions } from './events/mirror.ts'
import type { WatchOptions } from './events/options.ts'
import { expectationEvents, flowEvents, type Subscribe } from './events/source.ts'
import { type EntryEvent, Watch } from './events/watch.ts'
import type { EventReport } from './schema/event.ts'
import type { Filter } from './schema/match.ts'
import type {
  ExpectationFilterOf,
  ExpectationOf,
  FlowFilterOf,
  FlowOf,
  NewExpectationOf,
  NewFlowOf,
  Protocol,
  unknownProtocol,
} from './tables/protocol.ts'
import { requests } from './transport/request.ts'
import { type NetlinkSocket, openSocket } from './transport/socket.ts'
import { openSubscription } from './transport/subscription.ts'

/** A flow of one of the protocols `P` (as types), or of one that is not installed: `flow.protocol` tells which. */
export type Flow<P extends Protocol = never> = FlowOf<P> | FlowOf<typeof unknownProtocol>

/** What makes or changes a flow of one of the protocols `P`. */
export type NewFlow<P extends Protocol = never> = NewFlowOf<P> | NewFlowOf<typeof unknownProtocol>

/** Conditions on the flows of the protocols `P`. */
export type FlowFilter<P extends Protocol = never> = FlowFilterOf<P | typeof unknownProtocol>

/** Commands on many flows as {@link Steps}; lists have theirs, `forEachInSteps` and `printInSteps`. */
export interface FlowSteps<P extends Protocol> {
  /** {@link Flows.createAll} in steps. */
  createAll<T extends NewFlow<P> | PreparedFlow>(flows: Iterable<T>, options?: CreateAllOptions<T>): Steps<Creation<T>>
  /** {@link Flows.updateAll} in steps. */
  updateAll(filter: FlowFilter<P>, change: Partial<NewFlow<P>>, options?: WriteOptions): Steps<Update<Flow<P>>>
  /** {@link Flows.deleteAll} in steps. */
  deleteAll(filter: FlowFilter<P>, options?: WriteOptions): Steps<Removal<Flow<P>>>
  /** {@link Flows.flush} in steps: several where the kernel cannot do it at once, and then the options are told of each entry. */
  flush(filter?: FlowFilter<P>, options?: FlushOptions): Steps<void>
}

/** What a watch over flows gives: an event of a flow, or a report of events that were lost and of their repair. `type` tells which. */
export type FlowEvent<P extends Protocol = never> = EntryEvent<'flow', Flow<P>> | EventReport

/** The kernel's connection table. Every command is synchronous: the kernel answers at once. */
export interface Flows<P extends Protocol> {
  /** The flows for which all conditions hold; all without a filter. */
  list(filter?: FlowFilter<P>, options?: ListOptions): Listing<Flow<P>>
  /** The one flow with this tuple (`original`, or else `reply`) and zone, or undefined. */
  get(tuple: NewFlow<P>): Flow<P> | undefined
  /** The same as a listing of one, or of none where the filter does not hold for it. Reading it throws NetlinkError ENOENT when there is no such flow. */
  lookup(tuple: NewFlow<P>, filter?: FlowFilter<P>): Listing<Flow<P>>
  /** Makes a flow from one or both tuples and a timeout. @throws NetlinkError EEXIST, RangeError */
  create(flow: NewFlow<P>, options?: CreateOptions): void
  /** Changes the flows for which the filter holds: mark (with markMask), timeout, status bits to add, the protocol's fields. @throws NetlinkError the first refusal, once all was tried */
  update(filter: FlowFilter<P>, change: Partial<NewFlow<P>>, options?: WriteOptions): { matched: number; updated: number }
  /** Deletes the flows for which the filter holds; all for an empty one. @throws NetlinkError the first refusal, once all was tried */
  delete(filter: FlowFilter<P>, options?: WriteOptions): { matched: number; deleted: number }
  /** Makes many flows, of which the kernel gets hundreds in one message. Refusals are summed, not thrown. @throws RangeError that names the flow */
  createAll<T extends NewFlow<P> | PreparedFlow>(flows: Iterable<T>, options?: CreateAllOptions<T>): Creation<T>
  /** The message that makes a flow, for `createAll` later; asks the kernel nothing. @throws RangeError as `create` does */
  prepare(flow: NewFlow<P>, options?: CreateOptions): PreparedFlow
  /** `update`, with refusals summed in place of thrown. */
  updateAll(filter: FlowFilter<P>, change: Partial<NewFlow<P>>, options?: WriteOptions): Update<Flow<P>>
  /** `delete`, with refusals summed in place of thrown. */
  deleteAll(filter: FlowFilter<P>, options?: WriteOptions): Removal<Flow<P>>
  /** The commands on many flows in steps, for programs that must not be kept waiting. */
  readonly steps: FlowSteps<P>
  /**
   * Deletes all flows, or those for which the filter holds, without a look at them: in one message where the kernel can do that. Then
   * nobody knows how many there were.
   */
  flush(filter?: FlowFilter<P>): void
  /** How a filter would be done: which of its fields the kernel checks while it lists, and which only we do. Asks the kernel nothing. */
  explain(filter: FlowFilter<P>): Explanation
  /** How many flows there are. */
  count(): number
  /** Entries, limit and what each CPU has counted. */
  statistics(): Statistics
  /** What each CPU has counted. */
  cpuStatistics(): Statistics['cpus']
  /**
   * What happens to the flows from now on. Unlike the other commands this waits: `for await (const event of flows.watch())`.
   * @throws NetlinkError when the kernel does not let us listen
   */
  watch(options?: WatchOptions<FlowFilter<P>>): Watch<FlowEvent<P>>
  /** A live copy of the table. */
  mirror(options?: MirrorOptions<FlowFilter<P>>): Mirror<Flow<P>>
}

/** An expectation of one of the protocols `P`, or of one that is not installed. */
export type Expectation<P extends Protocol = never> = ExpectationOf<P> | ExpectationOf<typeof unknownProtocol>

/** What makes or finds an expectation. */
export type NewExpectation<P extends Protocol = never> = NewExpectationOf<P> | NewExpectationOf<typeof unknownProtocol>

/** Conditions on expectations. */
export type ExpectationFilter<P extends Protocol = never> = ExpectationFilterOf<P | typeof unknownProtocol>

/** What a watch over expectations gives. The kernel tells of no updates of them. */
export type ExpectationEvent<P extends Protocol = never> = EntryEvent<'expectation', Expectation<P>> | EventReport

/** The kernel's table of connections that helpers expect. */
export interface Expectations<P extends Protocol> {
  /** The expectations for which all conditions hold; all without a filter. */
  list(filter?: ExpectationFilter<P>): Listing<Expectation<P>>
  /** The one expectation of packets like `tuple`, or undefined. */
  get(expectation: NewExpectation<P>): Expectation<P> | undefined
  /**
   * The same as a listing of one, or of none where the filter does not hold for it. Reading it throws NetlinkError ENOENT when there is
   * none.
   */
  lookup(expectation: NewExpectation<P>, filter?: ExpectationFilter<P>): Listing<Expectation<P>>
  /** Makes an expectation; the master is a flow with a helper. @throws NetlinkError, RangeError */
  create(expectation: NewExpectation<P>): void
  /** Deletes the expectations for which the filter holds; all for an empty one. */
  delete(filter: ExpectationFilter<P>, options?: WriteOptions): { matched: number; deleted: number }
  /** `delete`, with refusals summed in place of thrown, and `flush` in steps. */
  readonly steps: {
    deleteAll(filter: ExpectationFilter<P>, options?: WriteOptions): Steps<Removal<Expectation<P>>>
    flush(filter?: ExpectationFilter<P>, options?: FlushOptions): Steps<void>
  }
  /** Deletes all expectations, or those for which the filter holds. */
  flush(filter?: ExpectationFilter<P>): void
  /** How many expectations there are for which the filter holds. */
  count(filter?: ExpectationFilter<P>): number
  /** What each CPU has counted. */
  cpuStatistics(): readonly ExpectationCpuStatistics[]
  /** What happens to the expectations from now on. @throws NetlinkError when the kernel does not let us listen */
  watch(options?: WatchOptions<ExpectationFilter<P>>): Watch<ExpectationEvent<P>>
}

/** Connection tracking of one network namespace. */
export interface Conntrack<P extends Protocol> extends Disposable {
  /** The connection table. */
  readonly flows: Flows<P>
  /** The table of expected connections. */
  readonly expectations: Expectations<P>
  /** Closes the sockets, and with them every watch and mirror. A second time it does nothing. */
  close(): void
}

/** Options of {@link openConntrack}. */
export interface ConntrackOptions<P extends readonly Protocol[]> {
  /** The protocols whose flows have names for their fields; others are told by number. */
  readonly protocols: P
  /** Another network namespace: a name under /run/netns, a path, or a process id. */
  readonly netns?: string | number
  /** Bytes that the kernel may queue for us (SO_RCVBUF); 4 MiB if absent. */
  readonly receiveBuffer?: number
  /** Opens a socket in place of the kernel's, for tests. */
  readonly socket?: () => NetlinkSocket
  /** Opens a subscription to events in place of the kernel's, for tests. */
  readonly subscribe?: Subscribe
}

/** Room for the answers to some thousand requests. */
const RECEIVE_BUFFER = 4 * 1024 * 1024

/**
 * Opens connection tracking. Sockets are opened as they are needed, at the latest by the first command.
 *
 * @example
 * using ct = openConntrack({ protocols: [tcp, udp] })
 * for (const flow of ct.flows.list({ protocol: 'tcp', original: { destinationPort: 443 } })) console.log(flow.state)
 *
 * @throws RangeError when two protocols have the same name, or disagree about an attribute
 */
export function openConntrack<const P extends readonly Protocol[]>({
  protocols,
  netns,
  receiveBuffer = RECEIVE_BUFFER,
  socket = () => openSocket({ netns, receiveBuffer }),
  subscribe = (options) => openSubscription({ ...options, netns }),
}: ConntrackOptions<P>): Conntrack<P[number]> {
  const conversations = requests(socket)
  const context = flowContext(conversations, protocols)
  const followers = new Set<Disposable>()
  const forget = (follower: Disposable): boolean => followers.delete(follower)
  const follow = <T extends Disposable>(follower: T): T => {
    followers.add(follower)
    return follower
  }
  const flowSource = flowEvents(context, subscribe)
  const flows: Flows<Protocol> = {
    list: (filter = {}, options) => list(context, filter as Filter, options),
    get: (tuple) => get(context, tuple as GivenFlow),
    lookup: (tuple, filter = {}) => lookup(context, tuple as GivenFlow, filter as Filter),
    create: (flow, options) => create(context, flow, options),
    update: (filter, change, options) => update(context, filter, change, options),
    delete: (filter, options) => remove(context, filter, options),
    createAll: (given, options) => createAll(context, given, options),
    prepare: (flow, options) => prepare(context, flow, options),
    updateAll: (filter, change, options) => updateAll(context, filter, change, options),
    deleteAll: (filter, options) => deleteAll(context, filter, options),
    steps: {
      createAll: (given, options) => createAllInSteps(context, given, options),
      updateAll: (filter, change, options) => updateAllInSteps(context, filter, change, options),
      deleteAll: (filter, options) => deleteAllInSteps(context, filter, options),
      flush: (filter, options) => flushInSteps(context, filter, options),
    },
    flush: (filter) => flush(context, filter),
    explain: (filter) => explain(context, filter),
    count: () => count(conversations),
    statistics: () => statistics(conversations),
    cpuStatistics: () => cpuStatistics(conversations),
    watch: (options = {}) => follow(new Watch(flowSource, options as WatchOptions<Filter>, forget)),
    mirror: (options = {}) => follow(new Mirror(flowSource, options as MirrorOptions<Filter>, forget)),
  }
  let compiled: TableContext | undefined
  // Few programs ask for expectations.
  const expected = (): TableContext => (compiled ??= expectationContext(conversations, protocols))
  const expectations: Expectations<Protocol> = {
    list: (filter = {}) => listExpectations(expected(), filter as Filter),
    get: (given) => getExpectation(expected(), given as GivenExpectation),
    lookup: (given, filter) => lookupExpectation(expected(), given as GivenExpectation, filter),
    create: (given) => createExpectation(expected(), given),
    delete: (filter, options) => deleteExpectations(expected(), filter, options),
    steps: {
      deleteAll: (filter, options) => deleteAllExpectationsInSteps(expected(), filter, options),
      flush: (filter, options) => flushExpectationsInSteps(expected(), filter, options),
    },
    flush: (filter) => flushExpectations(expected(), filter),
    count: (filter = {}) => countExpectations(expected(), filter),
    cpuStatistics: () => expectationCpuStatistics(conversations),
    watch: (options = {}) => follow(new Watch(expectationEvents(expected(), subscribe), options as WatchOptions<Filter>, forget)),
  }
  const close = (): void => {
    for (const follower of followers) follower[Symbol.dispose]()
    conversations.close()
  }
  return {
    flows: flows,
    expectations: expectations,
    close,
    [Symbol.dispose]: close,
  }
}
