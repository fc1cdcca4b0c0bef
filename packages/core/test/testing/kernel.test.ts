import t from 'tap'
import { openConntrack } from '../../src/conntrack.ts'
import { DumpInterruptedError, NetlinkError } from '../../src/errors.ts'
import { NLM_F_ACK, NLM_F_DUMP } from '../../src/transport/message.ts'
import { requests } from '../../src/transport/request.ts'
import { createKernel, type KernelSettings } from '../../src/testing/index.ts'
import { datagram, echo, stream } from '../protocols.ts'
import { message } from '../scripted-kernel.ts'

const PROTOCOLS = [stream, datagram, echo] as const

const tuple = (sourcePort: number) => ({ source: '10.0.0.1', destination: '10.0.0.2', sourcePort, destinationPort: 443 })
const given = (port: number, more: object = {}) => ({ protocol: 'stream', original: tuple(port), timeout: 60, ...more }) as const

function start(settings: KernelSettings = {}) {
  const kernel = createKernel({ protocols: PROTOCOLS, ...settings })
  return { kernel, ct: openConntrack({ protocols: PROTOCOLS, socket: kernel.socket }) }
}

t.test('time stands still until it is told to pass, and flows end with it', async (t) => {
  const { kernel, ct } = start({ timestamps: true, now: 5_000_000_000n })
  ct.flows.create(given(1))
  kernel.advance(59.5)
  t.equal(kernel.now, 64_500_000_000n)
  t.match([...ct.flows.list()], [{ timeout: 0, timestamp: { start: 5_000_000_000n } }])
  ct.flows.update({}, { timeout: 10 })
  kernel.advance(9)
  t.match([...ct.flows.list()], [{ timeout: 1 }])
  kernel.advance(1)
  t.equal(ct.flows.count(), 0)
})

t.test('packets are counted, and a reply is seen', async (t) => {
  const { kernel, ct } = start()
  const flow = kernel.track({ protocol: 'stream', original: tuple(1), state: 'OPENING' })
  t.match(flow.flow, { protocol: 'stream', family: 'ipv4', state: 'OPENING', timeout: 600, status: ['CONFIRMED'] })
  flow.packets('original', 100)
  flow.packets('reply', 3000, 2, 900)
  flow.change({ state: 'OPEN', status: ['ASSURED'], mark: 7 })
  const [listed] = ct.flows.list()
  t.match(listed, {
    original: tuple(1),
    reply: { source: '10.0.0.2', destination: '10.0.0.1', sourcePort: 443, destinationPort: 1 },
    originalCounters: { packets: 1n, bytes: 100n },
    replyCounters: { packets: 2n, bytes: 3000n },
    status: ['SEEN_REPLY', 'ASSURED', 'CONFIRMED'],
    state: 'OPEN',
    mark: 7,
    timeout: 900,
  })
  t.strictSame(flow.flow, listed)
  t.equal(flow.isAlive, true)
  t.equal([...ct.flows.list({}, { zeroCounters: true })].length, 1)
  t.match([...ct.flows.list()], [{ originalCounters: { packets: 0n } }])
  flow.end()
  t.equal(flow.isAlive, false)
  t.equal(ct.flows.count(), 0)
  t.throws(() => kernel.track({ protocol: 'nope' } as never), new RangeError("protocol 'nope' is not known to this kernel"))
})

t.test('what is offloaded has no timeout and no state, and is not deleted', async (t) => {
  const { kernel, ct } = start()
  kernel.track({ protocol: 'stream', original: tuple(1), status: ['OFFLOAD'] })
  const [flow] = ct.flows.list()
  t.notOk('timeout' in flow)
  t.notOk('state' in flow)
  t.throws(() => ct.flows.delete({}), new NetlinkError('IPCTNL_MSG_CT_DELETE', 16))
  ct.flows.flush()
  t.equal(ct.flows.count(), 1)
})

t.test('flows of IPv6, of pings and of protocols that are not known can be tracked', async (t) => {
  const { kernel, ct } = start({ accounting: false })
  kernel.track({ protocol: 'datagram', original: { ...tuple(1), source: 'fd00::1', destination: 'fd00::2' } })
  kernel.track({ protocol: 'echo', original: { source: '10.0.0.1', destination: '10.0.0.2', type: 8, code: 0, id: 1 } })
  using other = openConntrack({ protocols: [], socket: kernel.socket })
  t.match([...other.flows.list()], [{ protocol: 'unknown', family: 'ipv6' }, { protocol: 'unknown' }])
  const found = [...ct.flows.list({ family: 'ipv6' })]
  t.match(found, [{ protocol: 'datagram', reply: { source: 'fd00::2', sourcePort: 443 } }])
  t.notOk('originalCounters' in found[0], 'and what is not counted is not told')
})

t.test('requests are counted by kind', async (t) => {
  const { kernel, ct } = start()
  ct.flows.create(given(1))
  ct.flows.create(given(2))
  ct.flows.delete({ original: { source: '10.0.0.1' } })
  t.strictSame(
    [kernel.requests('IPCTNL_MSG_CT_NEW'), kernel.requests('IPCTNL_MSG_CT_GET'), kernel.requests('IPCTNL_MSG_CT_DELETE')],
    [2, 1, 2],
  )
  t.equal(kernel.requests(), 5)
  t.equal(kernel.requests('IPCTNL_MSG_EXP_GET'), 0)
})

t.test('a kind of request can be refused, as often as is said', async (t) => {
  const { kernel, ct } = start()
  kernel.refuse('IPCTNL_MSG_CT_NEW', 'EPERM')
  t.throws(() => ct.flows.create(given(1)), new NetlinkError('IPCTNL_MSG_CT_NEW', 1))
  ct.flows.create(given(1))
  kernel.refuse('IPCTNL_MSG_CT_GET', 'ENOMEM', { times: 2, detail: 'no room' })
  for (let i = 0; i < 2; i++) t.throws(() => [...ct.flows.list()], new NetlinkError('IPCTNL_MSG_CT_GET', 12, { detail: 'no room' }))
  t.equal([...ct.flows.list()].length, 1)
  t.throws(() => kernel.refuse('IPCTNL_MSG_CT_GET', 'ENOSUCH'), new RangeError("'ENOSUCH' is no error of the kernel"))
})

t.test('a race: what goes between the list and the delete is no error', async (t) => {
  const { kernel, ct } = start()
  const one = kernel.track({ protocol: 'stream', original: tuple(1) })
  kernel.track({ protocol: 'stream', original: tuple(2) })
  kernel.before('IPCTNL_MSG_CT_DELETE', () => {
    one.end()
    kernel.track({ protocol: 'stream', original: tuple(1), mark: 1 })
  })
  t.strictSame(ct.flows.delete({}), { matched: 2, deleted: 1 })
  t.match([...ct.flows.list()], [{ mark: 1 }], 'and what came under the same tuple lives')
})

t.test('a dump is interrupted when it is to be', async (t) => {
  const { kernel, ct } = start()
  ct.flows.create(given(1))
  kernel.interrupt()
  t.throws(() => [...ct.flows.list({}, { consistent: true })], new DumpInterruptedError())
  t.equal([...ct.flows.list({}, { consistent: true })].length, 1)
  kernel.interrupt(1)
  const listing = ct.flows.list()
  t.equal(
    listing.forEach(() => {}),
    1,
  )
  t.equal(listing.interrupted, true)
})

t.test('a dump of many is told in several datagrams, as the table is then', async (t) => {
  const { kernel, ct } = start()
  for (let port = 1; port <= 500; port++) ct.flows.create(given(port))
  let seen = 0
  for (const _ of ct.flows.list()) if (seen++ === 0) kernel.advance(60)
  t.ok(seen > 1 && seen < 500, 'what ended meanwhile is not told')
})

t.test('a socket has one dump at a time', async (t) => {
  const { kernel, ct } = start()
  for (let port = 1; port <= 500; port++) ct.flows.create(given(port))
  using socket = kernel.socket()
  const into = new Uint8Array(65536)
  const dump = (sequence: number): Uint8Array => message({ type: 0x0101, sequence, flags: NLM_F_DUMP, family: 0 })
  socket.send(dump(1))
  socket.send(dump(2))
  const errors: number[] = []
  for (let sequence = 1; sequence === 1; ) {
    const view = new DataView(into.buffer, 0, socket.receive(into))
    sequence = view.getUint32(8, true)
    if (view.getUint16(4, true) === 2) errors.push(view.getInt32(16, true))
  }
  t.strictSame(errors, [-16])
  t.throws(() => socket.receive(into), /nothing more to say/)
})

t.test('several requests may be in one datagram', async (t) => {
  const { kernel } = start()
  using socket = kernel.socket()
  const count = (sequence: number): number[] => [...message({ type: 0x0105, sequence, flags: NLM_F_ACK, family: 0 })]
  socket.send(Uint8Array.from([...count(1), ...count(2)]))
  const into = new Uint8Array(4096)
  const answers = Array.from({ length: 4 }, () => {
    socket.receive(into)
    return [into[4], into[8]]
  })
  t.strictSame(answers, [
    [5, 1],
    [2, 1],
    [5, 2],
    [2, 2],
  ])
  t.equal(kernel.requests('IPCTNL_MSG_CT_GET_STATS'), 2)
  socket.close()
  t.throws(() => socket.receive(into), new Error('this netlink socket is closed'))
})

t.test('a full table drops the oldest flow that is not assured, or refuses', async (t) => {
  const { kernel, ct } = start({ maximum: 2, cpus: 1 })
  ct.flows.create(given(1, { status: ['SEEN_REPLY', 'ASSURED'] }))
  ct.flows.create(given(2))
  ct.flows.create(given(3, { status: ['SEEN_REPLY', 'ASSURED'] }))
  t.match(ct.flows.statistics(), { entries: 2, maximum: 2, cpus: [{ cpu: 0, insert: 3, earlyDrop: 1, drop: 0 }] })
  t.throws(() => ct.flows.create(given(4)), new NetlinkError('IPCTNL_MSG_CT_NEW', 12))
  t.match(ct.flows.cpuStatistics(), [{ drop: 1 }])
  t.equal(kernel.requests('IPCTNL_MSG_CT_NEW'), 4)
})

t.test('labels are words that are replaced', async (t) => {
  const { ct } = start()
  ct.flows.create(given(1, { labels: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }))
  const labels = (): unknown => [...ct.flows.list()][0].labels
  t.strictSame(labels(), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0))
  ct.flows.update({}, { labels: Uint8Array.of(0xf0, 0, 0, 0), labelsMask: Uint8Array.of(0xf0, 0, 0, 0) })
  t.strictSame(labels(), Uint8Array.of(0xf1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 'those that are not sent are cleared')
})

t.test('an attribute that is cut off is refused', async (t) => {
  const { kernel } = start()
  const conversations = requests(kernel.socket)
  const replies = conversations.ask({ command: 'raw', type: 0x0101, flags: 0, family: 2, body: Uint8Array.of(99, 0, 1, 0) })
  t.throws(() => replies.next(), new NetlinkError('raw', 22))
  conversations.close()
})

t.test('without privileges everything is refused', async (t) => {
  const { kernel, ct } = start({ privileged: false })
  t.throws(() => [...ct.flows.list()], new NetlinkError('IPCTNL_MSG_CT_GET', 1))
  t.throws(() => ct.flows.create(given(1)), new NetlinkError('IPCTNL_MSG_CT_NEW', 1))
  t.throws(() => ct.flows.createAll([given(1), given(2)]), new NetlinkError('IPCTNL_MSG_CT_NEW', 1))
  t.equal(kernel.requests(), 0)
})

t.test('a datagram that is longer than the buffer is not taken', async (t) => {
  using socket = createKernel({ protocols: [] }).socket()
  t.throws(() => socket.send(new Uint8Array(socket.buffers().send)), new NetlinkError('send', 90))
})

t.test('many flows are made in few datagrams, and each refusal is told', async (t) => {
  const { kernel, ct } = start()
  ct.flows.create(given(7))
  const flows = Array.from({ length: 3000 }, (_, port) => given(port + 1))
  t.match(ct.flows.createAll(flows), { created: 2999, refused: { EEXIST: 1 } })
  t.equal(kernel.requests('IPCTNL_MSG_CT_NEW'), 3001)
  t.match(ct.flows.deleteAll({}), { matched: 3000, deleted: 3000 })
})

t.test('events are told to those who listen, and what finds no room is counted', async (t) => {
  const kernel = createKernel({ protocols: PROTOCOLS })
  using ct = openConntrack({ protocols: PROTOCOLS, socket: kernel.socket })
  using listener = kernel.subscribe({ groups: [1, 2, 3], receiveBuffer: 65536 })
  const told: number[] = []
  const take = (): boolean => listener.receive((bytes, start) => told.push(bytes[start + 4] | (bytes[start + 7] << 8)), 100)
  const flow = kernel.track({ protocol: 'stream', original: tuple(1) })
  flow.packets('reply', 100)
  flow.change({ timeout: 5 })
  flow.end()
  ct.flows.create(given(2))
  kernel.advance(60)
  await listener.readable()
  t.equal(take(), true)
  t.strictSame(told, [0x600, 0, 2, 0x600, 2], 'new, update, destroy; new, destroy')
  kernel.lose()
  ct.flows.create(given(3))
  ct.flows.create(given(4))
  take()
  t.strictSame(listener.losses, { times: 1, messages: 2 })
  ct.flows.create(given(5))
  take()
  t.equal(told.length, 6)
})
