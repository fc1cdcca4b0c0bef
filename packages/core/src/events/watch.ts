import { objectOf } from '../commands/context.ts'
import { type EventFormatter, type EventReport, eventPrinter, type EventType } from '../schema/event.ts'
import type { Filter } from '../schema/match.ts'
import { Text } from '../schema/text.ts'
import type { ProtocolVariant } from '../tables/protocol.ts'
import type { WatchOptions } from './options.ts'
import type { EventSource } from './source.ts'
import { Event, Watcher } from './watcher.ts'
import { eventProgram } from './program.ts'

/** What has happened to an entry, as an object that lasts; `Key` is `flow` or `expectation`. */
export type EntryEvent<Key extends string, Entry> = {
  readonly type: EventType
  /** Nanoseconds since 1970: the kernel's where it tells (CTA_TIMESTAMP_EVENT), else when we received it. */
  readonly timestamp: bigint
  /** The port id of the netlink socket by which a program made the change; 0 is the kernel itself. */
  readonly portId: number
  /** Whether the kernel's own event was lost, and this one was found by comparing. */
  readonly synthetic: boolean
} & { readonly [K in Key]: Entry }

/** What `print` tells besides what it writes. */
export interface PrintOptions {
  /** Called for each event that is written. */
  readonly onEvent?: () => void
  /** Called with each report, after the events before it were written. */
  readonly onReport?: (report: EventReport) => void
  /** Ends the watch after so many events. */
  readonly limit?: number
}

/** Bytes of text that are collected before a sink gets them, if there is more to tell at once. */
const CHUNK = 65536

/**
 * Events of a table, from the moment on that it was made; it is consumed once, by a loop over it or by `print`, and both end when it
 * is closed or has finished.
 */
export class Watch<T> implements AsyncIterable<T>, Disposable {
  readonly #watcher: Watcher
  readonly #name: string
  readonly #signal: AbortSignal | undefined
  readonly #close = (): void => this.close()
  readonly #onClose: (watch: Disposable) => void

  /** `onClose` is called once. */
  constructor(source: EventSource, options: WatchOptions<Filter>, onClose: (watch: Disposable) => void) {
    this.#watcher = new Watcher(source, eventProgram(source.context, options.filter ?? {}), options)
    this.#name = source.name
    this.#signal = options.signal
    this.#onClose = onClose
    this.#signal?.addEventListener('abort', this.#close, { once: true })
    if (this.#signal?.aborted) this.close()
  }

  /** Bytes that the kernel may use to queue events, as it counts them: twice what it was asked for, or less if it does not give as much. */
  get receiveBuffer(): number {
    return this.#watcher.subscription.receiveBuffer
  }

  /**
   * Whether the namespace makes events at all, as `net.netfilter.nf_conntrack_events` said when the watch began; undefined where that
   * cannot be read. Where it is false, a watch waits for what never comes.
   */
  get hasEvents(): boolean | undefined {
    const { setting } = this.#watcher.subscription
    return setting === undefined ? undefined : setting !== 0
  }

  /** The events as objects that last, and reports. Leaving the loop closes the watch. @throws NetlinkError when the kernel cannot be asked */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for await (const turn of this.#watcher.turns())
        for (const change of turn) yield (change instanceof Event ? this.#object(change) : change) as T
    } finally {
      this.close()
    }
  }

  /**
   * Writes events as text, without making objects of them, until the watch is closed. `sink` gets UTF-8, as a view that is valid until
   * it returns: what there is at once in chunks of 64 KiB, and each event as soon as there is no other.
   *
   * @returns how many events were written
   */
  async print(formatter: EventFormatter<ProtocolVariant>, sink: (chunk: Uint8Array) => void, options: PrintOptions = {}): Promise<number> {
    const { onEvent, onReport, limit = Number.POSITIVE_INFINITY } = options
    const text = new Text(CHUNK * 2)
    const print = eventPrinter(formatter)
    const flush = (): void => {
      if (text.length > 0) sink(text.view())
      text.clear()
    }
    let count = 0
    try {
      text.string(formatter.head ?? '')
      flush()
      for await (const turn of this.#watcher.turns()) {
        for (const change of turn) {
          if (change instanceof Event) {
            count++
            onEvent?.()
            print(change, text)
            if (text.length >= CHUNK) flush()
            if (count >= limit) return count
          } else {
            formatter.report?.(change, text)
            flush()
            onReport?.(change)
          }
        }
        flush()
      }
    } finally {
      this.close()
      text.string(formatter.tail ?? '')
      flush()
    }
    return count
  }

  /** Listens no longer, and ends the watch when all that was received until now has been told, even what the kernel still has queued. */
  finish(): void {
    this.#watcher.finish()
  }

  /** Ends the watch at once. A second time it does nothing. */
  close(): void {
    if (this.#watcher.isClosed) return
    this.#signal?.removeEventListener('abort', this.#close)
    this.#watcher.close()
    this.#onClose(this)
  }

  /** The same as `close`, for `using`. */
  [Symbol.dispose](): void {
    this.close()
  }

  #object({ type, timestamp, portId, synthetic, entry }: Event): object {
    return { type, timestamp, portId, synthetic, [this.#name]: objectOf(entry) }
  }
}
