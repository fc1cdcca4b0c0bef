import { familyNumber, matcherOf, newEntry, type TableEntry } from '../commands/context.ts'
import { Listing } from '../commands/listing.ts'
import type { Dropped, EventReport, EventType, EventView, Overrun } from '../schema/event.ts'
import type { Filter } from '../schema/match.ts'
import { u64 } from '../schema/kinds.ts'
import type { ProtocolVariant } from '../tables/protocol.ts'
import { now } from '../transport/clock.ts'
import { HEADER_LENGTH, NLM_F_DUMP } from '../transport/message.ts'
import type { Subscription } from '../transport/subscription.ts'
import { coalesce, dropUpdates } from './compaction.ts'
import { eventType, MessageView } from './message.ts'
import { EVENT_TYPES, QUEUE, RECEIVE_BUFFER, type WatchOptions } from './options.ts'
import { EventQueue } from './queue.ts'
import type { EventSource } from './source.ts'
import { Tracker } from './tracker.ts'

/** Changes after which others get a turn, when there is no end of them. */
const TURN = 4096
/** Messages that are read from the kernel before the queue is looked at again. */
const BATCH = 256
/** Entries that are listed before the kernel's queue is emptied again. */
const LISTED = 1024
/** How often a listing is begun again when the table was rebuilt meanwhile. */
const LISTINGS = 3
/** Entries that a watch gets to know before it looks again whether there are as many. */
const FORGET_FROM = 8192

const COMPACTIONS = { block: undefined, 'drop updates': dropUpdates, coalesce } as const

/** What a watch gives: an event as a view, or a report. */
export type Change = Event | EventReport

/** An event as a view; one object serves for all events in turn. */
export class Event implements EventView<ProtocolVariant> {
  type: EventType = 'new'
  entry: TableEntry
  portId = 0
  synthetic = false
  /** When it was received. */
  received = 0n
  readonly #timestamp: number

  constructor(entry: TableEntry) {
    this.entry = entry
    this.#timestamp = entry.shape.fields.get('eventTimestamp')?.places[0].slot ?? 0
  }

  get timestamp(): bigint {
    const { bytes, slots } = this.entry
    const at = this.synthetic ? 0 : slots[this.#timestamp]
    return at === 0 ? this.received : u64.read(bytes, at, 8)
  }

  set(type: EventType, entry: TableEntry, portId: number, synthetic: boolean, received: bigint): this {
    this.type = type
    this.entry = entry
    this.portId = portId
    this.synthetic = synthetic
    this.received = received
    return this
  }
}

/**
 * The events of a table, one after the other. `next` does not wait: the kernel's queue is emptied into ours, and it gives what is
 * there; `turns` waits in between. After a loss the table is listed and compared with what was told; events of the time of the listing are told first, and what
 * they do not explain then follows as synthetic events.
 */
export class Watcher {
  readonly subscription: Subscription
  /** What was told, where that is kept. */
  readonly tracker: Tracker | undefined
  readonly #source: EventSource
  readonly #queue: EventQueue
  readonly #types: ReadonlySet<EventType>
  readonly #family: number
  readonly #matches: (entry: TableEntry) => boolean
  readonly #message = new MessageView()
  readonly #entry: TableEntry
  readonly #event: Event
  readonly #changes: Iterator<Change | undefined, void>
  /** When the queue was empty last. */
  #since: bigint
  #lost = 0
  /** Losses by the overrun marks in the queue. */
  readonly #overruns: Overrun[] = []
  /** Whether the table was listed and its mark is not in the queue yet. */
  #isListed = false
  #forgetAt = FORGET_FROM
  #isClosed = false
  /** Whether nothing is to come but what was received already. */
  #isFinishing = false
  /** Whether there was nothing left at the end of a turn. */
  #isIdle = false

  constructor(source: EventSource, program: Uint8Array | undefined, options: WatchOptions<Filter>) {
    const { events = EVENT_TYPES, filter = {}, onFull = 'block', resync = true } = options
    const { context, subscribe, groups, keys } = source
    this.#source = source
    this.#types = new Set(events)
    this.#family = familyNumber(filter.family)
    this.#matches = matcherOf(context, filter)
    this.#entry = newEntry(context)
    this.#event = new Event(this.#entry)
    this.#queue = new EventQueue(options.queue ?? QUEUE, keys, COMPACTIONS[onFull])
    this.subscription = subscribe({
      groups: EVENT_TYPES.filter((type) => this.#types.has(type)).map((type) => groups[type]),
      receiveBuffer: options.receiveBuffer ?? RECEIVE_BUFFER,
      filter: program,
      reliable: options.reliable ?? false,
    })
    this.#since = now()
    this.tracker = resync ? new Tracker(source) : undefined
    try {
      this.#list(true)
    } catch (error) {
      this.subscription.close()
      throw error
    }
    this.#changes = this.#run()
  }

  /** The next event or report, valid until the next call; undefined when there is none and one has to wait. */
  next(): Change | undefined {
    return this.#changes.next().value ?? undefined
  }

  /** Whether nothing is told any more. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /**
   * All that happens until this is closed, or has finished: in turns of what there is, which are iterated at once. In between it waits,
   * or lets timers, signals and other descriptors have their turn: promises alone would keep them waiting.
   */
  async *turns(): AsyncGenerator<Iterable<Change>, void, undefined> {
    while (!this.#isClosed) {
      yield this.#turn()
      if (!this.#isIdle) await othersTurn()
      else if (this.#isFinishing) return
      else await this.subscription.readable()
    }
  }

  *#turn(): Generator<Change, void, undefined> {
    for (let i = 0; i < TURN && !this.#isClosed; i++) {
      const change = this.next()
      this.#isIdle = change === undefined
      if (change === undefined) return
      yield change
    }
  }

  /** Compares the table with what was told, as after an overrun. */
  compare(): void {
    this.#list(false)
  }

  *#run(): Generator<Change | undefined, void, undefined> {
    const queue = this.#queue
    const { tracker } = this
    for (;;) {
      for (let i = 0; i < BATCH && queue.next(); i++) {
        if (queue.mark === 'listed') {
          // What a later listing has found can be told by events that are not in the queue yet.
          if (!this.#isListed) yield* this.#missing()
        } else if (queue.mark === 'overrun') yield this.#overrun()
        else if (this.#load()) {
          const message = this.#message
          const type = eventType(message.bytes, message.start)
          const slot = tracker?.find(message) ?? -1
          if (tracker?.isUntold(slot) && type !== 'new') {
            const untold = this.#untold(tracker, slot)
            if (untold !== undefined) yield untold
          }
          tracker?.note(type, message, slot)
          yield this.#event.set(type, this.#entry, message.portId, false, queue.time)
        }
      }
      if (tracker !== undefined && tracker.store.size > this.#forgetAt) this.#forget()
      this.#fill()
      const dropped = queue.takeGaveWay()
      if (dropped !== undefined) yield this.#dropped(dropped)
      if (queue.isEmpty) yield undefined
    }
  }

  // Empties the kernel's queue into ours, as far as there is room.
  #fill(): void {
    const { subscription } = this
    const queue = this.#queue
    const time = now()
    const push = (bytes: Uint8Array, start: number, end: number): void => queue.push(bytes, start, end, time)
    while (!queue.isFull()) {
      if (!subscription.receive(push, BATCH)) continue
      const { times, messages } = subscription.losses
      if (messages !== this.#lost) {
        const lost = messages - this.#lost
        this.#overruns.push({ type: 'overrun', timestamp: time, since: this.#since, lost, times })
        this.#lost = messages
        queue.pushMark('overrun', time)
      }
      if (this.#isListed) queue.pushMark('listed', time)
      this.#isListed = false
      this.#since = time
      return
    }
  }

  /** Looks at the message in the queue: whether it is wanted. */
  #load(): boolean {
    const { bytes, start, end } = this.#queue
    return this.#matches(this.#entry.load(this.#message.load(bytes, start, end)))
  }

  /** The creation of an entry, which has to be told before what the message tells, if anything of creations is. */
  #untold(tracker: Tracker, slot: number): Event | undefined {
    tracker.told(slot)
    return this.#types.has('new') ? this.#event.set('new', tracker.known(slot), 0, true, this.#queue.time) : undefined
  }

  #overrun(): Overrun {
    const overrun = this.#overruns.shift() as Overrun
    // A later overrun will list the table anyway.
    if (this.tracker !== undefined && this.#queue.overruns === 0) this.#list(false)
    return overrun
  }

  // Lists the table, while the kernel's queue is emptied now and then. With `silently`, what is missing counts as told.
  #list(silently: boolean): void {
    const { tracker } = this
    if (tracker === undefined) return
    const { context, list } = this.#source
    const request = { ...list, flags: NLM_F_DUMP, family: this.#family }
    for (let attempt = 1; ; attempt++) {
      const listing = new Listing(context, request, () => true)
      let count = 0
      const view = new MessageView()
      listing.forEach((entry) => {
        const { bytes, at, end } = entry.message
        tracker.list(entry, view.load(bytes, at - HEADER_LENGTH, end), this.#matches(entry), silently)
        if (++count % LISTED === 0) this.#fill()
      })
      if (!listing.interrupted || attempt === LISTINGS) break
    }
    tracker.listed(silently)
    if (!silently) this.#isListed = true
  }

  // Without being told which entries have gone, one would know more and more: many more than there are.
  #forget(): void {
    const known = this.tracker?.store.size ?? 0
    const count = this.#types.has('destroy') ? known : (this.#source.count?.() ?? 0)
    if (known > count * 2 + FORGET_FROM - 1 && !this.#isListed) this.#list(true)
    this.#forgetAt = (this.tracker?.store.size ?? 0) + FORGET_FROM
  }

  *#missing(): Generator<Change, void, undefined> {
    const counts = { new: 0, update: 0, destroy: 0 }
    const received = now()
    const { tracker } = this
    if (tracker === undefined) return
    for (const { type, slot } of tracker.missing()) {
      if (!this.#types.has(type)) continue
      const entry = tracker.known(slot)
      if (type === 'update' && !this.#matches(entry)) continue
      counts[type]++
      yield this.#event.set(type, entry, 0, true, received)
    }
    yield { type: 'resynced', timestamp: now(), ...counts }
  }

  #dropped(gaveWay: { readonly updates: number; readonly coalesced: number }): Dropped {
    return { type: 'dropped', timestamp: now(), since: this.#since, ...gaveWay }
  }

  /** Lets the kernel queue no more; `turns` ends when all that is queued was told. */
  finish(): void {
    if (this.#isClosed || this.#isFinishing) return
    this.#isFinishing = true
    this.subscription.leave()
  }

  close(): void {
    this.#isClosed = true
    this.subscription.close()
  }
}

function othersTurn(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0)
  })
}
