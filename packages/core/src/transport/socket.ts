import { libc as systemLibc } from '#libc'
import { MalformedMessageError, NetlinkError } from '../errors.ts'
import type { Libc } from './libc.ts'
import type { Namespace } from './netns.ts'
import { inNamespace } from './netns.ts'
import { LONGEST, type Thread, threads } from './thread.ts'

/** A socket to the kernel's netfilter: bytes in, bytes out, one datagram at a time. */
export interface NetlinkSocket extends Disposable {
  /** The kernel's number for this socket (nl_pid), which its answers carry. */
  readonly portId: number
  /**
   * Sends one datagram, of one message or several.
   *
   * @throws NetlinkError when the kernel does not take it.
   */
  send(bytes: Uint8Array): void
  /**
   * Waits for a datagram from the kernel, puts it into `into` and gives its length in bytes.
   *
   * @throws NetlinkError of code ENOBUFS when messages were lost, of code EMSGSIZE when `into` is too small for it.
   */
  receive(into: Uint8Array): number
  /**
   * Says that many more datagrams are in the kernel to come: they are received on another thread from now on, where there is one, while
   * what came before is worked on. It may be said again at any time, and changes nothing of what `receive` gives.
   */
  receiveAhead?(): void
  /**
   * Begins to send a datagram on another thread; `sent` waits for its end. False when there is no such thread, or not yet: nothing was
   * done then.
   */
  sendAside?(bytes: Uint8Array): boolean
  /** Waits until what `sendAside` began is sent. Throws as {@link send} does. */
  sent?(): void
  /** Says that nothing more is to be received or sent for now: others may have the thread. */
  rest?(): void
  /** How many bytes the kernel holds for the socket, each with the memory around it: of one send (SO_SNDBUF), of what was not received yet (SO_RCVBUF). */
  buffers(): SocketBuffers
  /** Closes the socket. A second time it does nothing. */
  close(): void
}

/** What a socket's buffers hold, in bytes. */
export interface SocketBuffers {
  readonly send: number
  readonly receive: number
}

/** How a socket is opened. */
export interface SocketOptions {
  /** The C library; the runtime's own if absent. */
  readonly libc?: Libc
  /** The network namespace whose tables are meant; the caller's own if absent. */
  readonly netns?: Namespace
  /** Room for what was not received yet, in bytes (SO_RCVBUF); the system's default if absent. */
  readonly receiveBuffer?: number
  /** The multicast groups to listen to, 1 to 32: NFNLGRP_CONNTRACK_NEW is 1. */
  readonly groups?: readonly number[]
  /** A classic BPF program, an array of struct sock_filter: the kernel queues only messages for which it gives more than 0 (SO_ATTACH_FILTER). */
  readonly filter?: Uint8Array
  /** Whoever causes an event waits for room in our queue, where the kernel can: it fails, or tries again, when there is none (NETLINK_BROADCAST_ERROR). */
  readonly reliable?: boolean
}

const AF_NETLINK = 16
const SOCK_RAW = 3
const SOCK_CLOEXEC = 0o2000000
const NETLINK_NETFILTER = 12

const SOL_SOCKET = 1
const SO_SNDBUF = 7
const SO_RCVBUF = 8
const SO_ATTACH_FILTER = 26
const SO_RCVBUFFORCE = 33
const SOL_NETLINK = 270
/** NETLINK_BROADCAST_ERROR: an event that finds no room is the sender's problem too. */
const NETLINK_BROADCAST_ERROR = 4
/** NETLINK_CAP_ACK: an error repeats only the header of the request. */
const NETLINK_CAP_ACK = 10
/** NETLINK_EXT_ACK: an error is explained. */
const NETLINK_EXT_ACK = 11
/** NETLINK_GET_STRICT_CHK: a filter that the kernel does not know is an error. */
const NETLINK_GET_STRICT_CHK = 12
/** MSG_TRUNC: give the length of the datagram, even where it did not fit. */
const MSG_TRUNC = 0x20

const EPERM = 1
const EINTR = 4
const EAGAIN = 11
const EMSGSIZE = 90
const ENOPROTOOPT = 92
const EPROTONOSUPPORT = 93
const EAFNOSUPPORT = 97
const ENOBUFS = 105

/** How often in a row an EAGAIN is not believed: a blocking socket has none, but a runtime's garbage collector may overwrite errno. */
const RETRIES = 16

/**
 * Opens a socket to the kernel's netfilter.
 *
 * @throws NetlinkError when a system call is refused; `command` says which, `detail` what to do about it.
 * @throws RangeError when a group is not between 1 and 32.
 * @throws Error when the C library cannot be had on this machine or runtime.
 */
export function openSocket(options: SocketOptions = {}): NetlinkSocket {
  const { libc = systemLibc() } = options
  const { fd, portId } = openDescriptor(libc, options)
  // A thread has a C library of its own.
  return new Socket(libc, fd, portId, options.libc === undefined)
}

/** A socket that is open and bound, as a file descriptor with its port id. Throws as {@link openSocket} does. */
export function openDescriptor(libc: Libc, options: SocketOptions): { readonly fd: number; readonly portId: number } {
  const { netns, receiveBuffer, groups = [], filter, reliable } = options
  const address = new Uint8Array(12)
  const view = new DataView(address.buffer)
  view.setUint16(0, AF_NETLINK, true)
  view.setUint32(8, mask(groups), true)
  const create = (): number => libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER)
  const fd = netns === undefined ? create() : inNamespace(libc, netns, create)
  if (fd < 0) throw new NetlinkError('socket', -fd, hint(-fd))
  try {
    if (receiveBuffer !== undefined) setReceiveBuffer(libc, fd, receiveBuffer)
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK]) setOption(libc, fd, option)
    if (reliable) setOption(libc, fd, NETLINK_BROADCAST_ERROR)
    // Before it is bound, so that nothing comes that is not wanted.
    if (filter !== undefined) attach(libc, fd, filter)
    // Port id 0 asks the kernel to choose one.
    check('bind', libc.bind(fd, address))
    check('getsockname', libc.getsockname(fd, address))
    return { fd, portId: view.getUint32(4, true) }
  } catch (error) {
    libc.close(fd)
    throw error
  }
}

class Socket implements NetlinkSocket {
  readonly portId: number
  readonly #libc: Libc
  readonly #sender = new Uint8Array(12)
  readonly #mayHaveThread: boolean
  #fd: number
  #thread: Thread | undefined
  /** The thread receives for us. */
  #isAhead = false
  /** The length of what the thread sends for us. */
  #sending = 0

  constructor(libc: Libc, fd: number, portId: number, mayHaveThread: boolean) {
    this.#libc = libc
    this.#fd = fd
    this.#mayHaveThread = mayHaveThread
    this.portId = portId
  }

  send(bytes: Uint8Array): void {
    const fd = this.#open()
    for (let retries = 0; !isSent(this.#libc.send(fd, bytes, 0), bytes.length, retries); retries++);
  }

  sendAside(bytes: Uint8Array): boolean {
    const thread = bytes.length > LONGEST ? undefined : this.#idleThread()
    if (thread === undefined) return false
    thread.send(this.#open(), bytes)
    this.#sending = bytes.length
    return true
  }

  sent(): void {
    const length = this.#sending
    this.#sending = 0
    const thread = this.#thread
    if (thread === undefined || length === 0) return
    for (let retries = 0; !isSent(thread.sent(), length, retries); retries++) thread.sendAgain(length)
  }

  receiveAhead(): void {
    if (this.#isAhead) return
    const thread = this.#idleThread()
    if (thread === undefined) return
    thread.receive(this.#open())
    this.#isAhead = true
  }

  receive(into: Uint8Array): number {
    const fd = this.#open()
    const sender = this.#sender
    for (let retries = 0; ; ) {
      const length = this.#isAhead ? this.#take(into, sender) : this.#libc.recvfrom(fd, into, MSG_TRUNC, sender)
      if (length >= 0) {
        // sockaddr_nl.nl_pid: 0 is the kernel. Other programs may write to our socket too, and could forge its answers.
        if ((sender[4] | sender[5] | sender[6] | sender[7]) !== 0) continue
        if (length > 0 && length <= into.length) return length
        if (length === 0) throw new MalformedMessageError('an empty netlink datagram', 0)
        throw new NetlinkError('recvfrom', EMSGSIZE, { detail: `a datagram of ${length} bytes, where ${into.length} fit` })
      }
      if (length === -EINTR || (length === -EAGAIN && retries++ < RETRIES)) continue
      throw new NetlinkError('recvfrom', -length, length === -ENOBUFS ? { detail: 'the socket was full, and messages were lost' } : {})
    }
  }

  /** What was received ahead; an error is its last, and -EAGAIN one that a blocking call does not have. */
  #take(into: Uint8Array, sender: Uint8Array): number {
    const length = (this.#thread as Thread).take(into, sender)
    if (length >= 0) return length
    this.#isAhead = false
    return length === -EAGAIN ? this.#libc.recvfrom(this.#fd, into, MSG_TRUNC, sender) : length
  }

  rest(): void {
    const thread = this.#thread
    if (thread === undefined) return
    if (this.#isAhead) thread.stop()
    if (this.#sending > 0) thread.sent()
    this.#isAhead = false
    this.#sending = 0
    this.#thread = undefined
    threads.giveBack(thread)
  }

  #idleThread(): Thread | undefined {
    if (!this.#mayHaveThread) return undefined
    this.#thread ??= threads.borrow()
    return this.#thread?.isReady ? this.#thread : undefined
  }

  buffers(): SocketBuffers {
    return { send: this.#option(SO_SNDBUF), receive: this.#option(SO_RCVBUF) }
  }

  #option(option: number): number {
    const value = new Int32Array(1)
    check('getsockopt', this.#libc.getsockopt(this.#open(), SOL_SOCKET, option, value))
    return value[0]
  }

  close(): void {
    if (this.#fd < 0) return
    // No other socket may get its number while the thread is at work.
    this.rest()
    const fd = this.#fd
    this.#fd = -1
    this.#libc.close(fd)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #open(): number {
    if (this.#fd < 0) throw new Error('this netlink socket is closed')
    return this.#fd
  }
}

/** Whether a datagram was sent; false means to try again. @throws NetlinkError when that would be no use */
function isSent(result: number, length: number, retries: number): boolean {
  if (result === length) return true
  if (result >= 0) throw new NetlinkError('send', EMSGSIZE, { detail: `${result} of ${length} bytes were sent` })
  // Whatever failed, nothing was sent; ENOBUFS is a shortage of memory that may have passed.
  if (result === -EINTR || ((result === -EAGAIN || result === -ENOBUFS) && retries < RETRIES)) return false
  throw new NetlinkError('send', -result)
}

function mask(groups: readonly number[]): number {
  let bits = 0
  for (const group of groups) {
    if (!Number.isInteger(group) || group < 1 || group > 32) throw new RangeError(`netlink group ${group} is not between 1 and 32`)
    bits |= 1 << (group - 1)
  }
  return bits
}

// Beyond net.core.rmem_max only with CAP_NET_ADMIN in the first user namespace; else as much as one gets.
function setReceiveBuffer(libc: Libc, fd: number, size: number): void {
  const value = Int32Array.of(Math.min(size, 0x7fffffff))
  let result = libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, value)
  if (result === -EPERM) result = libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, value)
  check('setsockopt', result)
}

/** Bytes of a struct sock_filter. */
const INSTRUCTION = 8

// struct sock_fprog: the number of instructions and, aligned to 8, where they are.
function attach(libc: Libc, fd: number, filter: Uint8Array): void {
  const program = new ArrayBuffer(filter.length)
  new Uint8Array(program).set(filter)
  const pointer = new DataView(new ArrayBuffer(16))
  pointer.setUint16(0, filter.length / INSTRUCTION, true)
  pointer.setBigUint64(8, libc.address(program), true)
  const result = libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, new Int32Array(pointer.buffer))
  // The length is read after the call, so that the program is not collected before.
  if (result < 0) throw new NetlinkError('setsockopt', -result, { detail: `a filter of ${program.byteLength / INSTRUCTION} instructions` })
}

// Comforts that a kernel may be too old for.
function setOption(libc: Libc, fd: number, option: number): void {
  const result = libc.setsockopt(fd, SOL_NETLINK, option, Int32Array.of(1))
  if (result !== -ENOPROTOOPT) check('setsockopt', result)
}

function check(call: string, result: number): void {
  if (result < 0) throw new NetlinkError(call, -result)
}

function hint(errno: number): { detail?: string } {
  if (errno !== EPROTONOSUPPORT && errno !== EAFNOSUPPORT) return {}
  return { detail: 'this kernel has no netlink for netfilter: load the module nf_conntrack_netlink' }
}
