import t from 'tap'
import { DumpInterruptedError, MalformedMessageError, NetlinkError } from '../../src/errors.ts'
import { NLM_F_DUMP_INTR, NLM_F_MULTI } from '../../src/transport/message.ts'
import { hex, unhex } from '../bytes.ts'
import { flow, listed, numbers } from '../sample-flows.ts'
import { flowBody, flowMessage, scriptedConntrack } from '../scripted-conntrack.ts'
import { datagram, done, error, message } from '../scripted-kernel.ts'

t.test('list() gives the flows of the table', (t) => {
  const ping = { source: 'fd00::1', destination: 'fd00::2', type: 8, code: 0, id: 7 }
  const { flows, asked } = scriptedConntrack([
    flow(1, { state: 'OPEN', timeout: 300, originalCounters: { packets: 2n, bytes: 120n } }),
    { protocol: 'echo', family: 'ipv6', original: ping, reply: {}, use: 1 },
    { protocol: 'unknown', original: { source: '10.0.0.1', destination: '10.0.0.2', protocolNumber: 99 }, reply: {} },
  ])
  const all = [...flows.list()]
  t.strictSame(all.slice(0, 2), [
    listed(1, { state: 'OPEN', timeout: 300, originalCounters: { packets: 2n, bytes: 120n } }),
    { protocol: 'echo', family: 'ipv6', original: { ...ping, protocolNumber: 1 }, reply: { protocolNumber: 1 }, use: 1 },
  ])
  t.match(all[2], { protocol: 'unknown', family: 'ipv4', original: { protocolNumber: 99 } })
  t.equal(all.length, 3)
  t.equal(
    asked.map(({ bytes }) => hex(bytes)).join(),
    [
      '14000000', // nlmsg_len 20
      '0101', // NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET
      '0503', // NLM_F_REQUEST | NLM_F_ACK | NLM_F_DUMP
      '01000000', // nlmsg_seq
      '00000000', // nlmsg_pid
      '00000000', // AF_UNSPEC, version 0, res_id 0
    ].join(''),
  )
  t.end()
})

t.test('list() asks when it is read, and anew each time', (t) => {
  const { flows, asked } = scriptedConntrack([flow(1)])
  const listing = flows.list()
  t.equal(asked.length, 0)
  t.equal([...listing].length, 1)
  t.equal([...listing].length, 1)
  t.equal(
    listing.forEach(() => {}),
    1,
  )
  t.equal(asked.length, 3)
  t.strictSame([...scriptedConntrack([]).flows.list()], [])
  t.end()
})

t.test('a flow outlives the next message', (t) => {
  const { flows } = scriptedConntrack([
    flow(1, { helper: { name: 'ftp', info: unhex('0102') }, labels: unhex('03'), status: ['ASSURED'] }),
    flow(2, { helper: { name: 'sip', info: unhex('0405') }, labels: unhex('06'), status: ['DYING'] }),
  ])
  const [first, second] = flows.list()
  t.strictSame(first, listed(1, { helper: { name: 'ftp', info: unhex('0102') }, labels: unhex('03'), status: ['ASSURED'] }))
  t.strictSame(second, listed(2, { helper: { name: 'sip', info: unhex('0405') }, labels: unhex('06'), status: ['DYING'] }))
  t.end()
})

t.test('leaving a list early closes its socket, reading it to the end does not', (t) => {
  const { flows, kernel } = scriptedConntrack([flow(1), flow(2), flow(3)])
  for (const _ of flows.list());
  t.strictSame(
    kernel.sockets.map(({ closed }) => closed),
    [false],
  )
  for (const one of flows.list()) if (one.protocol === 'stream' && one.original.sourcePort === 2) break
  t.strictSame(
    kernel.sockets.map(({ closed }) => closed),
    [true],
    'the one that was kept was used again, and has more to say',
  )
  t.equal([...flows.list()].length, 3)
  t.equal(kernel.sockets.length, 2)
  t.throws(() => {
    flows.list().forEach(() => {
      throw new Error('enough')
    })
  }, /enough/)
  t.ok(kernel.sockets.every(({ closed }) => closed))
  t.end()
})

t.test('lists can be read in turns, and other commands in between', (t) => {
  const { flows, kernel } = scriptedConntrack([flow(1), flow(2)])
  const one = flows.list()[Symbol.iterator]()
  const other = flows.list()[Symbol.iterator]()
  const ports = [one, other, one, other].map((each) => {
    const { value } = each.next()
    flows.flush()
    return value?.protocol === 'stream' && value.original.sourcePort
  })
  t.strictSame(ports, [1, 1, 2, 2])
  t.equal(one.next().done, true)
  t.equal(kernel.sockets.length, 3)
  t.end()
})

t.test('close() closes all sockets, and nothing can be asked then', (t) => {
  const conntrack = scriptedConntrack([flow(1), flow(2)])
  const { flows, kernel } = conntrack
  const open = flows.list()[Symbol.iterator]()
  open.next()
  flows.flush()
  conntrack.close()
  t.ok(kernel.sockets.length === 2 && kernel.sockets.every(({ closed }) => closed))
  t.throws(() => flows.count(), /closed/)
  conntrack.close()
  t.end()
})

t.test('a table that changed while it was listed is told', (t) => {
  const cases: Record<string, Parameters<typeof scriptedConntrack>[1]> = {
    'by a flow': (request) => [
      flowMessage(request, flow(1), NLM_F_MULTI | NLM_F_DUMP_INTR),
      flowMessage(request, flow(2)),
      done(request.sequence),
    ],
    'by the end': (request) => [
      flowMessage(request, flow(1)),
      flowMessage(request, flow(2)),
      done(request.sequence, 0, { flags: NLM_F_DUMP_INTR }),
    ],
  }
  for (const [title, answer] of Object.entries(cases)) {
    const { flows } = scriptedConntrack([], answer)
    const listing = flows.list()
    t.equal([...listing].length, 2)
    t.equal(listing.interrupted, true, title)
    t.equal(
      flows.list().forEach(() => {}),
      2,
    )

    let seen = 0
    const consistent = flows.list({}, { consistent: true })
    t.throws(() => {
      for (const _ of consistent) seen++
    }, DumpInterruptedError)
    t.equal(seen, 2, 'after all flows')
    t.throws(() => consistent.forEach(() => {}), DumpInterruptedError)
    t.throws(() => consistent.print(numbers, () => {}), DumpInterruptedError)
  }
  const listing = scriptedConntrack([flow(1)]).flows.list({}, { consistent: true })
  t.equal([...listing].length, 1)
  t.equal(listing.interrupted, false)
  t.end()
})

t.test("the kernel's errors come through, and the socket is not used again", (t) => {
  const { flows, kernel } = scriptedConntrack([], ({ sequence }) => [error(sequence, 1, { detail: 'no' })])
  t.throws(() => [...flows.list()], new NetlinkError('IPCTNL_MSG_CT_GET', 1, { detail: 'no' }))
  const bad = scriptedConntrack([], ({ sequence }) => [
    message({ type: 0x0100, sequence, body: unhex('0300 0800 00000000') }),
    done(sequence),
  ])
  t.throws(() => [...bad.flows.list()], MalformedMessageError)
  t.throws(() => bad.flows.list().forEach(() => {}), MalformedMessageError)
  t.ok(bad.kernel.sockets.every(({ closed }) => closed))
  t.equal(kernel.sockets.length, 1)
  t.end()
})

t.test('print() writes head, flows and tail', (t) => {
  const { flows } = scriptedConntrack([flow(1), flow(2, { protocol: 'datagram', mark: 1 }), flow(3)])
  const chunks: string[] = []
  const sink = (chunk: Uint8Array) => chunks.push(Buffer.from(chunk).toString())
  t.equal(flows.list().print(numbers, sink), 3)
  t.strictSame(chunks, ['head\nstream 1\ndatagram 2\nstream 3\ntail\n'])
  t.equal(flows.list({ mark: 1 }).print(numbers, sink), 1)
  t.equal(chunks[1], 'head\ndatagram 2\ntail\n')
  t.equal(flows.list({ mark: 2 }).print(numbers, sink), 0)
  t.equal(chunks[2], 'head\ntail\n', 'also where there is no flow')
  t.equal(flows.list({ mark: 2 }).print({ name: 'bare', compile: (shape) => numbers.compile(shape) }, sink), 0)
  t.equal(chunks.length, 3, 'nothing is nothing')
  t.end()
})

t.test('print() hands out chunks of 64 KiB and more', (t) => {
  const count = 20000
  const body = flowBody(flow(40000))
  const { flows } = scriptedConntrack([], function* ({ sequence }) {
    for (let i = 0; i < count; i += 100) yield datagram(...Array.from({ length: 100 }, () => message({ type: 0x0100, sequence, body })))
    yield done(sequence)
  } as Parameters<typeof scriptedConntrack>[1])
  const chunks: Uint8Array[] = []
  t.equal(
    flows.list().print(numbers, (chunk) => chunks.push(chunk.slice())),
    count,
  )
  t.equal(Buffer.concat(chunks).toString(), `head\n${'stream 40000\n'.repeat(count)}tail\n`)
  t.ok(chunks.length >= 3)
  for (const chunk of chunks.slice(0, -1)) t.ok(chunk.length >= 65536 && chunk.length < 65536 + 20, `${chunk.length} bytes`)
  t.end()
})

t.test('forEach() shows each flow in turn, by one view', (t) => {
  const { flows } = scriptedConntrack([flow(1, { mark: 1 }), flow(2, { mark: 2 }), flow(3, { mark: 3 })])
  const seen: unknown[] = []
  const views = new Set<unknown>()
  const visited = flows.list({ mark: { not: 2 } }).forEach((entry) => {
    seen.push(entry.decode().mark)
    views.add(entry)
  })
  t.strictSame([visited, seen, views.size], [2, [1, 3], 1])
  t.end()
})
