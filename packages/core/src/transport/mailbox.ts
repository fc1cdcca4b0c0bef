import type { Libc } from './libc.ts'

/** Datagrams that are received with one call. */
const SLOTS = 64
/** Room for each. The longest event, with labels, helper and a security context, has about 1 KiB. */
const SLOT = 8192

// struct mmsghdr { struct msghdr { name, namelen, iov, iovlen, control, controllen, flags }, len }, on 64 bits.
const MMSGHDR = 64
const NAME = 0
const NAMELEN = 8
const IOV = 16
const IOVLEN = 24
const FLAGS = 48
const LENGTH = 56
/** struct iovec { base, len }. */
const IOVEC = 16
/** struct sockaddr_nl. */
const ADDRESS = 12
/** nl_pid in it: 0 is the kernel. */
const ADDRESS_PORT = 4

const VECTOR = 0
const IOVECS = VECTOR + SLOTS * MMSGHDR
const ADDRESSES = IOVECS + SLOTS * IOVEC
const BUFFERS = Math.ceil((ADDRESSES + SLOTS * ADDRESS) / SLOT) * SLOT

const MSG_DONTWAIT = 0x40
/** MSG_TRUNC, in what is told of a datagram: it was longer than its room. */
const MSG_TRUNC = 0x20

/**
 * Receives many datagrams with one call, recvmmsg(2). The structs that point to each other and the datagrams are one piece of memory,
 * which lives as long as this object does: a garbage collector does not see addresses.
 */
export class Mailbox {
  readonly bytes: Uint8Array
  /** The same in 32-bit numbers of the host's order. */
  readonly words: Int32Array
  readonly #libc: Libc
  readonly #vector: Uint8Array

  constructor(libc: Libc) {
    const memory = new ArrayBuffer(BUFFERS + SLOTS * SLOT)
    this.#libc = libc
    this.bytes = new Uint8Array(memory)
    this.words = new Int32Array(memory)
    this.#vector = new Uint8Array(memory, VECTOR, SLOTS * MMSGHDR)
    const base = libc.address(memory)
    const view = new DataView(memory)
    for (let i = 0; i < SLOTS; i++) {
      const header = VECTOR + i * MMSGHDR
      const vector = IOVECS + i * IOVEC
      view.setBigUint64(header + NAME, base + BigInt(ADDRESSES + i * ADDRESS), true)
      view.setUint32(header + NAMELEN, ADDRESS, true)
      view.setBigUint64(header + IOV, base + BigInt(vector), true)
      view.setBigUint64(header + IOVLEN, 1n, true)
      view.setBigUint64(vector, base + BigInt(this.start(i)), true)
      view.setBigUint64(vector + 8, BigInt(SLOT), true)
    }
  }

  /** Receives what is there, up to 64 datagrams, without waiting: their number, or a negative errno. */
  receive(fd: number): number {
    return this.#libc.recvmmsg(fd, this.#vector, SLOTS, MSG_DONTWAIT)
  }

  /** Where a datagram begins. */
  start(slot: number): number {
    return BUFFERS + slot * SLOT
  }

  /** Bytes of a datagram; 0 if it is not the kernel's, since anybody may write to our socket; -1 if it did not fit. */
  size(slot: number): number {
    const { words } = this
    const header = (VECTOR + slot * MMSGHDR) >> 2
    if (words[(ADDRESSES + slot * ADDRESS + ADDRESS_PORT) >> 2] !== 0) return 0
    return words[header + (FLAGS >> 2)] & MSG_TRUNC ? -1 : words[header + (LENGTH >> 2)]
  }
}
