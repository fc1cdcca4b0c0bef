import { dlopen, ptr, read } from 'bun:ffi'
import type { Libc } from './libc.ts'
import { assertHost, fromC } from './libc.ts'
import { type StartWorker, startWorker as start } from './worker.ts'

// musl answers to this name as well.
const LIBRARY = 'libc.so.6'

const declarations = {
  __errno_location: { args: [], returns: 'ptr' },
  open: { args: ['ptr', 'i32'], returns: 'i32' },
  close: { args: ['i32'], returns: 'i32' },
  setns: { args: ['i32', 'i32'], returns: 'i32' },
  socket: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
  bind: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
  getsockname: { args: ['i32', 'ptr', 'ptr'], returns: 'i32' },
  setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
  getsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'ptr'], returns: 'i32' },
  // A ssize_t, of which the lower half is all we need, here and below.
  send: { args: ['i32', 'ptr', 'usize', 'i32'], returns: 'i32' },
  recvfrom: { args: ['i32', 'ptr', 'usize', 'i32', 'ptr', 'ptr'], returns: 'i32' },
  recvmmsg: { args: ['i32', 'ptr', 'u32', 'i32', 'ptr'], returns: 'i32' },
  eventfd: { args: ['u32', 'i32'], returns: 'i32' },
  read: { args: ['i32', 'ptr', 'usize'], returns: 'i32' },
  write: { args: ['i32', 'ptr', 'usize'], returns: 'i32' },
  clock_gettime: { args: ['i32', 'ptr'], returns: 'i32' },
} as const

let cached: Libc | undefined

/**
 * The C library through bun:ffi, loaded at the first call.
 *
 * @throws Error when this is no little-endian Linux.
 */
export function libc(): Libc {
  cached ??= load()
  return cached
}

/** Starts a worker, whose text finds `workerData`, the C functions `c`, and `errno()`. */
export const startWorker: StartWorker = (text, data) => start(calls() + text, data)

const calls = (): string => `
import { workerData } from 'node:worker_threads'
import { dlopen, read } from 'bun:ffi'
const c = dlopen('${LIBRARY}', ${JSON.stringify(declarations)}).symbols
const location = c.__errno_location()
const errno = () => read.i32(location, 0)`

function load(): Libc {
  assertHost(process.platform)
  const { symbols } = dlopen(LIBRARY, declarations)
  // A thread's errno stays where it is, and a worker has its own copy of this module.
  const errno = symbols.__errno_location()
  if (errno === null) throw new Error('the C library has no errno')
  return fromC(
    symbols,
    () => read.i32(errno, 0),
    (buffer) => BigInt(ptr(buffer)),
  )
}
