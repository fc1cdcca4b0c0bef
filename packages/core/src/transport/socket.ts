import { libc as systemLibc } from '#libc'
import { MalformedMessageError, NetlinkError } from '../errors.ts'
import type { Libc } from './libc.ts'
import type { Namespace } from './netns.ts'
import { inNamespace } from './netns.ts'

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
  return new Socket(libc, fd, portId)
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
  #fd: number

  constructor(libc: Libc, fd: number, portId: number) {
    this.#libc = libc
    this.#fd = fd
    this.portId = portId
  }

  send(bytes: Uint8Array): void {
    const fd = this.#open()
    for (let retries = 0; ; retries++) {
      const sent = this.#libc.send(fd, bytes, 0)
      if (sent === bytes.length) return
      if (sent >= 0) throw new NetlinkError('send', EMSGSIZE, { detail: `${sent} of ${bytes.length} bytes were sent` })
      // Whatever failed, nothing was sent; ENOBUFS is a shortage of memory that may have passed.
      if (sent === -EINTR || ((sent === -EAGAIN || sent === -ENOBUFS) && retries < RETRIES)) continue
      throw new NetlinkError('send', -sent)
    }
  }

  receive(into: Uint8Array): number {
    const fd = this.#open()
    const sender = this.#sender
    for (let retries = 0; ; ) {
      const length = this.#libc.recvfrom(fd, into, MSG_TRUNC, sender)
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
