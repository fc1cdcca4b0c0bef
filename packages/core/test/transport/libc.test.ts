import { libc } from '#libc'
import t from 'tap'
import { assertHost } from '../../src/transport/libc.ts'
import { libc as none } from '../../src/transport/none.ts'

const ENOENT = -2
const EBADF = -9
const EAGAIN = -11
const EINVAL = -22
const ENOTSOCK = -88
const ENOPROTOOPT = -92
const EAFNOSUPPORT = -97

const SOL_SOCKET = 1
const SOL_NETLINK = 270
const MSG_TRUNC = 0x20
const MSG_DONTWAIT = 0x40
const CLONE_NEWNET = 0x40000000

const c = libc()
const path = (text: string): Uint8Array => new TextEncoder().encode(`${text}\0`)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const hexadecimal = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex')

type Tap = Pick<typeof t, 'ok' | 'equal' | 'teardown'>

/** A netfilter socket that is closed with the test, bound by the kernel as it likes. */
function netlink(t: Tap): number {
  const fd = c.socket(16, 3 | 0o2000000, 12) // AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER
  t.ok(fd >= 0)
  t.teardown(() => c.close(fd))
  t.equal(c.bind(fd, Uint8Array.of(16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)), 0)
  return fd
}

/** nlmsghdr with a message the kernel has no use for and therefore acknowledges: type NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK. */
function ping(sequence: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(16, 0x00050001, sequence, 0).buffer)
}

t.test('libc() loads once', (t) => {
  t.equal(libc(), c)
  t.end()
})

t.test('a socket has an address', (t) => {
  const fd = netlink(t)
  const address = new Uint8Array(12).fill(0xee)
  t.equal(c.getsockname(fd, address), 0)
  t.equal(hex(address.subarray(0, 4)), '10000000') // AF_NETLINK
  t.not(hex(address.subarray(4, 8)), '00000000', 'nl_pid was chosen')
  t.equal(hex(address.subarray(8)), '00000000')
  t.end()
})

t.test('a failure is the negative errno', (t) => {
  const fd = netlink(t)
  const buffer = new Uint8Array(16)
  const number = Int32Array.of(1)
  t.equal(c.open(path('/nowhere/at/all'), 0), ENOENT)
  t.equal(c.close(-1), EBADF)
  t.equal(c.setns(-1, CLONE_NEWNET), EBADF)
  t.equal(c.setns(fd, CLONE_NEWNET), EINVAL)
  t.equal(c.socket(12345, 3, 0), EAFNOSUPPORT)
  t.equal(c.bind(-1, buffer), EBADF)
  t.equal(c.bind(fd, new Uint8Array(2)), EINVAL, 'too short an address')
  t.equal(c.getsockname(-1, buffer), EBADF)
  t.equal(c.setsockopt(-1, SOL_NETLINK, 11, number), EBADF)
  t.equal(c.setsockopt(fd, SOL_NETLINK, 9999, number), ENOPROTOOPT)
  t.equal(c.getsockopt(fd, SOL_NETLINK, 9999, number), ENOPROTOOPT)
  t.equal(c.send(-1, buffer, 0), EBADF)
  t.equal(c.recvfrom(-1, buffer, 0, buffer), EBADF)
  t.equal(c.recvfrom(fd, buffer, MSG_DONTWAIT, new Uint8Array(12)), EAGAIN)
  t.end()
})

t.test('open() takes a path in UTF-8, and what it opens is a descriptor of the system', (t) => {
  t.equal(c.open(path('/nowhere/ñ/€'), 0), ENOENT)
  const fd = c.open(path('/dev/null'), 0)
  t.ok(fd >= 0)
  t.equal(c.recvfrom(fd, new Uint8Array(4), 0, new Uint8Array(12)), ENOTSOCK)
  t.equal(c.close(fd), 0)
  t.end()
})

t.test('options go in and come out', (t) => {
  const fd = netlink(t)
  const value = Int32Array.of(0)
  t.equal(c.setsockopt(fd, SOL_SOCKET, 8, Int32Array.of(65536)), 0) // SO_RCVBUF
  t.equal(c.getsockopt(fd, SOL_SOCKET, 8, value), 0)
  t.equal(value[0], 131072, 'the kernel takes twice as much')
  for (const option of [10, 11, 12]) t.equal(c.setsockopt(fd, SOL_NETLINK, option, Int32Array.of(1)), 0)
  t.end()
})

t.test('the kernel answers, and is seen to be the sender', (t) => {
  const fd = netlink(t)
  const into = new Uint8Array(4096).fill(0xee)
  const sender = new Uint8Array(12).fill(0xee)
  t.equal(c.send(fd, ping(0x01020304), 0), 16)
  t.equal(c.recvfrom(fd, into, MSG_TRUNC, sender), 36)
  // nlmsg_len 36, NLMSG_ERROR, flags, nlmsg_seq, our port id, a number (EPERM if we are not root), our header again.
  t.match(hex(into.subarray(0, 36)), /^240000000200.{4}04030201.{8}.{8}10000000010005000403020100000000$/)
  t.equal(into[36], 0xee, 'nothing is written behind it')
  t.equal(hex(sender), '100000000000000000000000') // AF_NETLINK, nl_pid 0
  t.end()
})

t.test('a part of a buffer is that part', (t) => {
  const fd = netlink(t)
  const around = new Uint8Array(4096).fill(0xee)
  around.set(ping(7), 100)
  t.equal(c.send(fd, around.subarray(100, 116), 0), 16)
  const sender = new Uint8Array(20).fill(0xee)
  t.equal(c.recvfrom(fd, around.subarray(200, 300), 0, sender.subarray(4, 16)), 36)
  t.equal(around[199], 0xee)
  t.equal(around[200], 36)
  t.equal(around[236], 0xee)
  t.equal(hex(sender), `eeeeeeee100000000000000000000000eeeeeeee`)
  t.end()
})

t.test('MSG_TRUNC gives the length of a datagram that does not fit', (t) => {
  const fd = netlink(t)
  const into = new Uint8Array(64).fill(0xee)
  c.send(fd, ping(7), 0)
  t.equal(c.recvfrom(fd, into.subarray(0, 8), MSG_TRUNC, new Uint8Array(12)), 36)
  t.equal(hex(into.subarray(0, 9)).slice(16), 'ee')
  t.end()
})

const skip = process.getuid?.() === 0 ? false : 'the kernel lists flows to root only'

t.test('the kernel counts flows', { skip }, (t) => {
  const fd = netlink(t)
  const into = new Uint8Array(65536)
  const request = hexadecimal(
    '14000000 0501 0100 07000000 00000000 00000000', // IPCTNL_MSG_CT_GET_STATS, NLM_F_REQUEST, nlmsg_seq 7
  )
  t.equal(c.send(fd, request, 0), 20)
  t.ok(c.recvfrom(fd, into, MSG_TRUNC, new Uint8Array(12)) >= 28)
  t.equal(hex(into.subarray(4, 6)), '0501')
  t.equal(hex(into.subarray(8, 12)), '07000000')
  t.equal(hex(into.subarray(20, 24)), '08000100') // CTA_STATS_GLOBAL_ENTRIES
  t.end()
})

t.test('the kernel lists flows until NLMSG_DONE', { skip }, (t) => {
  const fd = netlink(t)
  const into = new Uint8Array(65536)
  const view = new DataView(into.buffer)
  const request = hexadecimal(
    '14000000 0101 0103 07000000 00000000 00000000', // IPCTNL_MSG_CT_GET, NLM_F_REQUEST | NLM_F_DUMP
  )
  t.equal(c.send(fd, request, 0), 20)
  const types = new Set<number>()
  while (!types.has(3)) {
    const length = c.recvfrom(fd, into, MSG_TRUNC, new Uint8Array(12))
    if (length <= 0 || length > into.length) throw new Error(`recvfrom: ${length}`)
    for (let at = 0; at < length; at += (view.getUint32(at, true) + 3) & ~3) types.add(view.getUint16(at + 4, true))
  }
  types.delete(0x0100) // IPCTNL_MSG_CT_NEW, if there are flows
  t.strictSame([...types], [3])
  t.end()
})

t.test('100,000 datagrams under a busy garbage collector arrive whole and cost no memory', { timeout: 120_000 }, (t) => {
  const fd = netlink(t)
  const into = new Uint8Array(65536)
  const words = new Int32Array(into.buffer)
  const sender = new Uint8Array(12)
  let garbage: unknown[] = []
  let wrong = 0
  const rounds = (from: number, to: number): void => {
    for (let sequence = from; sequence < to; sequence++) {
      garbage.push(new Uint8Array(sequence % 2000), { sequence })
      if (garbage.length > 1000) garbage = []
      const sent = c.send(fd, ping(sequence), 0)
      const received = c.recvfrom(fd, into, MSG_TRUNC, sender)
      const nothing = c.recvfrom(fd, into, MSG_DONTWAIT, sender)
      if (sent !== 16 || received !== 36 || words[2] !== sequence || nothing !== EAGAIN) wrong++
    }
  }
  rounds(1, 20_000)
  const before = process.memoryUsage().rss
  rounds(20_000, 120_000)
  t.equal(wrong, 0)
  t.ok(process.memoryUsage().rss - before < 32e6, `${(process.memoryUsage().rss - before) / 1e6} MB more`)
  t.end()
})

t.test('a machine that will not do is refused with a reason', (t) => {
  t.throws(() => assertHost('darwin'), /Linux.*darwin/)
  t.throws(() => assertHost('linux', 0), /big-endian/)
  assertHost('linux')
  t.throws(none, /use Bun, Node or Deno/)
  t.end()
})
