import type { NetlinkError } from '../errors.ts'
import type { Message } from '../schema/entry.ts'

/** How far a command on many entries has come. */
export interface Progress {
  /** Requests that the kernel has answered for. */
  readonly settled: number
  /** Those of them that were done. */
  readonly done: number
}

/** One request that the kernel refused. */
export interface Refusal<T = unknown> {
  /** Which one, from 0, in the order in which they were given or listed. */
  readonly index: number
  /** What the kernel said. */
  readonly error: NetlinkError
  /** The flow or the expectation that it was about. */
  readonly entry: T
}

/** What became of many requests. Nothing is thrown for one that is refused: the others go on. */
export interface Outcome<T = unknown> {
  /** Entries that had gone before it was their turn (ENOENT), which is no error. */
  readonly gone: number
  /** How many were refused, by the kernel's code: `{ EEXIST: 3 }`. */
  readonly refused: Readonly<Record<string, number>>
  /** The first few refusals. */
  readonly refusals: readonly Refusal<T>[]
}

/** How many refusals are told one by one. */
const TOLD = 10

/** Requests between two calls of `onProgress`. */
const STEP = 1024

/** Sums what becomes of many requests. */
export class Tally {
  done = 0
  gone = 0
  settled = 0
  readonly refused: Record<string, number> = {}
  readonly refusals: Refusal[] = []
  readonly #isRace: boolean
  readonly #onProgress: ((progress: Progress) => void) | undefined

  /** `isRace`: the entries were listed before, so that ENOENT means that one has gone meanwhile. */
  constructor(isRace: boolean, onProgress?: (progress: Progress) => void) {
    this.#isRace = isRace
    this.#onProgress = onProgress
  }

  /** Counts one request, and tells whether it was done. `entry` says what it was about. */
  count(index: number, error: NetlinkError | undefined, entry: () => unknown): boolean {
    this.settled++
    if (error === undefined) this.done++
    else this.#refuse(index, error, entry)
    if (this.settled % STEP === 0) this.#onProgress?.({ settled: this.settled, done: this.done })
    return error === undefined
  }

  /** Counts an entry that would be changed, and is not. */
  pretend<E>(entry: E, onEntry?: (entry: E) => void): void {
    this.done++
    onEntry?.(entry)
  }

  #refuse(index: number, error: NetlinkError, entry: () => unknown): void {
    if (this.#isRace && error.code === 'ENOENT') {
      this.gone++
      return
    }
    this.refused[error.code] = (this.refused[error.code] ?? 0) + 1
    if (this.refusals.length < TOLD) this.refusals.push({ index, error, entry: entry() })
  }

  /** What is told at the end. */
  outcome(): Outcome {
    const { gone, refused, refusals } = this
    this.#onProgress?.({ settled: this.settled, done: this.done })
    return { gone, refused, refusals }
  }
}

/** Throws the first refusal, for commands that promise that all goes well. */
export function assertDone({ refusals: [first] }: Outcome): void {
  if (first !== undefined) throw first.error
}

/** Things in the order in which they came. What was taken is let go of, even if it is never empty. */
export class Fifo<T> {
  #incoming: T[] = []
  #outgoing: T[] = []
  #next = 0

  push(item: T): void {
    this.#incoming.push(item)
  }

  /** The oldest one. There must be one. */
  shift(): T {
    if (this.#next === this.#outgoing.length) {
      this.#outgoing = this.#incoming
      this.#incoming = []
      this.#next = 0
    }
    return this.#outgoing[this.#next++]
  }
}

/** Bytes of messages that are kept together. */
const BLOCK = 65536

/** Messages that are copied out of the receive buffer and taken back in the same order. */
export class Queue {
  readonly #messages = new Fifo<Message>()
  /** Where messages are put, from `#length` on, and where the one is that was taken last. */
  #block: Uint8Array = new Uint8Array(BLOCK)
  #length = 0
  #oldest = this.#block
  readonly #spare: Uint8Array[] = []

  push({ bytes, at, end, type, flags, family, portId }: Message): void {
    const size = end - at
    if (this.#length + size > this.#block.length) {
      this.#block = size > BLOCK ? new Uint8Array(size) : (this.#spare.pop() ?? new Uint8Array(BLOCK))
      this.#length = 0
    }
    const start = this.#length
    this.#block.set(bytes.subarray(at, end), start)
    this.#length += size
    this.#messages.push({ bytes: this.#block, at: start, end: start + size, type, flags, family, portId })
  }

  /** The oldest one, valid until the next is taken. There must be one. */
  shift(): Message {
    const message = this.#messages.shift()
    if (message.bytes !== this.#oldest) {
      if (this.#oldest.length === BLOCK) this.#spare.push(this.#oldest)
      this.#oldest = message.bytes
    }
    return message
  }
}
