import { MalformedMessageError, NetlinkError } from '../errors.ts'
import { verdict } from './ack.ts'
import type { Connection } from './connection.ts'
import { align, HEADER_LENGTH, messageEnd, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, NLMSG_MIN_TYPE, NLMSG_OVERRUN } from './message.ts'
import type { Replies } from './request.ts'

const ENOBUFS = 105

/** A dump of more datagrams may be a long one, worth a thread: so many hold 70,000 flows. */
const MANY_DATAGRAMS = 512

/**
 * The cursor behind `Replies`. A list can have a million messages, so `next()` makes no object, looks at a header as
 * 32-bit numbers, and leaves to the getters what not everyone asks for.
 */
export class Conversation implements Replies {
  readonly bytes: Uint8Array
  at = HEADER_LENGTH
  end = HEADER_LENGTH
  interrupted = false
  readonly #connection: Connection
  readonly #words: Int32Array
  readonly #sequence: number
  readonly #command: string
  readonly #finish: (connection: Connection, clean: boolean) => void
  #over = false
  #datagrams = 0
  #position = 0
  #size = 0

  /** `finish` is called once, when the conversation is over; clean means that nothing more will come for it. */
  constructor(connection: Connection, command: string, finish: (connection: Connection, clean: boolean) => void) {
    this.bytes = connection.bytes
    this.#connection = connection
    this.#words = connection.words
    this.#sequence = connection.sequence | 0
    this.#command = command
    this.#finish = finish
  }

  get type(): number {
    return this.#words[(this.at >> 2) - 4] & 0xffff
  }

  get flags(): number {
    return this.#words[(this.at >> 2) - 4] >>> 16
  }

  get portId(): number {
    return this.#words[(this.at >> 2) - 2] >>> 0
  }

  get family(): number {
    return this.bytes[this.at - 4]
  }

  get version(): number {
    return this.bytes[this.at - 3]
  }

  get resource(): number {
    return (this.bytes[this.at - 2] << 8) | this.bytes[this.at - 1]
  }

  next(): boolean {
    if (this.#over) return false
    try {
      return this.#advance()
    } catch (error) {
      // Unless the kernel's verdict was the error, more may be under way, and the socket is of no use any more.
      this.#leave(false)
      throw error
    }
  }

  close(): void {
    // Closing the socket ends a dump; reading it to the end could take seconds.
    this.#leave(false)
  }

  #advance(): boolean {
    const words = this.#words
    for (;;) {
      const start = this.#position
      if (start >= this.#size) {
        if (++this.#datagrams > MANY_DATAGRAMS) this.#connection.socket.receiveAhead?.()
        this.#size = this.#connection.receive()
        this.#position = 0
        continue
      }
      const end = messageEnd(words, start, this.#size)
      this.#position = align(end)
      const word = start >> 2
      const kind = words[word + 1]
      const type = kind & 0xffff
      if (type === NLMSG_OVERRUN) throw new NetlinkError(this.#command, ENOBUFS, { detail: 'NLMSG_OVERRUN' })
      if (words[word + 2] !== this.#sequence) continue
      if ((kind >>> 16) & NLM_F_DUMP_INTR) this.interrupted = true
      if (type < NLMSG_MIN_TYPE) {
        if (type !== NLMSG_ERROR && type !== NLMSG_DONE) continue
        this.#leave(true)
        const error = verdict(this.bytes, start, end, this.#command)
        if (error !== undefined) throw error
        return false
      }
      if (end - start < HEADER_LENGTH) throw new MalformedMessageError(`a message of nfnetlink of ${end - start} bytes`, start)
      this.at = start + HEADER_LENGTH
      this.end = end
      return true
    }
  }

  #leave(clean: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#finish(this.#connection, clean)
  }
}
