import t from 'tap'
import { Mailbox } from '../../src/transport/mailbox.ts'
import { Poller } from '../../src/transport/poller.ts'
import { openSubscription, type Subscription } from '../../src/transport/subscription.ts'
import { scriptedLibc } from '../scripted-libc.ts'
import { message } from '../scripted-kernel.ts'

const [EINTR, EAGAIN, ENOBUFS, EBADF, ENOPROTOOPT] = [-4, -11, -105, -9, -92]
const MEMINFO = 55

const event = (mark: number): Uint8Array => message({ type: 0x0100, sequence: 0, flags: 0, body: Uint8Array.of(8, 0, 8, 0, 0, 0, 0, mark) })

/** Puts datagrams into the memory that a vector of recvmmsg(2) points to; it begins at address 0. */
function deliver(
  vector: Uint8Array,
  datagrams: readonly { readonly bytes: Uint8Array; readonly from?: number; readonly cut?: boolean }[],
): number {
  const view = new DataView(vector.buffer)
  for (const [i, { bytes, from = 0, cut = false }] of datagrams.entries()) {
    const iovec = Number(view.getBigUint64(i * 64 + 16, true))
    new Uint8Array(vector.buffer).set(bytes, Number(view.getBigUint64(iovec, true)))
    view.setUint32(Number(view.getBigUint64(i * 64, true)) + 4, from, true)
    view.setUint32(i * 64 + 48, cut ? 0x20 : 0, true)
    view.setUint32(i * 64 + 56, bytes.length, true)
  }
  return datagrams.length
}

interface Script {
  /** What each call of recvmmsg(2) gives; EAGAIN after that. */
  readonly calls: readonly (number | Parameters<typeof deliver>[1])[]
  /** SK_MEMINFO_DROPS; the kernel does not tell where this is undefined. */
  readonly drops?: () => number
}

function subscribe({ calls, drops }: Script): { subscription: Subscription; libc: ReturnType<typeof scriptedLibc> } {
  let call = 0
  const libc = scriptedLibc({
    recvmmsg(_fd, vector) {
      const answer = calls[call++] ?? EAGAIN
      return typeof answer === 'number' ? answer : deliver(vector, answer)
    },
    getsockopt(_fd, _level, option, value) {
      if (option !== MEMINFO) return 0
      if (drops === undefined) return ENOPROTOOPT
      value[8] = drops()
      return 0
    },
  })
  const poller = new Poller(libc, () => ({ wait: async () => [], close() {} }))
  return { subscription: openSubscription({ libc, groups: [1], poller }), libc }
}

/** The marks of the events that were received. */
function received(subscription: Subscription, limit = 1000): { readonly marks: number[]; readonly isEmpty: boolean } {
  const marks: number[] = []
  const isEmpty = subscription.receive((bytes, start, end) => {
    if (end - start !== 28) throw new Error(`a message of ${end - start} bytes`)
    marks.push(bytes[start + 27])
  }, limit)
  return { marks, isEmpty }
}

t.test('a subscription visits what the kernel has queued, many datagrams a call', (t) => {
  const { subscription } = subscribe({ calls: [[{ bytes: event(1) }, { bytes: event(2) }], EINTR, [{ bytes: event(3) }]], drops: () => 0 })
  t.strictSame(received(subscription), { marks: [1, 2, 3], isEmpty: true })
  t.strictSame(received(subscription), { marks: [], isEmpty: true })
  t.strictSame(subscription.losses, { times: 0, messages: 0 })
  t.end()
})

t.test('it stops at the limit, between calls', (t) => {
  const { subscription } = subscribe({ calls: [[{ bytes: event(1) }, { bytes: event(2) }], [{ bytes: event(3) }]], drops: () => 0 })
  t.strictSame(received(subscription, 1), { marks: [1, 2], isEmpty: false })
  t.strictSame(received(subscription, 5), { marks: [3], isEmpty: true })
  t.end()
})

t.test('ENOBUFS is a loss that is counted when the queue is empty', (t) => {
  const { subscription } = subscribe({ calls: [ENOBUFS, [{ bytes: event(1) }], [{ bytes: event(2) }]], drops: () => 17 })
  t.strictSame(received(subscription, 1), { marks: [1], isEmpty: false })
  t.strictSame(subscription.losses, { times: 0, messages: 0 }, 'not while older messages are queued')
  t.strictSame(received(subscription), { marks: [2], isEmpty: true })
  t.strictSame(subscription.losses, { times: 1, messages: 17 })
  t.end()
})

t.test('a loss of which nobody told is found by the kernel’s count', (t) => {
  let dropped = 0
  const { subscription } = subscribe({ calls: [], drops: () => dropped })
  received(subscription)
  dropped = 3
  received(subscription)
  t.strictSame(subscription.losses, { times: 1, messages: 3 })
  t.end()
})

t.test('where the kernel does not count, a loss is at least one message', (t) => {
  const { subscription } = subscribe({ calls: [ENOBUFS, EAGAIN, ENOBUFS] })
  received(subscription)
  t.strictSame(subscription.losses, { times: 1, messages: 1 })
  received(subscription)
  t.strictSame(subscription.losses, { times: 2, messages: 2 })
  t.end()
})

t.test('a datagram that does not fit is lost, and one that is not the kernel’s is none', (t) => {
  const { subscription } = subscribe({
    calls: [[{ bytes: event(1), cut: true }, { bytes: event(2), from: 4711 }, { bytes: event(3) }]],
    drops: () => 0,
  })
  t.strictSame(received(subscription), { marks: [3], isEmpty: true })
  t.strictSame(subscription.losses, { times: 1, messages: 1 })
  t.end()
})

t.test('another error is thrown', (t) => {
  const { subscription } = subscribe({ calls: [EBADF] })
  t.throws(() => received(subscription), { name: 'NetlinkError', code: 'EBADF', command: 'recvmmsg' })
  t.end()
})

t.test('closed, it cannot be received from, and leaves nothing open', async (t) => {
  const { subscription, libc } = subscribe({ calls: [] })
  subscription.close()
  subscription.close()
  t.throws(() => received(subscription), /closed/)
  await subscription.readable()
  t.equal(libc.descriptors.size, 0)
})

t.test('it leaves its groups, and then can still be received from', async (t) => {
  const { subscription, libc } = subscribe({ calls: [[{ bytes: event(1) }]], drops: () => 0 })
  const waiting = subscription.readable()
  subscription.leave()
  await waiting
  t.ok(libc.calls.includes('setsockopt 3 270 2 1'), 'NETLINK_DROP_MEMBERSHIP')
  t.strictSame(received(subscription), { marks: [1], isEmpty: true })
  subscription.close()
  subscription.leave()
  t.equal(libc.descriptors.size, 0)
})

t.test('a filter is attached, and reliability asked for, before the socket is bound', (t) => {
  const libc = scriptedLibc()
  const poller = new Poller(libc, () => ({ wait: async () => [], close() {} }))
  openSubscription({ libc, groups: [1], filter: new Uint8Array(16), reliable: true, poller })
  const names = libc.calls.map((call) => call.split(' ').slice(0, 4).join(' '))
  const at = (call: string): number => names.indexOf(call)
  t.ok(at('setsockopt 3 270 4') > 0 && at('setsockopt 3 270 4') < names.findIndex((call) => call.startsWith('bind')))
  t.ok(at('setsockopt 3 1 26') > 0 && at('setsockopt 3 1 26') < names.findIndex((call) => call.startsWith('bind')))
  t.match(libc.calls[at('setsockopt 3 1 26')], / 26 2,0,0,0$/, 'two instructions')
  t.end()
})

t.test('a mailbox points to memory that it keeps', (t) => {
  const mailbox = new Mailbox(scriptedLibc({ address: () => 0x1000n, recvmmsg: () => 5 }))
  const view = new DataView(mailbox.bytes.buffer)
  for (const slot of [0, 63]) {
    const iovec = Number(view.getBigUint64(slot * 64 + 16, true)) - 0x1000
    t.equal(Number(view.getBigUint64(iovec, true)) - 0x1000, mailbox.start(slot))
  }
  t.equal(mailbox.receive(3), 5)
  t.end()
})
