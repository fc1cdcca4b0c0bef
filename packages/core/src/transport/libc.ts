/**
 * The C functions the SDK calls, the same on every runtime.
 *
 * Nothing is thrown: a failure is the negative errno (`-2` for ENOENT), anything else the function's own result.
 * A buffer's length is the length C is told, and C keeps no address once a call returns.
 */
export interface Libc {
  /** open(2). `path` is UTF-8 and ends with a NUL. Gives a file descriptor. */
  open(path: Uint8Array, flags: number): number
  /** close(2). */
  close(fd: number): number
  /** setns(2): moves the calling thread into the namespace `fd` stands for. */
  setns(fd: number, type: number): number
  /** socket(2). Gives a file descriptor. */
  socket(domain: number, type: number, protocol: number): number
  /** bind(2). */
  bind(fd: number, address: Uint8Array): number
  /** getsockname(2): fills `address`. */
  getsockname(fd: number, address: Uint8Array): number
  /** setsockopt(2) of an option that is an int: `value` has one element. */
  setsockopt(fd: number, level: number, option: number, value: Int32Array): number
  /** getsockopt(2) of an option that is an int: fills the one element of `value`. */
  getsockopt(fd: number, level: number, option: number, value: Int32Array): number
  /** send(2). Gives the number of bytes sent. */
  send(fd: number, bytes: Uint8Array, flags: number): number
  /** recvfrom(2): fills `into`, and `sender` with the sender's address. With MSG_TRUNC it gives the datagram's real length. */
  recvfrom(fd: number, into: Uint8Array, flags: number, sender: Uint8Array): number
}

/** The same functions as C has them, which is what a runtime brings: -1 is a failure, and errno says which. */
export interface CFunctions {
  open(path: Uint8Array, flags: number): number
  close(fd: number): number
  setns(fd: number, type: number): number
  socket(domain: number, type: number, protocol: number): number
  bind(fd: number, address: Uint8Array, length: number): number
  getsockname(fd: number, address: Uint8Array, length: Uint32Array): number
  setsockopt(fd: number, level: number, option: number, value: Int32Array, length: number): number
  getsockopt(fd: number, level: number, option: number, value: Int32Array, length: Uint32Array): number
  send(fd: number, bytes: Uint8Array, length: number, flags: number): number
  recvfrom(fd: number, into: Uint8Array, length: number, flags: number, sender: Uint8Array, senderLength: Uint32Array): number
}

/** Puts a runtime's C functions behind `Libc`. `errno` reads the calling thread's, and is called straight after a failure. */
export function fromC(c: CFunctions, errno: () => number): Libc {
  const result = (value: number): number => (value === -1 ? -errno() : value)
  // One length for every call, as C reads and writes it only while the call runs.
  const size = new Uint32Array(1)
  return {
    open: (path, flags) => result(c.open(path, flags)),
    close: (fd) => result(c.close(fd)),
    setns: (fd, type) => result(c.setns(fd, type)),
    socket: (domain, type, protocol) => result(c.socket(domain, type, protocol)),
    bind: (fd, address) => result(c.bind(fd, address, address.length)),
    getsockname: (fd, address) => {
      size[0] = address.length
      return result(c.getsockname(fd, address, size))
    },
    setsockopt: (fd, level, option, value) => result(c.setsockopt(fd, level, option, value, value.byteLength)),
    getsockopt: (fd, level, option, value) => {
      size[0] = value.byteLength
      return result(c.getsockopt(fd, level, option, value, size))
    },
    send: (fd, bytes, flags) => result(c.send(fd, bytes, bytes.length, flags)),
    recvfrom: (fd, into, flags, sender) => {
      size[0] = sender.length
      return result(c.recvfrom(fd, into, into.length, flags, sender, size))
    },
  }
}

/**
 * Says whether this is a machine the SDK runs on. `firstByte` is the first byte of the 16-bit number 1.
 *
 * @throws Error when it is not Linux, or when it is big-endian: netlink speaks the host's order, and we read little-endian.
 */
export function assertHost(platform: string, firstByte: number | undefined = new Uint8Array(Uint16Array.of(1).buffer)[0]): void {
  if (platform !== 'linux') throw new Error(`connection tracking is a part of Linux, and this is ${platform}`)
  if (firstByte !== 1) throw new Error('big-endian machines are not supported')
}
