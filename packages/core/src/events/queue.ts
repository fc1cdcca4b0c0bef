import type { Compact, QueueRecord } from './compaction.ts'
import type { Keys } from './message.ts'

/** Before each message: bytes of the record (a multiple of 8), what it is, and when it was received, in 64 bits. */
const RECORD_HEADER = 16
/** How far before a message the time stands. */
const TIME = 8
const FIRST_CAPACITY = 1 << 16

/** What a record is: a message, or that messages were lost here, or that the table was listed up to here. */
export type Mark = 'message' | 'overrun' | 'listed'
const MARKS: readonly Mark[] = ['message', 'overrun', 'listed']

/** Updates that gave way. */
export interface GaveWay {
  readonly updates: number
  readonly coalesced: number
}

/**
 * Messages between the kernel and whoever consumes them, in one piece of memory that grows up to a limit and is used over and over.
 * Marks stand among them.
 */
export class EventQueue {
  /** The record that `next` has moved to: a message from its header on, if it is one. */
  bytes: Uint8Array = new Uint8Array(FIRST_CAPACITY)
  start = 0
  end = 0
  mark: Mark = 'message'
  /** Overruns that are still to come. */
  overruns = 0
  readonly #limit: number
  readonly #keys: Keys
  readonly #compact: Compact | undefined
  #words = new Int32Array(this.bytes.buffer)
  #times = new BigInt64Array(this.bytes.buffer)
  #read = 0
  #write = 0
  /** What was left by the last time that something gave way. */
  #left = 0
  #gaveWay: GaveWay = { updates: 0, coalesced: 0 }

  /** `limit` is in bytes; `compact` is how it becomes smaller, if it can. */
  constructor(limit: number, keys: Keys, compact: Compact | undefined) {
    this.#limit = limit
    this.#keys = keys
    this.#compact = compact
  }

  /** When the record was received, in nanoseconds since 1970. */
  get time(): bigint {
    return this.#times[(this.start - TIME) >> 3]
  }

  get isEmpty(): boolean {
    return this.#read === this.#write
  }

  /** Whether no more should be pushed until something is consumed. First gives way. */
  isFull(): boolean {
    if (this.#write - this.#read < this.#limit) return false
    // Not again before there is something worth looking for.
    if (this.#compact === undefined || this.#write - this.#read - this.#left < this.#limit / 8) return true
    const { records, updates, coalesced } = this.#compact(this.#records(), this.#keys)
    this.#gaveWay = { updates: this.#gaveWay.updates + updates, coalesced: this.#gaveWay.coalesced + coalesced }
    this.#read = 0
    this.#write = 0
    this.#replace(this.bytes.length)
    for (const { bytes, mark, time } of records) this.bytes.set(bytes, this.#add(bytes.length, mark, time))
    this.#left = this.#write
    return this.#left >= this.#limit
  }

  /** What gave way since this was asked for last; undefined for nothing. */
  takeGaveWay(): GaveWay | undefined {
    const { updates, coalesced } = this.#gaveWay
    if (updates + coalesced === 0) return undefined
    this.#gaveWay = { updates: 0, coalesced: 0 }
    return { updates, coalesced }
  }

  /** Adds a message, whatever the limit is. */
  push(bytes: Uint8Array, start: number, end: number, time: bigint): void {
    const at = this.#add(end - start, 0, time)
    this.bytes.set(bytes.subarray(start, end), at)
  }

  /** Adds a mark. */
  pushMark(mark: Exclude<Mark, 'message'>, time: bigint): void {
    this.#add(0, MARKS.indexOf(mark), time)
    if (mark === 'overrun') this.overruns++
  }

  /** Moves to the next record; false if there is none. What it shows is valid until something is pushed. */
  next(): boolean {
    if (this.#read === this.#write) return false
    const record = this.#read >> 2
    this.start = this.#read + RECORD_HEADER
    this.#read += this.#words[record]
    this.mark = MARKS[this.#words[record + 1]]
    // The record is longer than the message by its padding; nlmsg_len is right.
    this.end = this.mark === 'message' ? this.start + this.#words[this.start >> 2] : this.start
    if (this.mark === 'overrun') this.overruns--
    return true
  }

  #add(length: number, mark: number, time: bigint): number {
    const size = (RECORD_HEADER + length + 7) & ~7
    if (this.#read === this.#write) {
      this.#read = 0
      this.#write = 0
      this.#left = 0
    }
    if (this.#write + size > this.bytes.length) this.#makeRoom(size)
    const start = this.#write
    this.#words[start >> 2] = size
    this.#words[(start >> 2) + 1] = mark
    this.#times[(start >> 3) + 1] = time
    this.#write = start + size
    return start + RECORD_HEADER
  }

  // Moves what is left to the beginning when at least half was read, so that each byte is moved once at most; else doubles.
  #makeRoom(size: number): void {
    const { bytes } = this
    const used = this.#write - this.#read
    if (this.#read >= bytes.length / 2 && used + size <= bytes.length) bytes.copyWithin(0, this.#read, this.#write)
    else {
      this.#replace(Math.max(bytes.length * 2, (used + size) * 2))
      this.bytes.set(bytes.subarray(this.#read, this.#write))
    }
    this.#read = 0
    this.#write = used
  }

  #replace(capacity: number): void {
    const bytes = new Uint8Array(capacity)
    this.bytes = bytes
    this.#words = new Int32Array(bytes.buffer)
    this.#times = new BigInt64Array(bytes.buffer)
  }

  #records(): QueueRecord[] {
    const records: QueueRecord[] = []
    const words = this.#words
    for (let at = this.#read; at < this.#write; at += words[at >> 2]) {
      const mark = words[(at >> 2) + 1]
      const start = at + RECORD_HEADER
      records.push({
        mark,
        time: this.#times[(at >> 3) + 1],
        bytes: this.bytes.subarray(start, mark === 0 ? start + words[start >> 2] : start),
      })
    }
    return records
  }
}
