import { NetlinkError } from '../errors.ts'
import type { Libc } from './libc.ts'

/**
 * A network namespace: a name as `ip netns` has them, a path (it has a slash) to a namespace file, or the id of a
 * process that lives in it (a number, or a string of digits).
 */
export type Namespace = string | number

/** CLONE_NEWNET: namespaces of the network kind. */
const CLONE_NEWNET = 0x40000000
const O_RDONLY = 0
/** O_NONBLOCK: a path that is a pipe must not make us wait. */
const O_NONBLOCK = 0o4000
const O_CLOEXEC = 0o2000000
const EPERM = 1
const ENOENT = 2
const EINVAL = 22

/** The calling thread's own namespace; a thread can be elsewhere than its process. */
const HERE = '/proc/thread-self/ns/net'

/**
 * Runs `work` with the calling thread in the namespace, and comes back before it returns. What `work` gives is a file
 * descriptor or a negative errno, and so is the result.
 *
 * Synchronous to the end: no other JavaScript may run in the wrong namespace.
 *
 * @throws NetlinkError when there is no such namespace (ENOENT), when it is none (EINVAL), when CAP_SYS_ADMIN is missing
 * (EPERM), or when there was no way back, and then the process should end.
 */
export function inNamespace(libc: Libc, namespace: Namespace, work: () => number): number {
  const target = openNamespace(libc, namespace)
  try {
    const home = open(libc, HERE)
    if (home < 0) throw new NetlinkError('open', -home, { detail: HERE })
    try {
      const entered = libc.setns(target, CLONE_NEWNET)
      if (entered < 0) throw refused('setns', -entered, namespace)
      let fd = -EINVAL
      try {
        fd = work()
      } finally {
        comeBack(libc, home, fd)
      }
      return fd
    } finally {
      libc.close(home)
    }
  } finally {
    libc.close(target)
  }
}

function comeBack(libc: Libc, home: number, fd: number): void {
  const back = libc.setns(home, CLONE_NEWNET)
  if (back >= 0) return
  if (fd >= 0) libc.close(fd)
  throw new NetlinkError('setns', -back, { detail: 'cannot go back: this process is now in the wrong network namespace and must end' })
}

function openNamespace(libc: Libc, namespace: Namespace): number {
  const name = String(namespace)
  if (name.includes('\0')) throw refused('open', EINVAL, namespace)
  let fd: number
  if (isProcess(name)) fd = open(libc, `/proc/${name}/ns/net`)
  else if (name.includes('/')) fd = open(libc, name)
  else {
    fd = open(libc, `/run/netns/${name}`)
    if (fd === -ENOENT) fd = open(libc, `/var/run/netns/${name}`)
  }
  if (fd < 0) throw refused('open', -fd, namespace)
  return fd
}

function open(libc: Libc, path: string): number {
  return libc.open(new TextEncoder().encode(`${path}\0`), O_RDONLY | O_NONBLOCK | O_CLOEXEC)
}

function isProcess(name: string): boolean {
  return /^\d+$/.test(name)
}

function refused(call: string, errno: number, namespace: Namespace): NetlinkError {
  return new NetlinkError(call, errno, { detail: reason(errno, String(namespace)) })
}

function reason(errno: number, name: string): string {
  if (errno === EPERM) return `entering network namespace ${name} takes CAP_SYS_ADMIN`
  if (errno === EINVAL) return `${name} is not a network namespace`
  if (errno !== ENOENT) return `network namespace ${name}`
  if (isProcess(name)) return `there is no process ${name}`
  if (name.includes('/')) return `there is no network namespace at ${name}`
  return `there is no network namespace named ${name}; "ip netns list" lists them`
}
