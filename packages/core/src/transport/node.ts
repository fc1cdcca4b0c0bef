import { koffi, koffiPath } from './koffi.ts'
import type { Libc } from './libc.ts'
import { assertHost, fromC } from './libc.ts'
import { type StartWorker, startWorker as start } from './worker.ts'

// musl answers to this name as well.
const LIBRARY = 'libc.so.6'

const SEND = 'intptr_t send(int fd, void *bytes, size_t length, int flags)'
const RECVFROM = 'intptr_t recvfrom(int fd, void *into, size_t length, int flags, void *sender, void *sender_length)'

let cached: Libc | undefined

/**
 * The C library through koffi, loaded at the first call.
 *
 * @throws Error when this is no little-endian Linux, or when the package koffi is not installed.
 */
export function libc(): Libc {
  cached ??= load()
  return cached
}

/** Starts a worker, whose text finds `workerData`, the C functions `c`, and `errno()`. @throws Error when the package koffi is not installed */
export const startWorker: StartWorker = (text, data) => start(calls() + text, data)

const calls = (): string => `
const { workerData } = require('node:worker_threads')
const { load, errno } = require(${JSON.stringify(koffiPath())})
const library = load('${LIBRARY}')
const c = { send: library.func('${SEND}'), recvfrom: library.func('${RECVFROM}') }`

function load(): Libc {
  assertHost(process.platform)
  const { load, errno, address } = koffi()
  const c = load(LIBRARY)
  return fromC(
    {
      open: c.func('int open(void *path, int flags)'),
      close: c.func('int close(int fd)'),
      setns: c.func('int setns(int fd, int type)'),
      socket: c.func('int socket(int domain, int type, int protocol)'),
      bind: c.func('int bind(int fd, void *address, uint32_t length)'),
      getsockname: c.func('int getsockname(int fd, void *address, void *length)'),
      setsockopt: c.func('int setsockopt(int fd, int level, int option, void *value, uint32_t length)'),
      getsockopt: c.func('int getsockopt(int fd, int level, int option, void *value, void *length)'),
      send: c.func(SEND),
      recvfrom: c.func(RECVFROM),
      recvmmsg: c.func('int recvmmsg(int fd, void *vector, unsigned int count, int flags, void *timeout)'),
      eventfd: c.func('int eventfd(unsigned int initial, int flags)'),
      read: c.func('intptr_t read(int fd, void *into, size_t length)'),
      write: c.func('intptr_t write(int fd, void *bytes, size_t length)'),
      clock_gettime: c.func('int clock_gettime(int clock, void *time)'),
    },
    () => errno(),
    (buffer) => address(buffer),
  )
}
