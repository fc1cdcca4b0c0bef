import { createRequire } from 'node:module'
import type { Libc } from './libc.ts'
import { assertHost, fromC } from './libc.ts'

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

function load(): Libc {
  assertHost(process.platform)
  const { load, errno } = koffi()
  // musl answers to this name as well.
  const c = load('libc.so.6')
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
      send: c.func('intptr_t send(int fd, void *bytes, size_t length, int flags)'),
      recvfrom: c.func('intptr_t recvfrom(int fd, void *into, size_t length, int flags, void *sender, void *sender_length)'),
    },
    () => errno(),
  )
}

// Only here, and not at the top: whoever opens no socket needs no koffi.
function koffi(): typeof import('koffi') {
  try {
    return createRequire(import.meta.url)('koffi')
  } catch (cause) {
    throw new Error('the package koffi, which opens netlink sockets under Node, cannot be loaded: npm install koffi', { cause })
  }
}
