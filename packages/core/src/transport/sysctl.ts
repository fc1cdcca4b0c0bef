import type { Libc } from './libc.ts'
import { inNamespace, type Namespace } from './netns.ts'

const O_RDONLY = 0
const O_CLOEXEC = 0o2000000

/**
 * A setting of the kernel's that each network namespace has for itself: `net.netfilter.nf_conntrack_events`. It is looked up in the
 * namespace of the thread. Undefined where it cannot be read, or is no number.
 *
 * @throws NetlinkError when the namespace cannot be entered
 */
export function networkSetting(libc: Libc, name: string, netns?: Namespace): number | undefined {
  const path = new TextEncoder().encode(`/proc/sys/${name.replaceAll('.', '/')}\0`)
  const open = (): number => libc.open(path, O_RDONLY | O_CLOEXEC)
  const fd = netns === undefined ? open() : inNamespace(libc, netns, open)
  if (fd < 0) return undefined
  const text = new Uint8Array(16)
  const length = libc.read(fd, text)
  libc.close(fd)
  const number = Number.parseInt(new TextDecoder().decode(text.subarray(0, Math.max(0, length))), 10)
  return Number.isNaN(number) ? undefined : number
}
