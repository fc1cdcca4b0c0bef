import t from 'tap'
import type { Libc } from '../../src/transport/libc.ts'
import { openSocket } from '../../src/transport/socket.ts'
import { type Script, scriptedLibc } from '../scripted-libc.ts'

const EPERM = -1
const ENOENT = -2
const EINTR = -4
const EAGAIN = -11
const EINVAL = -22
const EMFILE = -24
const ENOPROTOOPT = -92
const EPROTONOSUPPORT = -93
const EAFNOSUPPORT = -97
const ENOBUFS = -105

/** What is expected of a NetlinkError. */
type Expected = { readonly code: string; readonly command?: string; readonly detail?: string | RegExp }

/** Gives the results one after the other, then nothing special. */
function inTurn(...results: readonly number[]): () => number | undefined {
  let call = 0
  return () => results[call++]
}

t.test('openSocket() makes a netfilter socket, sets its options and asks for its port id', (t) => {
  const libc = scriptedLibc()
  const socket = openSocket({ libc })
  t.strictSame(libc.calls, [
    'socket 16 524291 12', // AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER
    'setsockopt 3 270 10 1', // SOL_NETLINK, NETLINK_CAP_ACK
    'setsockopt 3 270 11 1', // SOL_NETLINK, NETLINK_EXT_ACK
    'setsockopt 3 270 12 1', // SOL_NETLINK, NETLINK_GET_STRICT_CHK
    'bind 3 100000000000000000000000', // AF_NETLINK, nl_pid 0, nl_groups 0
  ])
  t.equal(socket.portId, 0xf0003039)
  t.end()
})

t.test('groups are bits of nl_groups, group 1 the lowest', (t) => {
  const bound = (groups: number[]): string | undefined => {
    const libc = scriptedLibc()
    openSocket({ libc, groups })
    return libc.calls.at(-1)
  }
  t.equal(bound([1, 3]), 'bind 3 100000000000000005000000')
  t.equal(bound([32]), 'bind 3 100000000000000000000080')
  for (const group of [0, 33, 1.5, Number.NaN]) t.throws(() => bound([group]), RangeError)
  t.end()
})

t.test('receiveBuffer is forced, and without the right to do so asked for', (t) => {
  const libc = scriptedLibc()
  openSocket({ libc, receiveBuffer: 1 << 20 })
  t.match(libc.calls, ['socket 16 524291 12', 'setsockopt 3 1 33 1048576', 'setsockopt 3 270 10 1']) // SO_RCVBUFFORCE
  const unprivileged = scriptedLibc({ setsockopt: (_fd, _level, option) => (option === 33 ? EPERM : 0) })
  openSocket({ libc: unprivileged, receiveBuffer: 2 ** 40 })
  t.match(unprivileged.calls, ['socket 16 524291 12', 'setsockopt 3 1 33 2147483647', 'setsockopt 3 1 8 2147483647']) // SO_RCVBUF
  const refusing = scriptedLibc({ setsockopt: () => EINVAL })
  t.throws(() => openSocket({ libc: refusing, receiveBuffer: 1 }), { code: 'EINVAL', command: 'setsockopt' })
  t.equal(refusing.descriptors.size, 0)
  t.end()
})

t.test('a kernel too old for an option does without', (t) => {
  const libc = scriptedLibc({ setsockopt: () => ENOPROTOOPT })
  openSocket({ libc })
  t.equal(libc.calls.length, 5)
  t.end()
})

t.test('a kernel without netlink for netfilter is an error that names the module', (t) => {
  const missing = { EPROTONOSUPPORT, EAFNOSUPPORT }
  for (const [code, errno] of Object.entries(missing)) {
    const libc = scriptedLibc({ socket: () => errno })
    t.throws(() => openSocket({ libc }), { code, command: 'socket', detail: /load the module nf_conntrack_netlink/ })
  }
  t.throws(() => openSocket({ libc: scriptedLibc({ socket: () => EMFILE }) }), { message: 'socket: EMFILE: Too many open files' })
  t.end()
})

t.test('every call that fails leaves no descriptor open', (t) => {
  const places: [string, Script, Expected][] = [
    ['socket', { socket: () => EMFILE }, { command: 'socket', code: 'EMFILE' }],
    ['an option', { setsockopt: () => EINVAL }, { command: 'setsockopt', code: 'EINVAL' }],
    ['the last option', { setsockopt: inTurn(0, 0, 0, EINVAL) }, { code: 'EINVAL', command: 'setsockopt' }],
    ['bind', { bind: () => EPERM }, { command: 'bind', code: 'EPERM' }],
    ['getsockname', { getsockname: () => ENOBUFS }, { command: 'getsockname', code: 'ENOBUFS' }],
    ['opening the namespace', { open: () => EMFILE }, { command: 'open', code: 'EMFILE' }],
    ['opening its own', { open: inTurn(0, EMFILE) }, { command: 'open', code: 'EMFILE', detail: '/proc/thread-self/ns/net' }],
    ['setns', { setns: () => EPERM }, { command: 'setns', code: 'EPERM' }],
    ['setns back', { setns: inTurn(0, EPERM) }, { code: 'EPERM', command: 'setns', detail: /now in the wrong network namespace/ }],
    ['socket and setns back', { socket: () => EMFILE, setns: inTurn(0, EPERM) }, { code: 'EPERM', command: 'setns' }],
  ]
  for (const [name, script, expected] of places) {
    const libc = scriptedLibc(script)
    t.throws(() => openSocket({ libc, netns: 'blue', receiveBuffer: 1000 }), expected, name)
    t.equal(libc.descriptors.size, 0, `${name}: none open`)
  }
  const throwing = scriptedLibc({
    socket() {
      throw new Error('a bug')
    },
  })
  t.throws(() => openSocket({ libc: throwing, netns: 'blue' }), /a bug/)
  t.equal(throwing.calls.filter((call) => call.startsWith('setns')).length, 2, 'even an exception finds the way back')
  t.equal(throwing.descriptors.size, 0)
  t.end()
})

t.test('netns: the socket is made between two setns, and only it stays open', (t) => {
  const libc = scriptedLibc()
  openSocket({ libc, netns: 'blue' })
  t.match(libc.calls, [
    'open /run/netns/blue 02004000', // O_RDONLY | O_CLOEXEC | O_NONBLOCK
    'open /proc/thread-self/ns/net 02004000',
    'setns 3 1073741824', // CLONE_NEWNET
    'socket 16 524291 12',
    'setns 4 1073741824',
    'close 4',
    'close 3',
    'setsockopt 5 270 10 1',
  ])
  t.strictSame([...libc.descriptors], [5])
  t.end()
})

t.test('netns is a name, a path or the id of a process', (t) => {
  const opened = (netns: string | number, ...results: readonly number[]): string[] => {
    const libc = scriptedLibc({ open: inTurn(...results) })
    openSocket({ libc, netns })
    return libc.calls.filter((call) => call.startsWith('open ') && !call.includes('thread-self')).map((call) => call.split(' ')[1])
  }
  t.strictSame(opened('blue'), ['/run/netns/blue'])
  t.strictSame(opened('blue', ENOENT), ['/run/netns/blue', '/var/run/netns/blue'])
  t.strictSame(opened('./blue'), ['./blue'])
  t.strictSame(opened('/proc/1/ns/net'), ['/proc/1/ns/net'])
  t.strictSame(opened(42), ['/proc/42/ns/net'])
  t.strictSame(opened('42'), ['/proc/42/ns/net'])
  t.end()
})

t.test('a namespace that cannot be had is an error that says which and why', (t) => {
  const refused = (netns: string | number, script: Script, expected: Expected): void => {
    const libc = scriptedLibc(script)
    t.throws(() => openSocket({ libc, netns }), expected)
    t.equal(libc.descriptors.size, 0)
  }
  const missing: Script = { open: () => ENOENT }
  const detail = 'there is no network namespace named blue; "ip netns list" lists them'
  refused('blue', missing, { code: 'ENOENT', command: 'open', detail })
  refused('/tmp/blue', missing, { code: 'ENOENT', detail: 'there is no network namespace at /tmp/blue' })
  refused(42, missing, { code: 'ENOENT', detail: 'there is no process 42' })
  refused('/etc/passwd', { setns: () => EINVAL }, { code: 'EINVAL', command: 'setns', detail: '/etc/passwd is not a network namespace' })
  refused(
    'blue',
    { setns: () => EPERM },
    { code: 'EPERM', command: 'setns', detail: 'entering network namespace blue takes CAP_SYS_ADMIN' },
  )
  refused('blue', { setns: () => -12 }, { code: 'ENOMEM', command: 'setns', detail: 'network namespace blue' })
  refused('blue\0', {}, { code: 'EINVAL', command: 'open' })
  t.end()
})

t.test('send() sends the bytes as they are', (t) => {
  const libc = scriptedLibc()
  openSocket({ libc }).send(Uint8Array.of(1, 2, 255))
  t.equal(libc.calls.at(-1), 'send 3 0102ff 0')
  t.end()
})

t.test('send() goes on after EINTR, and tries again when memory is short', (t) => {
  const libc = scriptedLibc({ send: inTurn(EINTR, ENOBUFS, EAGAIN, EINTR) })
  openSocket({ libc }).send(Uint8Array.of(1))
  t.equal(libc.calls.filter((call) => call.startsWith('send ')).length, 5)
  t.throws(() => openSocket({ libc: scriptedLibc({ send: () => ENOBUFS }) }).send(Uint8Array.of(1)), { code: 'ENOBUFS', command: 'send' })
  t.throws(() => openSocket({ libc: scriptedLibc({ send: () => EAGAIN }) }).send(Uint8Array.of(1)), { code: 'EAGAIN' })
  t.throws(() => openSocket({ libc: scriptedLibc({ send: () => EPERM }) }).send(Uint8Array.of(1)), { code: 'EPERM' })
  t.end()
})

t.test('send() of half the bytes is an error', (t) => {
  const socket = openSocket({ libc: scriptedLibc({ send: () => 1 }) })
  t.throws(() => socket.send(Uint8Array.of(1, 2)), { code: 'EMSGSIZE', command: 'send', detail: '1 of 2 bytes were sent' })
  t.end()
})

t.test('receive() fills the buffer and gives the length', (t) => {
  const libc = scriptedLibc({
    recvfrom(fd, into, flags) {
      into.set([7, 8, 9])
      return fd === 3 && flags === 0x20 ? 3 : EINVAL // MSG_TRUNC
    },
  })
  const into = new Uint8Array(16)
  t.equal(openSocket({ libc }).receive(into), 3)
  t.strictSame([...into.subarray(0, 4)], [7, 8, 9, 0])
  t.end()
})

t.test('receive() goes on after EINTR, however often', (t) => {
  const interruptions = Array.from({ length: 1000 }, () => EINTR)
  t.equal(openSocket({ libc: scriptedLibc({ recvfrom: inTurn(...interruptions, 20) }) }).receive(new Uint8Array(64)), 20)
  t.end()
})

t.test('receive() does not believe an EAGAIN, but in the end it does', (t) => {
  t.equal(openSocket({ libc: scriptedLibc({ recvfrom: inTurn(EAGAIN, EAGAIN, 20) }) }).receive(new Uint8Array(64)), 20)
  let calls = 0
  const libc = scriptedLibc({ recvfrom: () => (calls++, EAGAIN) })
  t.throws(() => openSocket({ libc }).receive(new Uint8Array(64)), { code: 'EAGAIN', command: 'recvfrom' })
  t.equal(calls, 17)
  t.end()
})

t.test('receive() ignores what comes from anyone but the kernel', (t) => {
  for (const at of [4, 5, 6, 7]) {
    let calls = 0
    const recvfrom: Libc['recvfrom'] = (_fd, _into, _flags, sender) => {
      if (++calls > 3) return 24
      sender[at] = 1 // a byte of nl_pid
      return [20, 0, 1000][calls - 1] // also if it is empty or too long
    }
    t.equal(openSocket({ libc: scriptedLibc({ recvfrom }) }).receive(new Uint8Array(64)), 24)
    t.equal(calls, 4)
  }
  t.end()
})

t.test('receive() of a datagram that is longer than the buffer is an error', (t) => {
  const socket = openSocket({ libc: scriptedLibc({ recvfrom: () => 65 }) })
  t.throws(() => socket.receive(new Uint8Array(64)), { code: 'EMSGSIZE', detail: 'a datagram of 65 bytes, where 64 fit' })
  t.end()
})

t.test('receive() of an empty datagram is an error', (t) => {
  const socket = openSocket({ libc: scriptedLibc({ recvfrom: () => 0 }) })
  t.throws(() => socket.receive(new Uint8Array(64)), { name: 'MalformedMessageError', offset: 0 })
  t.end()
})

t.test('receive() says that messages were lost, and goes on afterwards', (t) => {
  const socket = openSocket({ libc: scriptedLibc({ recvfrom: inTurn(ENOBUFS, 20) }) })
  t.throws(() => socket.receive(new Uint8Array(64)), { code: 'ENOBUFS', command: 'recvfrom', detail: /lost/ })
  t.equal(socket.receive(new Uint8Array(64)), 20)
  t.end()
})

t.test('close() closes once, and a closed socket says so', (t) => {
  const libc = scriptedLibc()
  const socket = openSocket({ libc })
  socket.close()
  socket.close()
  socket[Symbol.dispose]()
  t.equal(libc.calls.filter((call) => call === 'close 3').length, 1)
  t.throws(() => socket.send(Uint8Array.of(1)), /closed/)
  t.throws(() => socket.receive(new Uint8Array(64)), /closed/)
  t.equal(socket.portId, 0xf0003039)
  t.end()
})

t.test('a socket is disposed of at the end of its block', (t) => {
  const libc = scriptedLibc()
  {
    using _socket = openSocket({ libc })
    t.equal(libc.descriptors.size, 1)
  }
  t.equal(libc.descriptors.size, 0)
  t.end()
})
