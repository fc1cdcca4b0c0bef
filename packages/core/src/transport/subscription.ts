import { libc as systemLibc } from '#libc'
import { NetlinkError } from '../errors.ts'
import type { Libc } from './libc.ts'
import { align, HEADER_LENGTH, messageEnd, NLMSG_MIN_TYPE } from './message.ts'
import { Mailbox } from './mailbox.ts'
import { type Poller, sharedPoller } from './poller.ts'
import { openDescriptor, type SocketOptions } from './socket.ts'
import { networkSetting } from './sysctl.ts'

/** How often, and how many messages, the kernel had no room for. */
export interface Losses {
  /** Times that the queue was full, each for as long as it took us to empty it. */
  readonly times: number
  /** Messages that were not queued; at least as many as `times` where the kernel does not count. */
  readonly messages: number
}

/** Looks at a message of nfnetlink: it is in `bytes` from its header at `start` to `end`, and valid until this returns. */
export type Visit = (bytes: Uint8Array, start: number, end: number) => void

/** A socket that multicast messages come to. */
export interface Subscription extends Disposable {
  /** The kernel's number for this socket (nl_pid). */
  readonly portId: number
  /** Bytes that the kernel may use to queue messages, as it counts them (SO_RCVBUF). */
  readonly receiveBuffer: number
  /** `net.netfilter.nf_conntrack_events` when it was opened: 0 makes no events; absent where it is not known. */
  readonly setting?: number | undefined
  /** Since it was opened. It grows when `receive` has come to the end of the queue, so that what was queued before a loss is seen before it. */
  readonly losses: Losses
  /**
   * Visits what the kernel has queued, until nothing is left or at least `limit` messages were visited. Does not wait.
   *
   * @returns whether nothing is left
   * @throws NetlinkError when the socket cannot be read
   */
  receive(visit: Visit, limit: number): boolean
  /** Resolves when there may be something to receive, and when the subscription is closed. Keeps the process alive until then. */
  readable(): Promise<void>
  /** Leaves the groups, and resolves who waits: what is queued already can be received, and nothing is added to it. */
  leave(): void
  /** Closes the socket. A second time it does nothing. */
  close(): void
}

/** How a subscription is opened. */
export interface SubscriptionOptions extends SocketOptions {
  /** The multicast groups to listen to, 1 to 32: NFNLGRP_CONNTRACK_NEW is 1. */
  readonly groups: readonly number[]
  /** What waits; the process's one if absent. */
  readonly poller?: Poller
}

const SOL_NETLINK = 270
const NETLINK_DROP_MEMBERSHIP = 2
const SOL_SOCKET = 1
const SO_RCVBUF = 8
const SO_MEMINFO = 55
/** SK_MEMINFO_VARS, and SK_MEMINFO_DROPS among them. */
const MEMINFO_VARIABLES = 9
const MEMINFO_DROPS = 8

const EINTR = 4
const EAGAIN = 11
const ENOBUFS = 105

/** How often in a row a call is interrupted, or told of a loss, before that is an error. */
const RETRIES = 16

/**
 * Opens a socket to netfilter that listens to multicast groups.
 *
 * @throws NetlinkError when a system call is refused; `command` says which.
 * @throws RangeError when a group is not between 1 and 32.
 */
export function openSubscription(options: SubscriptionOptions): Subscription {
  const { libc = systemLibc() } = options
  const { poller = sharedPoller(libc) } = options
  const setting = networkSetting(libc, 'net.netfilter.nf_conntrack_events', options.netns)
  const { fd, portId } = openDescriptor(libc, options)
  try {
    poller.use()
  } catch (error) {
    libc.close(fd)
    throw error
  }
  return new KernelSubscription(libc, poller, { fd, portId, groups: options.groups, setting })
}

/** An open socket, and what it listens to. */
interface Listening {
  readonly fd: number
  readonly portId: number
  readonly groups: readonly number[]
  readonly setting: number | undefined
}

class KernelSubscription implements Subscription {
  readonly portId: number
  readonly receiveBuffer: number
  readonly setting: number | undefined
  losses: Losses = { times: 0, messages: 0 }
  readonly #libc: Libc
  readonly #poller: Poller
  readonly #mailbox: Mailbox
  readonly #groups: readonly number[]
  readonly #memory = new Int32Array(MEMINFO_VARIABLES)
  #fd: number
  /** ENOBUFS since the queue was empty last, and datagrams that did not fit. */
  #overruns = 0
  #cut = 0

  constructor(libc: Libc, poller: Poller, { fd, portId, groups, setting }: Listening) {
    this.#libc = libc
    this.#poller = poller
    this.#mailbox = new Mailbox(libc)
    this.#fd = fd
    this.portId = portId
    this.#groups = groups
    this.setting = setting
    const size = new Int32Array(1)
    libc.getsockopt(fd, SOL_SOCKET, SO_RCVBUF, size)
    ;[this.receiveBuffer] = size
  }

  receive(visit: Visit, limit: number): boolean {
    if (this.#fd < 0) throw new Error('this subscription is closed')
    const mailbox = this.#mailbox
    let visited = 0
    let failures = 0
    while (visited < limit) {
      const count = mailbox.receive(this.#fd)
      if (count === -EAGAIN || count === 0) return this.#atTheEnd()
      if (count < 0) {
        // Each of them is told once for a reason that has passed then.
        if ((count !== -EINTR && count !== -ENOBUFS) || ++failures > RETRIES) throw new NetlinkError('recvmmsg', -count)
        if (count === -ENOBUFS) this.#overruns++
        continue
      }
      failures = 0
      for (let i = 0; i < count; i++) {
        const size = mailbox.size(i)
        if (size < 0) this.#cut++
        else visited += visitMessages(mailbox, mailbox.start(i), size, visit)
      }
    }
    return false
  }

  readable(): Promise<void> {
    return this.#fd < 0 ? Promise.resolve() : this.#poller.readable(this.#fd)
  }

  leave(): void {
    if (this.#fd < 0) return
    for (const group of this.#groups) {
      const result = this.#libc.setsockopt(this.#fd, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, Int32Array.of(group))
      if (result < 0) throw new NetlinkError('setsockopt', -result)
    }
    this.#poller.forget(this.#fd)
  }

  close(): void {
    if (this.#fd < 0) return
    const fd = this.#fd
    this.#fd = -1
    this.#poller.forget(fd)
    this.#libc.close(fd)
    this.#poller.release()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  // The queue is empty, so the kernel has counted all that was lost beside it.
  #atTheEnd(): true {
    const known = this.#libc.getsockopt(this.#fd, SOL_SOCKET, SO_MEMINFO, this.#memory) === 0
    const { times, messages } = this.losses
    const dropped = known ? (this.#memory[MEMINFO_DROPS] >>> 0) + this.#cut : messages + this.#overruns + this.#cut
    if (dropped !== messages) this.losses = { times: times + Math.max(1, this.#overruns), messages: dropped }
    if (!known) this.#cut = 0
    this.#overruns = 0
    return true
  }
}

/** Visits the messages of nfnetlink in a datagram. */
function visitMessages({ bytes, words }: Mailbox, start: number, size: number, visit: Visit): number {
  const limit = start + size
  let visited = 0
  for (let at = start; at < limit; ) {
    const end = messageEnd(words, at, limit)
    if ((words[(at >> 2) + 1] & 0xffff) >= NLMSG_MIN_TYPE && end - at >= HEADER_LENGTH) {
      visit(bytes, at, end)
      visited++
    }
    at = align(end)
  }
  return visited
}
