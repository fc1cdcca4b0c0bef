import type { EventType } from '../schema/event.ts'

/**
 * What gives way when events come faster than they are consumed, and our own queue is full: nothing, so that the kernel's fills up and
 * an overrun follows; the updates; or the updates of each entry but the last.
 */
export type OnFull = 'block' | 'drop updates' | 'coalesce'

/** How a table is watched. */
export interface WatchOptions<Filter> {
  /** Which events; all if absent. Others do not even reach this process. */
  readonly events?: readonly EventType[]
  /** Conditions that entries meet. What an event does not tell does not meet any: an update has no state unless it has changed. */
  readonly filter?: Filter
  /** Ends the watch: the loop over it ends, without an error. */
  readonly signal?: AbortSignal
  /**
   * Whether an overrun is made up for by comparing the table with what was told; on if absent. For that the table is listed when the
   * watch begins, and kept in memory: about 300 bytes an entry.
   */
  readonly resync?: boolean
  /** Whoever destroys an entry has to wait for room in our queue, if it can wait at all (NETLINK_BROADCAST_ERROR). Off if absent. */
  readonly reliable?: boolean
  /** Bytes that the kernel may use to queue events (SO_RCVBUFFORCE), of which an event takes about 1 KiB; 512 MiB if absent. It takes them as needed. */
  readonly receiveBuffer?: number
  /** Bytes that we may use to queue events, of which an event takes about 250; 64 MiB if absent. */
  readonly queue?: number
  /** What gives way when that is full; nothing if absent. */
  readonly onFull?: OnFull
}

export const EVENT_TYPES: readonly EventType[] = ['new', 'update', 'destroy']
export const RECEIVE_BUFFER = 0x2000_0000
export const QUEUE = 0x400_0000
