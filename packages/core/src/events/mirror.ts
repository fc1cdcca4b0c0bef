import { objectOf, type TableEntry } from '../commands/context.ts'
import type { EventReport, EventType } from '../schema/event.ts'
import type { Filter } from '../schema/match.ts'
import type { EventSource } from './source.ts'
import type { Tracker } from './tracker.ts'
import { type Change, Event, Watcher } from './watcher.ts'
import { eventProgram } from './program.ts'

/** How a table is mirrored. */
export interface MirrorOptions<Filter> {
  /** Conditions that entries meet, of those that an entry keeps as long as it lives: addresses, ports, protocol, family, zone. */
  readonly filter?: Filter
  /** Closes the mirror. */
  readonly signal?: AbortSignal
  /** Bytes that the kernel may use to queue events (SO_RCVBUFFORCE); 512 MiB if absent. */
  readonly receiveBuffer?: number
  /** Bytes that we may use to queue events; 64 MiB if absent. */
  readonly queue?: number
  /**
   * Milliseconds after which the mirror looks whether it has as many entries as the table, and else lists and compares it; 10,000 if
   * absent, and never for Infinity. The kernel makes no events of entries that are older than the first listener, unless
   * net.netfilter.nf_conntrack_events is 1. With a filter the table is listed every time.
   */
  readonly compareEvery?: number
}

/** What has changed in a mirror: an entry, or a report of lost events and their repair. */
export type MirrorChange<T> = { readonly type: EventType; readonly id: number; readonly entry: T } | EventReport

const COMPARE_EVERY = 10_000
/** Overruns in a row after which `refresh` leaves the rest to later: more is lost than can be repaired meanwhile. */
const OVERRUNS = 10

/**
 * A live copy of a table, by id. It is right as soon as it is there, follows the kernel's events, and repairs itself when some were lost.
 * An entry is as of its last event: counters and the time that is left are those of then.
 *
 * Ids are random numbers of 32 bits, so that among hundreds of thousands of entries two can have the same: `size` and iteration count
 * both, `get` gives one of them.
 */
export class Mirror<T> implements Iterable<[id: number, entry: T]>, Disposable {
  /** Resolves when the mirror was closed. @throws NetlinkError when the kernel could not be asked any more */
  readonly closed: Promise<void>
  readonly #watcher: Watcher
  readonly #tracker: Tracker
  readonly #idSlot: number
  /** How many entries the table has, where that can be compared. */
  readonly #count: (() => number) | undefined
  readonly #listeners = new Set<(change: MirrorChange<T>) => void>()
  readonly #signal: AbortSignal | undefined
  readonly #close = (): void => this.close()
  readonly #onClose: (mirror: Mirror<T>) => void
  readonly #timer: ReturnType<typeof setInterval> | undefined

  /** `onClose` is called once. */
  constructor(source: EventSource, options: MirrorOptions<Filter>, onClose: (mirror: Mirror<T>) => void) {
    const { filter = {}, signal, compareEvery = COMPARE_EVERY } = options
    this.#watcher = new Watcher(source, eventProgram(source.context, filter), { ...options, resync: true })
    this.#tracker = this.#watcher.tracker as Tracker
    this.#idSlot = source.context.layout.shapes[0].fields.get('id')?.places[0].slot ?? 0
    this.#count = Object.keys(filter).length === 0 ? source.count : undefined
    this.#onClose = onClose
    this.#signal = signal
    signal?.addEventListener('abort', this.#close, { once: true })
    if (signal?.aborted) this.close()
    else if (compareEvery !== Number.POSITIVE_INFINITY) this.#timer = setInterval(() => this.refresh(), compareEvery)
    this.closed = this.#follow()
    // Who does not ask does not want to know.
    this.closed.catch(() => {})
  }

  /** How many entries there are. */
  get size(): number {
    return this.#tracker.store.size
  }

  /** Whether there is an entry with this id. */
  has(id: number): boolean {
    return this.#tracker.store.findId(id) >= 0
  }

  /** An entry, as an object that lasts. */
  get(id: number): T | undefined {
    const slot = this.#tracker.store.findId(id)
    return slot < 0 ? undefined : (objectOf(this.#tracker.known(slot)) as T)
  }

  /** All entries with their ids, in no order. */
  *[Symbol.iterator](): Generator<[id: number, entry: T], void, undefined> {
    for (const slot of this.#tracker.store.slots()) {
      const entry = this.#tracker.known(slot)
      yield [this.#id(entry), objectOf(entry) as T]
    }
  }

  /** All entries, as objects that last. */
  *values(): Generator<T, void, undefined> {
    for (const [, entry] of this) yield entry
  }

  /** All ids. */
  *keys(): Generator<number, void, undefined> {
    for (const slot of this.#tracker.store.slots()) yield this.#id(this.#tracker.known(slot))
  }

  /** Calls a function after each change, until `off`. */
  on(_event: 'change', listener: (change: MirrorChange<T>) => void): this {
    this.#listeners.add(listener)
    return this
  }

  /** Does not call the function any more. */
  off(_event: 'change', listener: (change: MirrorChange<T>) => void): this {
    this.#listeners.delete(listener)
    return this
  }

  /** Takes in what has happened until now, repairs what was lost, and finds what the kernel makes no events of. */
  refresh(): void {
    this.#takeIn()
    if (this.#watcher.isClosed || this.#count?.() === this.size) return
    this.#watcher.compare()
    this.#takeIn()
  }

  /** Ends the mirror; it stays as it is. A second time it does nothing. */
  close(): void {
    if (this.#watcher.isClosed) return
    clearInterval(this.#timer)
    this.#signal?.removeEventListener('abort', this.#close)
    this.#watcher.close()
    this.#onClose(this)
  }

  /** The same as `close`, for `using`. */
  [Symbol.dispose](): void {
    this.close()
  }

  async #follow(): Promise<void> {
    try {
      for await (const turn of this.#watcher.turns()) for (const change of turn) this.#tell(change)
    } finally {
      this.close()
    }
  }

  #takeIn(): void {
    let overruns = 0
    while (!this.#watcher.isClosed && overruns < OVERRUNS) {
      const change = this.#watcher.next()
      if (change === undefined) return
      if (change.type === 'overrun') overruns++
      this.#tell(change)
    }
  }

  #tell(change: Change): void {
    if (this.#listeners.size === 0) return
    const told = change instanceof Event ? { type: change.type, id: this.#id(change.entry), entry: objectOf(change.entry) as T } : change
    for (const listener of this.#listeners) listener(told)
  }

  #id({ bytes, slots }: TableEntry): number {
    const at = slots[this.#idSlot]
    return at === 0 ? 0 : ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
  }
}
