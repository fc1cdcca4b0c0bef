import type { Libc } from '../src/transport/libc.ts'

/** What each call may fail with, as its manual page and netlink(7) say, by number. */
const ERRNOS = {
  open: [1, 2, 4, 6, 12, 13, 20, 23, 24, 36, 40], // EPERM ENOENT EINTR ENXIO ENOMEM EACCES ENOTDIR ENFILE EMFILE ENAMETOOLONG ELOOP
  close: [4, 5, 9], // EINTR EIO EBADF
  setns: [1, 9, 12, 22], // EPERM EBADF ENOMEM EINVAL
  socket: [12, 13, 22, 23, 24, 93, 97, 105], // ENOMEM EACCES EINVAL ENFILE EMFILE EPROTONOSUPPORT EAFNOSUPPORT ENOBUFS
  bind: [1, 9, 12, 13, 22, 88, 98], // EPERM EBADF ENOMEM EACCES EINVAL ENOTSOCK EADDRINUSE
  getsockname: [9, 14, 22, 88, 105], // EBADF EFAULT EINVAL ENOTSOCK ENOBUFS
  setsockopt: [1, 9, 12, 14, 22, 33, 88, 92], // EPERM EBADF ENOMEM EFAULT EINVAL EDOM ENOTSOCK ENOPROTOOPT
  getsockopt: [9, 14, 22, 88, 92], // EBADF EFAULT EINVAL ENOTSOCK ENOPROTOOPT
  // EPERM EINTR EBADF EAGAIN ENOMEM EACCES EFAULT EINVAL EPIPE ENOTSOCK EDESTADDRREQ EMSGSIZE EOPNOTSUPP ECONNRESET ENOBUFS ENOTCONN ECONNREFUSED
  send: [1, 4, 9, 11, 12, 13, 14, 22, 32, 88, 89, 90, 95, 104, 105, 107, 111],
  recvfrom: [4, 9, 11, 12, 14, 22, 88, 105, 107, 111], // EINTR EBADF EAGAIN ENOMEM EFAULT EINVAL ENOTSOCK ENOBUFS ENOTCONN ECONNREFUSED
  recvmmsg: [4, 9, 11, 12, 14, 22, 88, 105, 107, 111],
  eventfd: [12, 19, 22, 23, 24], // ENOMEM ENODEV EINVAL ENFILE EMFILE
  read: [4, 5, 9, 11, 14, 21, 22], // EINTR EIO EBADF EAGAIN EFAULT EISDIR EINVAL
  write: [4, 5, 9, 11, 14, 22, 27, 28, 32], // EINTR EIO EBADF EAGAIN EFAULT EINVAL EFBIG ENOSPC EPIPE
  poll: [4, 12, 14, 22], // EINTR ENOMEM EFAULT EINVAL
  clockGettime: [1, 14, 22], // EPERM EFAULT EINVAL
} as const satisfies Readonly<Record<string, readonly number[]>>

/** The name of a call that can fail. */
export type FailingCall = keyof typeof ERRNOS

/** Which call fails, from the first one on: all by their names in turn. */
export interface Fault {
  /** Counted over all calls, from 0. */
  readonly at: number
  readonly errno: number
  /** Whether that very call alone fails, or each of its name from then on. */
  readonly once: boolean
}

const EINTR = 4

/** Every fault that work which makes these calls can meet. A signal interrupts a call now and then, not for ever. */
export function faultsOf(calls: readonly FailingCall[]): Fault[] {
  return calls.flatMap((call, at) =>
    ERRNOS[call].flatMap((errno) => [true, false].filter((once) => once || errno !== EINTR).map((once) => ({ at, errno, once }))),
  )
}

/** A C library that notes what is called, and in which one call fails. */
export interface FailingLibc {
  readonly libc: Libc
  /** The calls so far, by name. */
  readonly calls: FailingCall[]
  /** The descriptors that are open: the runtime opens and closes others meanwhile, so that /proc/self/fd says nothing. */
  readonly descriptors: ReadonlySet<number>
}

const OPENING: ReadonlySet<string> = new Set(['open', 'socket', 'eventfd'])

/** The system's C library, but for a fault. A close() that fails has closed all the same, as close(2) has on Linux. */
export function failingLibc(real: Libc, fault?: Fault): FailingLibc {
  const calls: FailingCall[] = []
  const fails = (name: FailingCall): boolean => {
    const index = calls.push(name) - 1
    if (fault === undefined) return false
    return fault.once ? index === fault.at : index >= fault.at && name === calls[fault.at]
  }
  const descriptors = new Set<number>()
  const functions = Object.entries(real).map(([name, call]: [string, (...values: never[]) => unknown]) => {
    if (!Object.hasOwn(ERRNOS, name)) return [name, call] as const
    const failing = (...values: never[]): unknown => {
      if (name === 'close') descriptors.delete(values[0])
      const isFailing = fails(name as FailingCall)
      const result = isFailing && name !== 'close' ? 0 : call(...values)
      if (isFailing) return -(fault?.errno ?? 0)
      if (OPENING.has(name) && (result as number) >= 0) descriptors.add(result as number)
      return result
    }
    return [name, failing] as const
  })
  return { libc: Object.fromEntries(functions) as unknown as Libc, calls, descriptors }
}
