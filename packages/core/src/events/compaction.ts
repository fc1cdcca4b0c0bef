import { findAttribute, isSamePayload } from '../schema/attributes.ts'
import { merged } from './merge.ts'
import { eventType, type Keys, MessageView } from './message.ts'
import type { EventType } from '../schema/event.ts'

/** A record of the queue while it is made smaller. */
export interface QueueRecord {
  /** A message, or no bytes for a mark. */
  readonly bytes: Uint8Array
  readonly mark: number
  readonly time: bigint
}

/** What is left of the records, and what gave way. */
export interface Compacted {
  readonly records: readonly QueueRecord[]
  readonly updates: number
  readonly coalesced: number
}

/** Makes a queue smaller: takes its records in turn. */
export type Compact = (records: Iterable<QueueRecord>, keys: Keys) => Compacted

/** Leaves out the updates. */
export const dropUpdates: Compact = (records) => {
  const all = [...records]
  const kept = all.filter(({ bytes }) => bytes.length === 0 || eventType(bytes, 0) !== 'update')
  return { records: kept, updates: all.length - kept.length, coalesced: 0 }
}

/** An event that a later update of the same entry can become part of. */
interface Open {
  index: number
  readonly type: EventType
  readonly message: MessageView
}

/** Makes one event of each entry's updates, and of its creation with the updates after it. It stands where the last of them stood. */
export const coalesce: Compact = (records, keys) => {
  const kept: (QueueRecord | undefined)[] = []
  const open = new Map<number, Open[]>()
  let coalesced = 0
  for (const record of records) {
    const { bytes } = record
    if (bytes.length === 0) {
      // What is before a loss stays before it.
      open.clear()
      kept.push(record)
      continue
    }
    const message = new MessageView().load(bytes, 0, bytes.length)
    const type = eventType(bytes, 0)
    const id = idOf(message, keys)
    const others = open.get(id) ?? []
    const i = others.findIndex((other) => isSameEntry(other.message, message, keys))
    const earlier = others[i]
    if (i >= 0) others.splice(i, 1)
    if (type !== 'update' || earlier === undefined) {
      kept.push(record)
      if (type !== 'destroy') others.push({ index: kept.length - 1, type, message })
    } else {
      const whole = merged(earlier.message, message, earlier.message.flags)
      kept[earlier.index] = undefined
      kept.push({ ...record, bytes: whole })
      coalesced++
      others.push({ index: kept.length - 1, type: earlier.type, message: new MessageView().load(whole, 0, whole.length) })
    }
    open.set(id, others)
  }
  return { records: kept.filter((record) => record !== undefined), updates: 0, coalesced }
}

/** The kernel's id of an entry, as a number from -2^31; 0 where there is none. */
export function idOf({ bytes, at, end }: MessageView, { id }: Keys): number {
  const payload = findAttribute(bytes, at, end, id)
  if (payload === 0) return 0
  return (bytes[payload] << 24) | (bytes[payload + 1] << 16) | (bytes[payload + 2] << 8) | bytes[payload + 3]
}

/** Whether two messages with the same id are about the same entry. */
export function isSameEntry(one: MessageView, other: MessageView, { tuple }: Keys): boolean {
  const a = findAttribute(one.bytes, one.at, one.end, tuple)
  const b = findAttribute(other.bytes, other.at, other.end, tuple)
  return a !== 0 && b !== 0 && isSamePayload(one.bytes, a, other.bytes, b)
}
