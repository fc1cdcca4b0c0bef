/**
 * Connection tracking: open it, read it, change it.
 * @module @conntrack/core
 */
export type { TableEntry } from './commands/context.ts'
export type { Listing } from './commands/listing.ts'
export { atOnce, type Steps } from './commands/steps.ts'
export type { ListOptions } from './commands/read.ts'
export type { CpuStatistics, ExpectationCpuStatistics, Statistics } from './commands/statistics.ts'
export type { Explanation } from './commands/plan.ts'
export type { Outcome, Progress, Refusal } from './commands/many.ts'
export type { CreateAllOptions, CreateOptions, Creation, PreparedFlow, Update } from './commands/write.ts'
export type { Removal, WriteOptions } from './commands/acknowledged.ts'
export type { FlushOptions } from './commands/flush.ts'
export type { Mirror, MirrorChange, MirrorOptions } from './events/mirror.ts'
export type { OnFull, WatchOptions } from './events/options.ts'
export type { Subscribe, SubscribeOptions } from './events/source.ts'
export type { EntryEvent, PrintOptions, Watch } from './events/watch.ts'
export {
  type Conntrack,
  type ConntrackOptions,
  type Expectation,
  type ExpectationEvent,
  type ExpectationFilter,
  type Expectations,
  type Flow,
  type FlowEvent,
  type FlowFilter,
  type Flows,
  type FlowSteps,
  type NewExpectation,
  type NewFlow,
  openConntrack,
} from './conntrack.ts'
export { DumpInterruptedError, errnoText, MalformedMessageError, NetlinkError } from './errors.ts'
export type { Dropped, EventReport, EventType, Overrun, Resynced } from './schema/event.ts'
export type { Condition } from './schema/match.ts'
export type { NatCondition } from './tables/nat.ts'
export type { Family } from './tables/protocol.ts'
export type { NetlinkSocket } from './transport/socket.ts'
export type { Losses, Subscription, Visit } from './transport/subscription.ts'
