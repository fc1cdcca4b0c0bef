import t from 'tap'
import { NetlinkError } from '../../src/errors.ts'
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST } from '../../src/transport/message.ts'
import { hex } from '../bytes.ts'
import { back, flow, listed, numbers, tuple } from '../sample-flows.ts'
import { flowMessage, scriptedConntrack, sent } from '../scripted-conntrack.ts'
import { ack, error } from '../scripted-kernel.ts'

t.test('a filter is checked here, whatever the kernel sends', (t) => {
  const { flows, asked } = scriptedConntrack([
    flow(1, { mark: 5, zone: 3 }),
    flow(2, { mark: 6, zone: 3 }),
    flow(3, { mark: 5, zone: 4 }),
    flow(4),
  ])
  const ports = (listing: Iterable<unknown>): unknown[] =>
    [...listing].map((one) => (one as { original: { sourcePort: number } }).original.sourcePort)
  t.strictSame(ports(flows.list({ mark: 5 })), [1, 3])
  t.strictSame(ports(flows.list({ mark: 5, zone: 3 })), [1])
  t.strictSame(ports(flows.list({ protocol: 'stream', original: { sourcePort: { from: 3, to: 4 } } })), [3, 4])
  t.strictSame(ports(flows.list({ protocol: 'datagram' })), [])
  t.strictSame(ports(flows.list({ family: 'ipv6' })), [])
  t.strictSame(
    asked.map((request) => [request.family, sent(request)]),
    [
      [0, { original: {}, reply: {}, mark: 5, markMask: 4294967295 }],
      [0, { original: {}, reply: {}, mark: 5, markMask: 4294967295, zone: 3 }],
      [0, { original: {}, reply: {} }],
      [0, { original: {}, reply: {} }],
      [10, { original: {}, reply: {} }],
    ],
  )
  t.end()
})

t.test('a filter that cannot be is an error before anything is asked', (t) => {
  const { flows, kernel } = scriptedConntrack([])
  t.throws(() => flows.list({ mark: -1 }), new RangeError('mark: -1 is not a whole number from 0 to 4294967295'))
  t.throws(() => flows.list({ protocol: 'tcp' as never }), new RangeError("protocol 'tcp' is not installed"))
  t.throws(() => flows.list({ mrak: 1 } as never), new RangeError("unknown field 'mrak'"))
  t.equal(kernel.sockets.length, 0)
  t.end()
})

t.test('the lists of dying and unconfirmed flows are asked for without attributes, and filtered here', (t) => {
  const { flows, asked } = scriptedConntrack([flow(1, { mark: 5 }), flow(2)])
  t.equal([...flows.list({ mark: 5 }, { table: 'dying' })].length, 1)
  t.equal([...flows.list({ mark: 5, family: 'ipv4' }, { table: 'unconfirmed' })].length, 1)
  t.strictSame(
    asked.map(({ type, flags, family, body }) => [type, flags, family, body.length]),
    [
      [0x0106, NLM_F_REQUEST | NLM_F_ACK | NLM_F_DUMP, 0, 0],
      [0x0107, NLM_F_REQUEST | NLM_F_ACK | NLM_F_DUMP, 2, 0],
    ],
  )
  t.end()
})

t.test('zeroCounters lists and zeroes all, or one family, but nothing that was not listed', (t) => {
  const { flows, asked } = scriptedConntrack([flow(1)])
  t.equal([...flows.list({}, { zeroCounters: true })].length, 1)
  t.equal([...flows.list({ family: 'ipv4', mark: undefined }, { zeroCounters: true })].length, 1)
  t.strictSame(
    asked.map(({ type, family, body }) => [type, family, body.length]),
    [
      [0x0103, 0, 0],
      [0x0103, 2, 0],
    ],
  )
  for (const filter of [{ mark: 0 }, { protocol: 'stream' }, { status: [] }, { original: {} }] as const)
    t.throws(() => flows.list(filter, { zeroCounters: true }), /^zeroCounters: /, JSON.stringify(filter))
  t.throws(() => flows.list({}, { zeroCounters: true, table: 'dying' }), /^zeroCounters: /)
  t.equal(asked.length, 2)
  t.end()
})

t.test('get() asks for the one flow by its tuple and zone', (t) => {
  const { flows, asked } = scriptedConntrack([], (request) => [flowMessage(request, flow(1, { mark: 9 }), 0), ack(request.sequence)])
  t.strictSame(flows.get({ protocol: 'stream', original: tuple(1), zone: 3 }), listed(1, { mark: 9 }))
  t.equal(asked[0].type, 0x0101)
  t.equal(asked[0].flags, NLM_F_REQUEST | NLM_F_ACK)
  t.equal(asked[0].family, 2)
  t.equal(
    hex(asked[0].body),
    [
      '34000180', // CTA_TUPLE_ORIG
      '14000180080001000a000001080002000a000002', // CTA_TUPLE_IP: 10.0.0.1 to 10.0.0.2
      '1c000280', // CTA_TUPLE_PROTO
      '0500010006000000', // CTA_PROTO_NUM 6
      '0600020000010000', // CTA_PROTO_SRC_PORT 1
      '0600030001bb0000', // CTA_PROTO_DST_PORT 443
      '0600120000030000', // CTA_ZONE 3
    ].join(''),
  )
  flows.get({ protocol: 'stream', reply: back(1) })
  t.strictSame(sent(asked[1]), { original: {}, reply: { ...back(1), protocolNumber: 6 } }, 'or by its reply tuple')
  flows.get({ protocol: 'echo', original: { source: 'fd00::1', destination: 'fd00::2', type: 8, code: 0 } })
  t.equal(asked[2].family, 10)
  t.strictSame(sent(asked[2]), { original: { source: 'fd00::1', destination: 'fd00::2', protocolNumber: 1, type: 8, code: 0 }, reply: {} })
  t.end()
})

t.test('a flow that was listed can be asked for as it is', (t) => {
  const { flows, asked } = scriptedConntrack([
    flow(1, { mark: 9, zone: 7, use: 1, id: 5, timeout: 1, originalCounters: { packets: 1n, bytes: 2n } }),
  ])
  for (const one of flows.list()) flows.get(one)
  t.strictSame(sent(asked[1]), { original: { ...tuple(1), protocolNumber: 6 }, reply: {}, zone: 7 })
  t.end()
})

t.test('get() keeps its socket', (t) => {
  const { flows, kernel } = scriptedConntrack([], (request) => [flowMessage(request, flow(1), 0), ack(request.sequence)])
  for (let i = 0; i < 3; i++) flows.get({ protocol: 'stream', original: tuple(1) })
  t.strictSame(
    kernel.sockets.map(({ closed }) => closed),
    [false],
  )
  t.end()
})

t.test('a flow that is not there is undefined to get(), and an error to lookup()', (t) => {
  const { flows } = scriptedConntrack([], ({ sequence }) => [error(sequence, 2)])
  const asked = { protocol: 'stream', original: tuple(1) } as const
  t.equal(flows.get(asked), undefined)
  t.throws(() => flows.lookup(asked).forEach(() => {}), new NetlinkError('IPCTNL_MSG_CT_GET', 2))
  t.throws(() => [...flows.lookup(asked)], NetlinkError)
  const refusing = scriptedConntrack([], ({ sequence }) => [error(sequence, 1)])
  t.throws(() => refusing.flows.get(asked), new NetlinkError('IPCTNL_MSG_CT_GET', 1), 'another error is one to both')
  t.end()
})

t.test('lookup() is a listing of one, to be printed or filtered', (t) => {
  const { flows } = scriptedConntrack([], (request) => [flowMessage(request, flow(1, { mark: 9 }), 0), ack(request.sequence)])
  const asked = { protocol: 'stream', original: tuple(1) } as const
  let text = ''
  const sink = (chunk: Uint8Array): void => {
    text += Buffer.from(chunk).toString()
  }
  t.equal(flows.lookup(asked).print(numbers, sink), 1)
  t.equal(text, 'head\nstream 1\ntail\n')
  t.equal([...flows.lookup(asked, { mark: 9 })].length, 1)
  t.equal([...flows.lookup(asked, { mark: 8 })].length, 0)
  t.throws(() => flows.lookup(asked, { mark: -1 }), RangeError)
  t.end()
})

t.test('what get() cannot ask for is an error before anything is asked', (t) => {
  const { flows, kernel } = scriptedConntrack([])
  for (const [asked, text] of [
    [{ original: tuple(1) }, 'protocol: which one is missing'],
    [{ protocol: 'tcp', original: tuple(1) }, "protocol 'tcp' is not installed"],
    [{ protocol: 'stream' }, 'original: the tuple to look for is missing'],
    [{ protocol: 'stream', original: {} }, 'a source and a destination address are missing'],
    [{ protocol: 'stream', original: { source: '10.0.0.1', destination: 'fd00::1' } }, 'mismatched address family'],
    [{ protocol: 'stream', family: 'ipv6', original: tuple(1) }, 'mismatched address family'],
    [
      { protocol: 'stream', original: { ...tuple(1), sourcePort: 70000 } },
      'original.sourcePort: 70000 is not a whole number from 0 to 65535',
    ],
    [{ protocol: 'stream', original: { ...tuple(1), type: 8 } }, "unknown field 'original.type'"],
    [{ protocol: 'stream', original: { ...tuple(1), source: 'localhost' } }, "original.source: 'localhost' is not an ipv4 address"],
  ] as const) {
    t.throws(() => flows.get(asked as never), new RangeError(text), text)
    t.throws(() => flows.lookup(asked as never), new RangeError(text))
  }
  t.equal(kernel.sockets.length, 0)
  t.end()
})
