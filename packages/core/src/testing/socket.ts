import { NetlinkError } from '../errors.ts'
import type { NetlinkSocket, SocketBuffers } from '../transport/socket.ts'
import type { Faults } from './faults.ts'
import { requestsIn, serve } from './serve.ts'
import type { World } from './world.ts'

/** Datagrams that are to be received: the next one is made as the one before it is taken, as the kernel does it. */
interface Waiting {
  readonly isDump: boolean
  readonly rest: Iterator<Uint8Array>
  next: IteratorResult<Uint8Array>
}

const EMSGSIZE = 90
/** net.core.wmem_default, and what the SDK asks for. */
const BUFFERS: SocketBuffers = { send: 212_992, receive: 4_194_304 }
/** What of it a datagram cannot use (netlink_sendmsg). */
const SEND_OVERHEAD = 32

/** A socket to a kernel in memory. */
export class KernelSocket implements NetlinkSocket {
  readonly portId: number
  readonly #world: World
  readonly #faults: Faults
  readonly #waiting: Waiting[] = []
  #isClosed = false

  constructor(world: World, faults: Faults, portId: number) {
    this.#world = world
    this.#faults = faults
    this.portId = portId
  }

  send(bytes: Uint8Array): void {
    this.#assertOpen()
    if (bytes.length > BUFFERS.send - SEND_OVERHEAD) throw new NetlinkError('send', EMSGSIZE)
    const requests = requestsIn(bytes, this.portId)
    // Who may not is told so once, and nothing of the datagram is done (nfnetlink_rcv).
    if (!this.#world.settings.privileged) requests.length = Math.min(requests.length, 1)
    for (const request of requests) {
      const isDumping = this.#waiting.some(({ isDump }) => isDump)
      const { isDump, datagrams } = serve(this.#world, this.#faults, request, isDumping)
      const rest = datagrams[Symbol.iterator]()
      const next = rest.next()
      if (!next.done) this.#waiting.push({ isDump, rest, next })
    }
  }

  receive(into: Uint8Array): number {
    this.#assertOpen()
    const [first] = this.#waiting
    if (first === undefined) throw new Error('the kernel has nothing more to say: a real one would let us wait for ever')
    const { value } = first.next
    if (value.length > into.length) throw new NetlinkError('recvfrom', EMSGSIZE, { detail: `a datagram of ${value.length} bytes` })
    into.set(value)
    first.next = first.rest.next()
    if (first.next.done) this.#waiting.shift()
    return value.length
  }

  buffers(): SocketBuffers {
    this.#assertOpen()
    return BUFFERS
  }

  close(): void {
    this.#isClosed = true
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Error('this netlink socket is closed')
  }
}
