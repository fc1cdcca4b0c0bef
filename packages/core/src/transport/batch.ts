import { MalformedMessageError, type NetlinkError } from '../errors.ts'
import { verdict } from './ack.ts'
import { type Connection, nextSequence } from './connection.ts'
import { align, HEADER_LENGTH, header, messageEnd, NLM_F_ACK, NLM_F_REQUEST, NLMSG_ERROR, NLMSG_MIN_TYPE } from './message.ts'
import type { Replies, Request } from './request.ts'

/** What is told of the requests of a batch. */
export interface BatchObserver {
  /**
   * Called once for each request, in the order in which they were added: with the kernel's error, or without when it said yes.
   * `index` counts from 0.
   */
  settled(index: number, error: NetlinkError | undefined): void
  /** Called for each message that answers a request, before it is settled. What it shows is valid until it returns. */
  reply?(index: number, message: BatchReply): void
}

/** A message that answers a request of a batch. */
export type BatchReply = Pick<Replies, 'bytes' | 'at' | 'end' | 'type' | 'flags' | 'family' | 'portId'>

/** Bytes in one send at most. More costs memory and saves nothing: a system call is a thousandth of what the kernel does with it. */
const SEND = 131072
/** What of SO_SNDBUF a datagram cannot use (netlink_sendmsg). */
const SEND_OVERHEAD = 32
/** What the kernel charges a socket for an error that was not received yet: the message, and its own sk_buff and skb_shared_info. */
const ERROR_CHARGE = 1280
/** The same for any other answer, for which ctnetlink takes a page. */
const REPLY_CHARGE = 8192

/** A batch that has sent so many datagrams, some 60,000 requests, may be a long one: it is worth a thread. */
const MANY_SENDS = 64

/** The last sequence number after which a datagram's requests are sure to have numbers before the count starts again. */
const LAST_FIRST = 0xffff0000

const EPERM = 1

/**
 * Many requests in few datagrams. The kernel works through a datagram while it is sent, and answers errors alone, and the last
 * request. A datagram is as long as the socket's buffers bear it: were an answer lost, nobody would know what became of a request.
 */
export class Batch {
  readonly #connection: Connection
  readonly #observer: BatchObserver
  readonly #finish: (connection: Connection, clean: boolean) => void
  /** How many bytes one send may have, and how many bytes of answers may wait. */
  readonly #room: { readonly send: number; readonly receive: number }
  #out: Uint8Array = new Uint8Array(4096)
  #length = 0
  /** Where the last request begins. */
  #last = 0
  /** The requests in `#out`. */
  #waiting: Datagram = { first: 0, index: 0, commands: [], charge: 0 }
  /** Those that are being sent on another thread. */
  #underway: Datagram | undefined
  #sends = 0
  #over = false

  /** `finish` is called once, when the batch is over; clean means that nothing more will come for it. */
  constructor(connection: Connection, observer: BatchObserver, finish: (connection: Connection, clean: boolean) => void) {
    const { send, receive } = connection.socket.buffers()
    this.#connection = connection
    this.#observer = observer
    this.#finish = finish
    this.#room = { send: Math.min(SEND, send - SEND_OVERHEAD), receive }
  }

  /**
   * Adds a request, whose body is copied. Requests that were added before may be sent by this, and are settled then.
   *
   * @throws NetlinkError when it cannot be sent, or answers were lost. Then it is over, and what is not settled may have been done or not.
   */
  add({ type, flags, family, version, resource, body, command }: Request): void {
    if (this.#over) throw new Error('this batch is over')
    const length = HEADER_LENGTH + (body?.length ?? 0)
    const charge = this.#observer.reply === undefined ? ERROR_CHARGE : REPLY_CHARGE
    if (this.#length + length > this.#room.send || this.#waiting.charge + charge > this.#room.receive) this.#send()
    if (this.#length + length > this.#out.length) this.#grow(this.#length + length)
    const connection = this.#connection
    // Within one datagram the numbers are without a gap.
    const waiting = this.#waiting
    const { commands } = waiting
    if (commands.length === 0 && connection.sequence > LAST_FIRST) connection.sequence = 0
    connection.sequence = nextSequence(connection.sequence)
    if (commands.length === 0) waiting.first = connection.sequence
    header(this.#out, this.#length, length, {
      type,
      flags: flags | NLM_F_REQUEST,
      sequence: connection.sequence,
      family,
      version,
      resource,
    })
    if (body !== undefined) this.#out.set(body, this.#length + HEADER_LENGTH)
    this.#last = this.#length
    this.#length = align(this.#length + length)
    waiting.charge += charge
    commands.push(command)
  }

  /** Sends what is left, waits until all is settled, and ends. @throws NetlinkError as `add` does */
  end(): void {
    if (this.#over) return
    this.#send()
    this.#orLeave(() => this.#settle(this.#sent()))
    this.#leave(true)
  }

  /** Ends without sending what is left: what was sent is settled. After the end it does nothing. @throws NetlinkError as `add` does */
  close(): void {
    if (this.#over) return
    this.#orLeave(() => this.#settle(this.#sent()))
    this.#leave(false)
  }

  #grow(length: number): void {
    const larger = new Uint8Array(length * 2)
    larger.set(this.#out.subarray(0, this.#length))
    this.#out = larger
  }

  /** Sends what was added. On another thread, where there is one: meanwhile what was sent before is settled, and more is added. */
  #send(): void {
    const waiting = this.#waiting
    if (waiting.commands.length === 0) return
    this.#orLeave(() => {
      const { socket } = this.#connection
      const before = this.#sent()
      // The answers to both have to find room.
      const isRoom = before === undefined || before.charge + waiting.charge <= this.#room.receive
      if (!isRoom) this.#settle(before)
      const bytes = this.#out.subarray(0, this.#length)
      bytes[this.#last + 6] |= NLM_F_ACK
      const isAside = ++this.#sends > MANY_SENDS && socket.sendAside?.(bytes) === true
      if (isAside) this.#underway = waiting
      else socket.send(bytes)
      this.#waiting = { first: 0, index: waiting.index + waiting.commands.length, commands: [], charge: 0 }
      this.#length = 0
      if (isRoom) this.#settle(before)
      if (!isAside) this.#settle(waiting)
    })
  }

  /** What was being sent on another thread, once it is. */
  #sent(): Datagram | undefined {
    const underway = this.#underway
    this.#underway = undefined
    if (underway !== undefined) this.#connection.socket.sent?.()
    return underway
  }

  /** Receives until the last request of a datagram that was sent is answered for. */
  #settle(datagram: Datagram | undefined): void {
    if (datagram === undefined) return
    const { first, index, commands } = datagram
    const { bytes, words } = this.#connection
    const count = commands.length
    let settled = 0
    while (settled < count) {
      const size = this.#connection.receive()
      for (let start = 0, end = 0; start < size; start = align(end)) {
        end = messageEnd(words, start, size)
        const word = start >> 2
        const position = ((words[word + 2] >>> 0) - first) >>> 0
        if (position < settled || position >= count) continue
        const type = words[word + 1] & 0xffff
        if (type >= NLMSG_MIN_TYPE) {
          if (end - start < HEADER_LENGTH) throw new MalformedMessageError(`a message of nfnetlink of ${end - start} bytes`, start)
          for (; settled < position; settled++) this.#observer.settled(index + settled, undefined)
          this.#observer.reply?.(index + position, replyAt(bytes, words, start, end))
          continue
        }
        if (type !== NLMSG_ERROR) continue
        const error = verdict(bytes, start, end, commands[position])
        // Who may not change tables is told so once, by the first message of a datagram, and nothing of it is done (nfnetlink_rcv).
        if (error?.errno === EPERM && position === 0) throw error
        for (; settled < position; settled++) this.#observer.settled(index + settled, undefined)
        this.#observer.settled(index + settled++, error)
      }
    }
  }

  /** After an error the socket is of no use any more: what was sent may have been done or not. */
  #orLeave(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#leave(false)
      throw error
    }
  }

  #leave(clean: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#finish(this.#connection, clean)
  }
}

/** Requests of one datagram. */
interface Datagram {
  /** Sequence number of the first, and its index. */
  first: number
  readonly index: number
  /** The requests' names. */
  readonly commands: string[]
  /** What the answers may take of the socket's room. */
  charge: number
}

function replyAt(bytes: Uint8Array, words: Int32Array, start: number, end: number): BatchReply {
  const kind = words[(start >> 2) + 1]
  const at = start + HEADER_LENGTH
  return { bytes, at, end, type: kind & 0xffff, flags: kind >>> 16, family: bytes[at - 4], portId: words[(start >> 2) + 3] >>> 0 }
}
