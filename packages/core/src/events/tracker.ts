import { newEntry, type TableEntry } from '../commands/context.ts'
import { payloadLength } from '../schema/scan.ts'
import type { EventType } from '../schema/event.ts'
import { merged, mergedInPlace } from './merge.ts'
import { MessageView } from './message.ts'
import type { ComparedField, EventSource } from './source.ts'
import { Store } from './store.ts'

// What is noted of an entry while the table is compared with what was told.
/** Seen in the listing that is under way. */
const SEEN = 1
/** It is in the table, and was not told of. */
const NEW = 2
/** It is in the table with other values than were told. */
const CHANGED = 4
/** It was told of, and is not in the table any more. */
const GONE = 8

const NOTES = { [NEW]: 'new', [CHANGED]: 'update', [GONE]: 'destroy' } as const

/** Knows what was told of which entries, and so what is missing when the table is listed. */
export class Tracker {
  readonly store: Store
  readonly #compared: readonly ComparedField[]
  readonly #known: TableEntry
  readonly #view = new MessageView()

  constructor({ keys, context, compared }: EventSource) {
    this.store = new Store(keys)
    this.#compared = compared
    this.#known = newEntry(context)
  }

  /** The entry as it was told of, in a slot; valid until the next call. */
  known(slot: number): TableEntry {
    return this.#known.load(this.store.load(slot, this.#view))
  }

  /** The slot of the entry that a message is about, or -1. */
  find(message: MessageView): number {
    return this.store.find(message)
  }

  /** Whether the entry in a slot, if there is one, was not told of yet. */
  isUntold(slot: number): boolean {
    return slot >= 0 && (this.store.flags[slot] & NEW) !== 0
  }

  /** Notes that an event is told, of the entry in a slot or, where that is -1, of another. */
  note(type: EventType, message: MessageView, slot: number): void {
    const { store } = this
    if (type === 'destroy') {
      if (slot >= 0) store.remove(slot)
    } else if (slot < 0) store.add(message)
    else {
      if (type === 'new') store.replace(slot, message.bytes, message.start, message.end)
      else if (!mergedInPlace(store.load(slot, this.#view), message)) {
        const whole = merged(this.#view, message)
        store.replace(slot, whole, 0, whole.length)
      }
      store.flags[slot] &= type === 'new' ? SEEN : SEEN | CHANGED
    }
  }

  /** Notes that the entry in a slot, which was missing, is told. */
  told(slot: number): void {
    this.store.flags[slot] = 0
  }

  /** Notes an entry of a listing. `isWanted` says whether it would have been told of. With `silently`, it counts as told. */
  list(entry: TableEntry, message: MessageView, isWanted: boolean, silently: boolean): void {
    const { store } = this
    const slot = store.find(message)
    if (slot < 0) {
      if (!isWanted) return
      const added = store.add(message)
      store.flags[added] = silently ? SEEN : SEEN | NEW
      return
    }
    const isChanged = !silently && (store.flags[slot] & NEW) === 0 && this.#differs(this.known(slot), entry)
    store.replace(slot, message.bytes, message.start, message.end)
    store.flags[slot] = (store.flags[slot] & ~GONE) | SEEN | (isChanged ? CHANGED : 0)
  }

  /** Ends a listing: what was not in it has gone. */
  listed(silently: boolean): void {
    const { store } = this
    for (const slot of store.slots()) {
      const flags = store.flags[slot]
      if (flags & SEEN) store.flags[slot] = flags & ~SEEN
      // What has come and gone unseen was never there.
      else if (silently || flags & NEW) store.remove(slot)
      else store.flags[slot] = GONE
    }
  }

  /** The entries that are still to be told of, with what has happened to them. It counts as told from then on, and what has gone is forgotten when the next is asked for. */
  *missing(): Generator<{ readonly type: EventType; readonly slot: number }, void, undefined> {
    const { store } = this
    for (const slot of store.slots()) {
      const note = store.flags[slot] & (NEW | CHANGED | GONE)
      if (note === 0) continue
      const type = NOTES[(note & NEW || note & GONE || CHANGED) as keyof typeof NOTES]
      if (type !== 'destroy') store.flags[slot] = 0
      yield { type, slot }
      if (store.flags[slot] & GONE) store.remove(slot)
    }
  }

  /** Whether an entry has other values than are known of it. */
  #differs(known: TableEntry, listed: TableEntry): boolean {
    const { shape } = listed
    if (known.shape !== shape) return true
    return this.#compared.some(({ path, absentIsZero }) => {
      const field = shape.fields.get(path === 'state' ? (shape.variant.protocol.state ?? '') : path)
      if (field === undefined) return false
      const { slot } = field.places[0]
      const [before, now] = [known.slots[slot], listed.slots[slot]]
      if (!absentIsZero && before === 0) return false
      return !isSame(known.bytes, before, listed.bytes, now)
    })
  }
}

/** Whether two payloads are the same; bytes that one does not have are 0, and so are all of one that is absent. */
function isSame(one: Uint8Array, at: number, other: Uint8Array, otherAt: number): boolean {
  const lengths = [at === 0 ? 0 : payloadLength(one, at), otherAt === 0 ? 0 : payloadLength(other, otherAt)]
  for (let i = 0; i < Math.max(...lengths); i++)
    if ((i < lengths[0] ? one[at + i] : 0) !== (i < lengths[1] ? other[otherAt + i] : 0)) return false
  return true
}
