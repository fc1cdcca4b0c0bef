import t from 'tap'
import { NetlinkError } from '../../src/errors.ts'
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST } from '../../src/transport/message.ts'
import { attribute, concat, hex, nested, unhex } from '../bytes.ts'
import { back, flow, tuple } from '../sample-flows.ts'
import { flowMessage, scriptedConntrack, sent } from '../scripted-conntrack.ts'
import { ack, done, error, message, type ScriptedRequest } from '../scripted-kernel.ts'

const NEW = 0x0100
const GET = 0x0101
const DELETE = 0x0102

const plain = (...digits: readonly string[]): string => digits.join('').replaceAll(' ', '')

/** The attributes of CTA_TUPLE_ORIG of a flow, as it is listed. */
const ORIGINAL = (port: string): string =>
  plain(
    '34000180', // CTA_TUPLE_ORIG
    '14000180 08000100 0a000001 08000200 0a000002', // CTA_TUPLE_IP: CTA_IP_V4_SRC, CTA_IP_V4_DST
    `1c000280 05000100 06000000 06000200 ${port}0000 06000300 01bb0000`, // CTA_TUPLE_PROTO: NUM 6, SRC_PORT, DST_PORT 443
  )

t.test('create() sends one message', (t) => {
  const { flows, asked } = scriptedConntrack([])
  flows.create({ protocol: 'stream', original: tuple(1024), timeout: 300, state: 'OPEN', mark: 5, zone: 3, status: ['ASSURED'] })
  t.equal(
    asked.map(({ bytes }) => hex(bytes)).join(),
    plain(
      'b4000000', // nlmsg_len 180
      '0001', // NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW
      '0506', // NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL
      '01000000 00000000', // nlmsg_seq 1, nlmsg_pid
      '02 00 0000', // AF_INET, version 0, res_id 0
      ORIGINAL('0400'),
      '34000280', // CTA_TUPLE_REPLY
      '14000180 08000100 0a000002 08000200 0a000001', // CTA_TUPLE_IP, the other way round
      '1c000280 05000100 06000000 06000200 01bb0000 06000300 04000000', // CTA_TUPLE_PROTO, the other way round
      '06001200 00030000', // CTA_ZONE 3
      '08000700 0000012c', // CTA_TIMEOUT 300
      '18000480 14000180', // CTA_PROTOINFO: CTA_PROTOINFO_TCP
      '05000100 02000000', // CTA_PROTOINFO_TCP_STATE 2
      '05000200 07000000', // CTA_PROTOINFO_TCP_WSCALE_ORIGINAL 7, which the protocol's complete() adds
      '08000300 0000000c', // CTA_STATUS: ASSURED, and CONFIRMED, which is added
      '08000800 00000005', // CTA_MARK 5
    ),
  )
  t.end()
})

/** What is told the kernel to make this flow. */
function created(given: object): Record<string, unknown> {
  const { flows, asked } = scriptedConntrack([])
  flows.create({ timeout: 1, ...given } as never)
  t.equal(asked.length, 1)
  return sent(asked[0])
}

const numbered = (direction: object, protocolNumber = 6): object => ({ ...direction, protocolNumber })

t.test('a direction that is not given is the opposite of the other', (t) => {
  const both = { original: numbered(tuple(1)), reply: numbered(back(1)) }
  t.match(created({ protocol: 'stream', original: tuple(1) }), both)
  t.match(created({ protocol: 'stream', reply: back(1) }), both)
  t.match(created({ protocol: 'stream', original: tuple(1), reply: back(1) }), both)
  const echo = (source: string, destination: string, type: number) => ({ source, destination, type, code: 0, id: 7 })
  t.match(created({ protocol: 'echo', original: echo('fd00::1', 'fd00::2', 8) }), {
    original: numbered(echo('fd00::1', 'fd00::2', 8), 1),
    reply: numbered(echo('fd00::2', 'fd00::1', 0), 1),
  })
  t.end()
})

t.test('what a direction lacks is taken from the other', (t) => {
  const { original, reply } = created({ protocol: 'stream', original: tuple(1), reply: { source: '10.9.9.9', sourcePort: undefined } })
  t.strictSame(original, numbered(tuple(1)))
  t.strictSame(reply, numbered({ ...back(1), source: '10.9.9.9' }))
  const { sourcePort, ...rest } = tuple(1)
  t.strictSame(created({ protocol: 'stream', original: rest, reply: back(sourcePort) }).original, numbered(tuple(1)))
  t.end()
})

t.test('the zone of a direction is its own', (t) => {
  const { original, reply } = created({ protocol: 'stream', original: { ...tuple(1), zone: 5 } })
  t.strictSame([original, reply], [numbered({ ...tuple(1), zone: 5 }), numbered(back(1))])
  t.end()
})

t.test('a new flow is CONFIRMED', (t) => {
  t.strictSame(created({ protocol: 'datagram', original: tuple(1) }).status, ['CONFIRMED'])
  t.strictSame(created({ protocol: 'datagram', original: tuple(1), status: ['SEEN_REPLY'] }).status, ['SEEN_REPLY', 'CONFIRMED'])
  t.end()
})

t.test('what a protocol completes is only what is not given', (t) => {
  t.match(created({ protocol: 'stream', original: tuple(1) }), { scale: 7 })
  t.match(created({ protocol: 'stream', original: tuple(1), scale: 3 }), { scale: 3 })
  t.end()
})

t.test('a flow of a protocol that is not installed is made by its number', (t) => {
  const original = { source: '10.0.0.1', destination: '10.0.0.2', protocolNumber: 253 }
  const { flows, asked } = scriptedConntrack([])
  flows.create({ protocol: 'unknown', original, timeout: 1 })
  t.match(sent(asked[0]), { original, reply: { source: '10.0.0.2', destination: '10.0.0.1', protocolNumber: 253 } })
  t.end()
})

t.test('a flow that was listed can be made again; what only the kernel tells is left out', (t) => {
  const given = flow(1, {
    timeout: 300,
    state: 'OPEN',
    mark: 5,
    zone: 3,
    status: ['ASSURED', 'SRC_NAT_DONE'],
    helper: { name: 'ftp' },
    labels: unhex('01020304'),
  })
  const { flows, asked } = scriptedConntrack([
    { ...given, id: 1, use: 1, originalCounters: { packets: 1n }, timestamp: { start: 5n }, secmark: 1 },
  ])
  for (const one of flows.list()) flows.create(one)
  t.strictSame(sent(asked[1]), {
    original: numbered(tuple(1)),
    reply: numbered(back(1)),
    timeout: 300,
    state: 'OPEN',
    scale: 7,
    mark: 5,
    zone: 3,
    status: ['ASSURED', 'CONFIRMED', 'SRC_NAT_DONE'],
    helper: { name: 'ftp' },
    labels: unhex('01020304'),
    id: 1,
  })
  t.end()
})

t.test('create() refuses where there is such a flow, or updates it', (t) => {
  const { flows, asked } = scriptedConntrack([], ({ sequence, flags }) => [error(sequence, flags & NLM_F_EXCL ? 17 : 0)])
  const given = { protocol: 'stream', original: tuple(1), timeout: 1 } as const
  t.throws(() => flows.create(given), new NetlinkError('IPCTNL_MSG_CT_NEW', 17))
  t.throws(() => flows.create(given, { existing: 'refuse' }), new NetlinkError('IPCTNL_MSG_CT_NEW', 17))
  flows.create(given, { existing: 'update' })
  t.strictSame(
    asked.map(({ flags }) => flags),
    [NLM_F_EXCL, NLM_F_EXCL, 0].map((exclusive) => NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | exclusive),
  )
  t.end()
})

t.test('what create() cannot make is an error before anything is asked', (t) => {
  const { flows, kernel } = scriptedConntrack([])
  const original = tuple(1)
  for (const [given, text] of [
    [{ protocol: 'stream', original }, 'timeout: the seconds that a new flow lives are missing'],
    [{ protocol: 'tcp', original, timeout: 1 }, "protocol 'tcp' is not installed"],
    [{ original, timeout: 1 }, 'protocol: which one is missing'],
    [{ protocol: 'stream', timeout: 1 }, 'a source and a destination address are missing'],
    [{ protocol: 'stream', original, reply: { source: 'fd00::1' }, timeout: 1 }, 'mismatched address family'],
    [{ protocol: 'stream', original, family: 'ipv6', timeout: 1 }, 'mismatched address family'],
    [{ protocol: 'stream', original, timeout: -1 }, 'timeout: -1 is not a whole number from 0 to 4294967295'],
    [{ protocol: 'stream', original, timeout: 1, state: 'OPNE' }, "state: 'OPNE' is not one of NONE, OPENING, OPEN, CLOSED"],
    [{ protocol: 'datagram', original, timeout: 1, state: 'OPEN' }, "unknown field 'state'"],
    [{ protocol: 'datagram', original, timeout: 1, timeuot: 1 }, "unknown field 'timeuot'"],
  ] as const) {
    t.throws(() => flows.create(given as never), new RangeError(text), text)
  }
  t.throws(
    () => flows.create({ protocol: 'datagram', original, timeout: 1, status: ['ASURED'] } as never),
    /^status: 'ASURED' is not one of/,
  )
  t.equal(kernel.sockets.length, 0)
  t.end()
})

/** The requests that are not lists. */
const writes = (asked: readonly ScriptedRequest[]): ScriptedRequest[] => asked.filter(({ flags }) => (flags & NLM_F_DUMP) !== NLM_F_DUMP)

t.test('update() sends the tuple and zone of each flow as they came, and the change', (t) => {
  const { flows, asked } = scriptedConntrack([flow(1024, { mark: 1, zone: 3, timeout: 9, state: 'OPEN', status: ['ASSURED'], id: 7 })])
  t.strictSame(flows.update({ protocol: 'stream' }, { mark: 5 }), { matched: 1, updated: 1 })
  const [request] = writes(asked)
  t.equal(request.type, NEW)
  t.equal(request.flags, NLM_F_REQUEST | NLM_F_ACK, 'no NLM_F_CREATE: it must be there')
  t.equal(request.family, 2)
  t.equal(hex(request.body), plain(ORIGINAL('0400'), '06001200 00030000', '08000800 00000005')) // CTA_ZONE 3, CTA_MARK 5
  t.end()
})

t.test('what is in a tuple that we do not know goes back too', (t) => {
  const original = nested(
    1,
    nested(1, attribute(3, new Uint8Array(16)), attribute(4, new Uint8Array(16))),
    nested(2, attribute(1, [6]), attribute(77, [1])),
    attribute(3, unhex('0005')),
  )
  const { flows, asked } = scriptedConntrack([], ({ flags, sequence }) =>
    flags & NLM_F_DUMP
      ? [message({ type: NEW, sequence, family: 10, body: concat(attribute(12, unhex('00000007')), original) }), done(sequence)]
      : undefined,
  )
  flows.update({}, { mark: 5 })
  flows.delete({})
  t.strictSame(
    writes(asked).map(({ family, body }) => [family, hex(body)]),
    [
      [10, `${hex(original)}0800080000000005`],
      [10, `${hex(original)}08000c0000000007`],
    ],
  )
  t.end()
})

t.test('update() leaves alone what is as wanted', (t) => {
  const { flows, asked } = scriptedConntrack([
    flow(1, { mark: 5, timeout: 60, state: 'OPEN', status: ['ASSURED', 'SEEN_REPLY'] }),
    flow(2, { mark: 6, timeout: 60, state: 'OPEN', status: ['SEEN_REPLY'] }),
    flow(3, { timeout: 61, state: 'CLOSED' }),
  ])
  const updated = (change: Parameters<typeof flows.update>[1]): number[] => {
    asked.length = 0
    const counts = flows.update({ protocol: 'stream' }, change)
    const ports = writes(asked).map((request) => (sent(request).original as { sourcePort: number }).sourcePort)
    t.strictSame(counts, { matched: 3, updated: ports.length })
    return ports
  }
  t.strictSame(updated({ mark: 5 }), [2, 3])
  t.strictSame(updated({ mark: 0 }), [1, 2], 'an absent mark is 0')
  t.strictSame(updated({ timeout: 60 }), [3])
  t.strictSame(updated({ protocol: 'stream', state: 'OPEN' }), [3])
  t.strictSame(updated({ status: ['SEEN_REPLY'] }), [3])
  t.strictSame(updated({ status: ['ASSURED'] }), [2, 3])
  t.strictSame(updated({ protocol: 'stream', timeout: 60, state: 'OPEN' }), [3])
  t.strictSame(updated({ timeout: 60, mark: 6 }), [1, 3], 'all of it must be')
  t.strictSame(updated({}), [])
  t.strictSame(updated({ timeout: undefined }), [])
  t.end()
})

t.test('a mark under a mask is (old & ~mask) ^ mark, which the kernel computes', (t) => {
  const { flows, asked } = scriptedConntrack([flow(1, { mark: 0xff }), flow(2, { mark: 0x0f }), flow(3, { mark: 0x80000001 })])
  t.strictSame(flows.update({}, { mark: 0x0f, markMask: 0xff }), { matched: 3, updated: 2 })
  t.strictSame(
    writes(asked).map((request) => sent(request)),
    [1, 3].map((port) => ({ original: numbered(tuple(port)), reply: {}, mark: 0x0f, markMask: 0xff })),
  )
  t.strictSame(flows.update({}, { mark: 0, markMask: 0 }), { matched: 3, updated: 0 }, 'nothing would change')
  t.strictSame(flows.update({}, { mark: 1, markMask: 0 }), { matched: 3, updated: 3 }, 'the lowest bit would, in all of them')
  t.strictSame(flows.update({}, { mark: 0x80000001 }), { matched: 3, updated: 2 })
  t.end()
})

t.test('status bits are added to those that are set', (t) => {
  const { flows, asked } = scriptedConntrack([flow(1, { status: ['SEEN_REPLY', 'CONFIRMED'] }), flow(2)])
  t.strictSame(flows.update({}, { status: ['ASSURED'] }), { matched: 2, updated: 2 })
  t.strictSame(
    writes(asked).map((request) => sent(request).status),
    [['SEEN_REPLY', 'ASSURED', 'CONFIRMED'], ['ASSURED']],
  )
  t.end()
})

t.test('a flow that has gone meanwhile is not counted, another error is one', (t) => {
  const answer = (errno: number) => (request: ScriptedRequest) => {
    if (request.type === GET) return undefined
    return [(sent(request).original as { sourcePort: number }).sourcePort === 2 ? error(request.sequence, errno) : ack(request.sequence)]
  }
  const racing = scriptedConntrack([flow(1), flow(2), flow(3)], answer(2))
  t.strictSame(racing.flows.update({}, { mark: 5 }), { matched: 3, updated: 2 })
  t.strictSame(racing.flows.delete({}), { matched: 3, deleted: 2 })
  const refusing = scriptedConntrack([flow(1), flow(2), flow(3)], answer(1))
  t.throws(() => refusing.flows.update({}, { mark: 5 }), new NetlinkError('IPCTNL_MSG_CT_NEW', 1))
  t.throws(() => refusing.flows.delete({}), new NetlinkError('IPCTNL_MSG_CT_DELETE', 1))
  t.equal(writes(refusing.asked).length, 6, 'and the others are tried all the same')
  t.end()
})

t.test('a change that a protocol does not have is an error before anything is asked', (t) => {
  const { flows, kernel } = scriptedConntrack([flow(1)])
  t.throws(() => flows.update({}, { state: 'OPEN' } as never), new RangeError("unknown field 'state'"))
  t.throws(() => flows.update({ protocol: 'datagram' }, { state: 'OPEN' } as never), new RangeError("unknown field 'state'"))
  t.throws(() => flows.update({}, { mark: -1 }), new RangeError('mark: -1 is not a whole number from 0 to 4294967295'))
  t.throws(() => flows.update({ mrak: 1 } as never, { mark: 1 }), new RangeError("unknown field 'mrak'"))
  t.throws(() => flows.update({ protocol: 'tcp' as never }, { mark: 1 }), new RangeError("protocol 'tcp' is not installed"))
  t.equal(kernel.sockets.length, 0)
  t.end()
})

t.test('whether a translation can be changed is for the kernel to say', (t) => {
  const { flows, asked } = scriptedConntrack([flow(1, { status: ['SRC_NAT_DONE'] })])
  t.strictSame(flows.update({}, { sourceNat: { minimum: '192.0.2.1' } }), { matched: 1, updated: 1 })
  t.match(sent(writes(asked)[0]), { sourceNat: { minimum: '192.0.2.1' } })
  t.end()
})

t.test('the protocol of a change chooses flows', (t) => {
  const { flows, asked } = scriptedConntrack([flow(1), flow(2, { protocol: 'datagram' })])
  t.strictSame(flows.update({}, { protocol: 'stream', state: 'OPEN' }), { matched: 1, updated: 1 })
  t.match(sent(writes(asked)[0]), { original: { sourcePort: 1 }, state: 'OPEN' })
  t.end()
})

t.test('update() shows each flow as it is then', (t) => {
  const { flows, asked } = scriptedConntrack([flow(1), flow(2)], (request) =>
    request.type === GET && !(request.flags & NLM_F_DUMP)
      ? (sent(request).original as { sourcePort: number }).sourcePort === 1
        ? [flowMessage(request, flow(1, { mark: 5, use: 2 }), 0), ack(request.sequence)]
        : [error(request.sequence, 2)]
      : undefined,
  )
  const seen: unknown[] = []
  t.strictSame(flows.update({}, { mark: 5 }, { onEntry: (entry) => seen.push(entry.decode()) }), { matched: 2, updated: 2 })
  t.strictSame(seen, [{ original: numbered(tuple(1)), reply: numbered(back(1)), mark: 5, use: 2 }], 'if it still is')
  t.strictSame(
    writes(asked).map(({ type }) => type),
    [NEW, GET, NEW, GET],
  )
  t.end()
})

t.test('delete() names each flow by tuple, zone and id', (t) => {
  const { flows, asked } = scriptedConntrack([flow(1024, { mark: 1, zone: 3, timeout: 9, id: 0x1020304 })])
  t.strictSame(flows.delete({ mark: 1 }), { matched: 1, deleted: 1 })
  const [request] = writes(asked)
  t.equal(request.type, DELETE)
  t.equal(request.flags, NLM_F_REQUEST | NLM_F_ACK)
  t.equal(request.family, 2)
  t.equal(hex(request.body), plain(ORIGINAL('0400'), '06001200 00030000', '08000c00 01020304')) // CTA_ZONE 3, CTA_ID
  t.end()
})

t.test('delete() takes only what the filter wants, and shows it', (t) => {
  const { flows, asked } = scriptedConntrack([flow(1, { mark: 1 }), flow(2, { mark: 2 }), flow(3, { mark: 1 })])
  const seen: unknown[] = []
  t.strictSame(
    flows.delete({ mark: 1 }, { onEntry: (entry) => seen.push((entry.decode().original as { sourcePort: number }).sourcePort) }),
    {
      matched: 2,
      deleted: 2,
    },
  )
  t.strictSame(seen, [1, 3])
  t.strictSame(flows.delete({ mark: 3 }), { matched: 0, deleted: 0 })
  t.equal(writes(asked).length, 2)
  t.strictSame(flows.delete({}), { matched: 3, deleted: 3 })
  t.throws(() => flows.delete({ mrak: 1 } as never), RangeError)
  t.end()
})

t.test('a deleted flow that is gone is not shown', (t) => {
  const { flows } = scriptedConntrack([flow(1)], ({ type, sequence }) => (type === DELETE ? [error(sequence, 2)] : undefined))
  t.strictSame(flows.delete({}, { onEntry: () => t.fail('it is shown') }), { matched: 1, deleted: 0 })
  t.end()
})

t.test('an entry without its tuple is never asked to be deleted, which would delete all', (t) => {
  const { flows, asked } = scriptedConntrack([], (request) =>
    request.type === GET && request.flags & NLM_F_DUMP
      ? [message({ type: NEW, sequence: request.sequence, family: 2, body: unhex('08000800 00000001') }), done(request.sequence)] // CTA_MARK 1 alone
      : undefined,
  )
  t.throws(() => flows.delete({ mark: 1 }), { name: 'MalformedMessageError' })
  t.throws(() => flows.update({ mark: 1 }, { mark: 2 }), { name: 'MalformedMessageError' })
  t.strictSame(writes(asked), [])
  t.end()
})

t.test('flush() is one message without attributes', (t) => {
  const { flows, asked } = scriptedConntrack([flow(1)])
  flows.flush()
  t.equal(asked.map(({ bytes }) => hex(bytes)).join(), plain('14000000 0201 0500 01000000 00000000 00000000'))
  t.throws(() => scriptedConntrack([], ({ sequence }) => [error(sequence, 1)]).flows.flush(), new NetlinkError('IPCTNL_MSG_CT_DELETE', 1))
  t.end()
})
