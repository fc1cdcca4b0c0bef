import type { CFunctions, Libc } from './libc.ts'
import { assertHost, fromC } from './libc.ts'
import { type StartWorker, startWorker as start } from './worker.ts'

// What is used of Deno, declared here so that the sources compile without Deno's own types.
type Pointer = { readonly __pointer: never }
declare const Deno: {
  readonly build: { readonly os: string }
  readonly errors: { readonly NotCapable: new () => Error }
  readonly UnsafePointerView: new (pointer: Pointer) => { getInt32(): number }
  readonly UnsafePointer: { of(buffer: ArrayBuffer): Pointer; value(pointer: Pointer): bigint }
  dlopen(file: string, symbols: typeof prototypes): { readonly symbols: CFunctions & { __errno_location(): Pointer } }
}

// musl answers to this name as well.
const LIBRARY = 'libc.so.6'

// Those that give a ssize_t give its lower half, which is all we need: an isize would be a BigInt, and making one
// between the call and the look at errno is an occasion for the garbage collector to change errno.
const prototypes = {
  __errno_location: { parameters: [], result: 'pointer' },
  open: { parameters: ['buffer', 'i32'], result: 'i32' },
  close: { parameters: ['i32'], result: 'i32' },
  setns: { parameters: ['i32', 'i32'], result: 'i32' },
  socket: { parameters: ['i32', 'i32', 'i32'], result: 'i32' },
  bind: { parameters: ['i32', 'buffer', 'u32'], result: 'i32' },
  getsockname: { parameters: ['i32', 'buffer', 'buffer'], result: 'i32' },
  setsockopt: { parameters: ['i32', 'i32', 'i32', 'buffer', 'u32'], result: 'i32' },
  getsockopt: { parameters: ['i32', 'i32', 'i32', 'buffer', 'buffer'], result: 'i32' },
  send: { parameters: ['i32', 'buffer', 'usize', 'i32'], result: 'i32' },
  recvfrom: { parameters: ['i32', 'buffer', 'usize', 'i32', 'buffer', 'buffer'], result: 'i32' },
  recvmmsg: { parameters: ['i32', 'buffer', 'u32', 'i32', 'pointer'], result: 'i32' },
  eventfd: { parameters: ['u32', 'i32'], result: 'i32' },
  read: { parameters: ['i32', 'buffer', 'usize'], result: 'i32' },
  write: { parameters: ['i32', 'buffer', 'usize'], result: 'i32' },
  clock_gettime: { parameters: ['i32', 'buffer'], result: 'i32' },
} as const

let cached: Libc | undefined

/**
 * The C library through Deno.dlopen, loaded at the first call.
 *
 * @throws Error when this is no little-endian Linux, or when Deno was not allowed to call C (`--allow-ffi`).
 */
export function libc(): Libc {
  cached ??= load()
  return cached
}

/** Starts a worker, whose text finds `workerData`, the C functions `c`, and `errno()`. */
export const startWorker: StartWorker = (text, data) => start(calls() + text, data)

const calls = (): string => `
const { workerData } = require('node:worker_threads')
const c = Deno.dlopen('${LIBRARY}', ${JSON.stringify(prototypes)}).symbols
const location = new Deno.UnsafePointerView(c.__errno_location())
const errno = () => location.getInt32()`

function load(): Libc {
  assertHost(Deno.build.os)
  const c = open()
  // A thread's errno stays where it is, and a worker has its own copy of this module.
  const errno = new Deno.UnsafePointerView(c.__errno_location())
  return fromC(
    c,
    () => errno.getInt32(),
    (buffer) => Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer)),
  )
}

function open(): CFunctions & { __errno_location(): Pointer } {
  try {
    return Deno.dlopen(LIBRARY, prototypes).symbols
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause
    throw new Error('Deno may not open netlink sockets: run it with --allow-ffi', { cause })
  }
}
