import { align, HEADER_LENGTH, header, NLM_F_ACK, NLM_F_REQUEST } from './message.ts'
import type { Request } from './request.ts'
import type { NetlinkSocket } from './socket.ts'

/** The kernel fills at most 32 KiB of it for a dump (netlink_recvmsg). */
const RECEIVE_BUFFER = 65536

/** A socket with what a conversation over it reuses: its two buffers and the count of requests. */
export class Connection {
  readonly socket: NetlinkSocket
  /** The last datagram received, and the same as 32-bit numbers in the host's order. */
  readonly bytes: Uint8Array = new Uint8Array(RECEIVE_BUFFER)
  readonly words: Int32Array
  /** nlmsg_seq of the last request, 1 and up. */
  sequence = 0
  #out: Uint8Array = new Uint8Array(512)

  constructor(socket: NetlinkSocket) {
    this.socket = socket
    this.words = new Int32Array(this.bytes.buffer)
  }

  /**
   * Sends a request under a new sequence number, to be acknowledged. The kernel takes no notice of that in a dump, which has an end;
   * but a message that it does not dump, though it was asked to, would have none without.
   *
   * @throws NetlinkError when it cannot be sent.
   */
  send({ type, flags, family, version, resource, body }: Request): void {
    const length = HEADER_LENGTH + (body?.length ?? 0)
    if (length > this.#out.length) this.#out = new Uint8Array(align(length * 2))
    this.sequence = nextSequence(this.sequence)
    header(this.#out, 0, length, { type, flags: flags | NLM_F_REQUEST | NLM_F_ACK, sequence: this.sequence, family, version, resource })
    if (body !== undefined) this.#out.set(body, HEADER_LENGTH)
    this.socket.send(this.#out.subarray(0, length))
  }

  /** Waits for a datagram and gives its length in bytes. */
  receive(): number {
    return this.socket.receive(this.bytes)
  }
}

/** The sequence number after this one: a u32 that skips 0, which is what messages have that answer nothing. */
export function nextSequence(sequence: number): number {
  return (sequence + 1) >>> 0 || 1
}
