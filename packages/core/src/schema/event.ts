import type { Entry } from './entry.ts'
import type { Shape, Variant } from './layout.ts'
import type { Text } from './text.ts'

/** What has happened to an entry. */
export type EventType = 'new' | 'update' | 'destroy'

/** An event as a view, valid until the next one comes. */
export interface EventView<V extends Variant = Variant> {
  /** What has happened to the entry. */
  readonly type: EventType
  /** The entry, with what the kernel tells in an event: never its use count, its counters only at the end. */
  readonly entry: Entry<V>
  /** When it happened, in nanoseconds since 1970: by the kernel's clock where it tells (CTA_TIMESTAMP_EVENT), else when we received it. */
  readonly timestamp: bigint
  /** The port id of the netlink socket by which a program made the change; 0 is the kernel itself. */
  readonly portId: number
  /** Whether the kernel's own event was lost, and this one was found by comparing the table with what had been told. */
  readonly synthetic: boolean
}

/** The kernel had no room for messages. What they told is made up for by synthetic events, up to `resynced`. */
export interface Overrun {
  /** What tells it from events and other reports. */
  readonly type: 'overrun'
  /** When it was noticed, in nanoseconds since 1970. */
  readonly timestamp: bigint
  /** When the last message before the loss, or the end of the last comparison, was received. */
  readonly since: bigint
  /** Messages lost this time. */
  readonly lost: number
  /** Times this has happened to this watch, this one included. */
  readonly times: number
}

/** Our own queue was full, and gave way as the caller wanted. */
export interface Dropped {
  /** What tells it from events and other reports. */
  readonly type: 'dropped'
  /** When it was noticed, in nanoseconds since 1970. */
  readonly timestamp: bigint
  /** When the kernel's queue was empty last. */
  readonly since: bigint
  /** Updates that were dropped. */
  readonly updates: number
  /** Updates that became part of an earlier event of the same entry. */
  readonly coalesced: number
}

/** After an overrun all that was missing has been told. */
export interface Resynced {
  /** What tells it from events and other reports. */
  readonly type: 'resynced'
  /** When the last of them was told, in nanoseconds since 1970. */
  readonly timestamp: bigint
  /** Synthetic events of new entries. */
  readonly new: number
  /** Synthetic events of entries that have other values than were told. */
  readonly update: number
  /** Synthetic events of entries that have gone. */
  readonly destroy: number
}

/** What there is to tell of the events themselves. */
export type EventReport = Overrun | Dropped | Resynced

/** Writes one event. */
export type PrintEvent<V extends Variant = Variant> = (event: EventView<V>, text: Text) => void

/** A way to write events. `compile` is called once for each protocol that comes. */
export interface EventFormatter<V extends Variant = Variant> {
  /** What it is called. */
  readonly name: string
  /** Written before the first event, even if none comes. */
  readonly head?: string
  /** Written after the last. */
  readonly tail?: string
  /** Makes the printer for the entries of one protocol. */
  compile(shape: Shape<V>): PrintEvent<V>
  /** Writes a report among the events, in a format that has a way to. */
  report?(report: EventReport, text: Text): void
}

/** The printer of a formatter: compiles for a shape when its first event comes. */
export function eventPrinter<V extends Variant>(formatter: EventFormatter<V>): PrintEvent<V> {
  const compiled: PrintEvent<V>[] = []
  return (event, text) => {
    const { shape } = event.entry
    const print = compiled[shape.index] ?? (compiled[shape.index] = formatter.compile(shape))
    print(event, text)
  }
}
