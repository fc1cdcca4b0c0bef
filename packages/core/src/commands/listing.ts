import { DumpInterruptedError, NetlinkError } from '../errors.ts'
import { type Formatter, printer } from '../schema/entry.ts'
import { Text } from '../schema/text.ts'
import type { ProtocolVariant } from '../tables/protocol.ts'
import type { Replies, Request } from '../transport/request.ts'
import { newEntry, objectOf, type TableContext, type TableEntry } from './context.ts'
import { atOnce, STEP, type Steps } from './steps.ts'

/** Bytes of text that are collected before a sink gets them. */
const CHUNK = 65536

/**
 * The entries, flows or expectations, that answer a question, read from the kernel as they are consumed: memory does not grow with their number.
 * Each iteration, `print` or `forEach` asks anew.
 */
export class Listing<T> implements Iterable<T> {
  /** Whether the table changed while it was listed (NLM_F_DUMP_INTR), so that entries may be missing or come twice. Known at the end. */
  interrupted = false
  readonly #context: TableContext
  readonly #request: Request
  readonly #matches: (entry: TableEntry) => boolean
  readonly #consistent: boolean

  constructor(context: TableContext, request: Request, matches: (entry: TableEntry) => boolean, consistent = false) {
    this.#context = context
    this.#request = request
    this.#matches = matches
    this.#consistent = consistent
  }

  /** The entries, one after the other, as objects that last. Leaving the loop early ends the conversation. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    const entry = newEntry(this.#context)
    const replies = this.#ask()
    try {
      while (replies.next()) if (this.#matches(entry.load(replies))) yield objectOf(entry) as T
      this.#end(replies)
    } finally {
      replies.close()
    }
  }

  /** Calls `visit` with a view of each entry, which is valid until `visit` returns, and tells how many there were. */
  forEach(visit: (entry: TableEntry) => void): number {
    return atOnce(this.forEachInSteps(visit))
  }

  /** `forEach`, in steps. */
  *forEachInSteps(visit: (entry: TableEntry) => void): Steps<number> {
    const entry = newEntry(this.#context)
    const replies = this.#ask()
    let count = 0
    // A function of its own, since what a generator does itself costs more.
    const step = (): boolean => {
      for (let i = 0; i < STEP; i++) {
        if (!replies.next()) return false
        if (!this.#matches(entry.load(replies))) continue
        count++
        visit(entry)
      }
      return true
    }
    try {
      while (step()) yield
      this.#end(replies)
    } finally {
      replies.close()
    }
    return count
  }

  /**
   * Writes each entry as text without making an object of it. `sink` gets UTF-8 in chunks of 64 KiB and more, as a view that is
   * valid until it returns.
   * @returns how many were written
   */
  print(formatter: Formatter<ProtocolVariant>, sink: (chunk: Uint8Array) => void): number {
    return atOnce(this.printInSteps(formatter, sink))
  }

  /** `print`, in steps. A list that is left early ends with an entry, without the format's last words. */
  *printInSteps(formatter: Formatter<ProtocolVariant>, sink: (chunk: Uint8Array) => void): Steps<number> {
    const text = new Text(CHUNK * 2)
    const print = printer(formatter)
    text.string(formatter.head ?? '')
    const count = yield* this.forEachInSteps((entry) => {
      print(entry, text)
      if (text.length < CHUNK) return
      sink(text.view())
      text.clear()
    })
    text.string(formatter.tail ?? '')
    if (text.length > 0) sink(text.view())
    return count
  }

  #ask(): Replies {
    return this.#context.requests.ask(this.#request)
  }

  #end({ interrupted }: Replies): void {
    this.interrupted = interrupted
    if (interrupted && this.#consistent) throw new DumpInterruptedError()
  }
}

/** The first entry of a listing, or undefined where the kernel says that there is none (ENOENT). */
export function firstOf<T>(listing: Listing<T>): T | undefined {
  let first: T | undefined
  try {
    // To the end, which is near, so that the socket can be used again.
    for (const entry of listing) first ??= entry
  } catch (error) {
    if (!(error instanceof NetlinkError && error.code === 'ENOENT')) throw error
  }
  return first
}
