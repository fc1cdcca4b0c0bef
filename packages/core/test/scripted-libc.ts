import type { Libc } from '../src/transport/libc.ts'

const EBADF = -9
const EAGAIN = -11

/** A C library of a test. */
export interface Scripted extends Libc {
  /** The calls so far, with their numbers: `setsockopt 3 270 11 1`. */
  readonly calls: string[]
  /** The descriptors that are open. */
  readonly descriptors: Set<number>
}

/** What differs from a library in which all goes well. */
export type Script = { readonly [Name in keyof Libc]?: (...values: Parameters<Libc[Name]>) => ReturnType<Libc[Name]> | undefined }

/** A C library in which all goes well, but for what the script decides: a function that gives undefined leaves it so. */
export function scriptedLibc(script: Script = {}): Scripted {
  const calls: string[] = []
  const descriptors = new Set<number>()
  const shown = (value: number | Uint8Array | Int32Array): string =>
    typeof value === 'number' ? String(value) : value instanceof Int32Array ? value.join() : Buffer.from(value).toString('hex')
  const note = (name: keyof Libc, ...values: (number | Uint8Array | Int32Array)[]): void => {
    calls.push([name, ...values.map(shown)].join(' '))
  }
  const opened = (scripted: number | undefined): number => {
    if (scripted !== undefined && scripted < 0) return scripted
    let fd = 3
    while (descriptors.has(fd)) fd++
    descriptors.add(fd)
    return fd
  }
  return {
    calls,
    descriptors,
    open(path, flags) {
      calls.push(`open ${new TextDecoder().decode(path).replace('\0', '')} 0${flags.toString(8)}`)
      return opened(script.open?.(path, flags))
    },
    close(fd) {
      note('close', fd)
      return descriptors.delete(fd) ? 0 : EBADF
    },
    setns(fd, type) {
      note('setns', fd, type)
      return script.setns?.(fd, type) ?? 0
    },
    socket(domain, type, protocol) {
      note('socket', domain, type, protocol)
      return opened(script.socket?.(domain, type, protocol))
    },
    bind(fd, address) {
      note('bind', fd, address)
      return script.bind?.(fd, address) ?? 0
    },
    getsockname(fd, address) {
      address.set([16, 0, 0, 0, 0x39, 0x30, 0, 0xf0], 0)
      return script.getsockname?.(fd, address) ?? 0
    },
    setsockopt(fd, level, option, value) {
      note('setsockopt', fd, level, option, value)
      return script.setsockopt?.(fd, level, option, value) ?? 0
    },
    getsockopt(fd, level, option, value) {
      return script.getsockopt?.(fd, level, option, value) ?? 0
    },
    send(fd, bytes, flags) {
      note('send', fd, bytes, flags)
      return script.send?.(fd, bytes, flags) ?? bytes.length
    },
    recvfrom(fd, into, flags, sender) {
      sender.set([16, 0, 0, 0, 0, 0, 0, 0], 0)
      return script.recvfrom?.(fd, into, flags, sender) ?? into.length
    },
    recvmmsg: (fd, vector, count, flags) => script.recvmmsg?.(fd, vector, count, flags) ?? EAGAIN,
    eventfd(flags) {
      note('eventfd', flags)
      return opened(script.eventfd?.(flags))
    },
    read: (fd, into) => script.read?.(fd, into) ?? into.length,
    write(fd, bytes) {
      note('write', fd, bytes)
      return script.write?.(fd, bytes) ?? bytes.length
    },
    clockGettime: (clock, time) => script.clockGettime?.(clock, time) ?? 0,
    address: (buffer) => script.address?.(buffer) ?? 0n,
  }
}
