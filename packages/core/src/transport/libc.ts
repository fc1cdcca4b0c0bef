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
  /** setsockopt(2): `value` has one element for an option that is an int, or holds the option's struct. */
  setsockopt(fd: number, level: number, option: number, value: Int32Array): number
  /** getsockopt(2): fills `value`, which has one element for an option that is an int. */
  getsockopt(fd: number, level: number, option: number, value: Int32Array): number
  /** send(2). Gives the number of bytes sent. */
  send(fd: number, bytes: Uint8Array, flags: number): number
  /** recvfrom(2): fills `into`, and `sender` with the sender's address. With MSG_TRUNC it gives the datagram's real length. */
  recvfrom(fd: number, into: Uint8Array, flags: number, sender: Uint8Array): number
  /** recvmmsg(2) without a timeout: `vector` begins with `count` struct mmsghdr. Gives the number of datagrams. */
  recvmmsg(fd: number, vector: Uint8Array, count: number, flags: number): number
  /** eventfd(2), counting from 0. Gives a file descriptor. */
  eventfd(flags: number): number
  /** read(2). Gives the number of bytes read. */
  read(fd: number, into: Uint8Array): number
  /** write(2). Gives the number of bytes written. */
  write(fd: number, bytes: Uint8Array): number
  /** clock_gettime(2): fills `time`, a struct timespec of seconds and nanoseconds. */
  clockGettime(clock: number, time: BigInt64Array): number
  /**
   * Where a buffer is in memory, for a struct that points to it. Nothing keeps the buffer alive for C: whoever uses the struct has to
   * hold it in a field of an object that lives as long.
   */
  address(buffer: ArrayBuffer): bigint
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
  recvmmsg(fd: number, vector: Uint8Array, count: number, flags: number, timeout: null): number
  eventfd(initial: number, flags: number): number
  read(fd: number, into: Uint8Array, length: number): number
  write(fd: number, bytes: Uint8Array, length: number): number
  clock_gettime(clock: number, time: BigInt64Array): number
}

/**
 * Puts a runtime's C functions behind `Libc`. `errno` reads the calling thread's, and is called straight after a failure; `address`
 * tells where a buffer is.
 */
export function fromC(c: CFunctions, errno: () => number, address: Libc['address']): Libc {
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
    recvmmsg: (fd, vector, count, flags) => result(c.recvmmsg(fd, vector, count, flags, null)),
    eventfd: (flags) => result(c.eventfd(0, flags)),
    read: (fd, into) => result(c.read(fd, into, into.length)),
    write: (fd, bytes) => result(c.write(fd, bytes, bytes.length)),
    clockGettime: (clock, time) => result(c.clock_gettime(clock, time)),
    address,
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
