import t from 'tap'
import { NetlinkError } from '../../src/errors.ts'
import { expectationTable } from '../../src/tables/expectation.ts'
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST } from '../../src/transport/message.ts'
import { hex } from '../bytes.ts'
import { kernelEncoder } from '../entries.ts'
import { stream } from '../protocols.ts'
import { scriptedConntrack } from '../scripted-conntrack.ts'
import { ack, done, error, message, type ScriptedRequest } from '../scripted-kernel.ts'

const NEW = 0x0200
const GET = 0x0201
const DELETE = 0x0202
const DUMP = NLM_F_REQUEST | NLM_F_ACK | NLM_F_DUMP

const plain = (...digits: readonly string[]): string => digits.join('').replaceAll(' ', '')

const ends = (source: string, destination: string, sourcePort: number, destinationPort: number) => ({
  source,
  destination,
  sourcePort,
  destinationPort,
})
const master = ends('10.0.0.1', '10.0.0.2', 1024, 21)
const mask = ends('255.255.255.255', '255.255.255.255', 0, 65535)
const tuple = (port: number) => ends('10.0.0.2', '10.0.0.1', 0, port)

/** The attributes of an expectation's tuple as bytes, under a number of enum ctattr_expect. */
const TUPLE = (type: string, addresses: string, protocol: string, ports: string): string =>
  plain(
    `3400${type}80`,
    `14000180 08000100 ${addresses.slice(0, 8)} 08000200 ${addresses.slice(8)}`,
    `1c000280 05000100 ${protocol}000000 06000200 ${ports.slice(0, 4)}0000 06000300 ${ports.slice(4)}0000`,
  )

const encoder = kernelEncoder(expectationTable(stream.tuple))

/** An expectation of a port as the kernel sends it. */
function expected({ sequence }: ScriptedRequest, port: number, more: object = {}, flags?: number): Uint8Array {
  const numbered = (one: object): object => ({ ...one, protocolNumber: 6 })
  const body = encoder.encode({ master: numbered(master), tuple: numbered(tuple(port)), mask: numbered(mask), ...more })
  return message({ type: NEW, sequence, flags, body })
}

/** A kernel that expects ports 1 and 2. */
const table = (answer: Parameters<typeof scriptedConntrack>[1] = () => undefined) =>
  scriptedConntrack([], (request) => {
    const own = answer(request)
    if (own !== undefined) return own
    if (request.type !== GET) return [ack(request.sequence)]
    return [
      expected(request, 1, { id: 0x0a0b0c0d, zone: 7, helper: 'ftp', timeout: 300 }),
      expected(request, 2, { helper: 'sip' }),
      done(request.sequence),
    ]
  })

const listed = (port: number, more: object) => ({
  protocol: 'stream',
  family: 'ipv4',
  master: { ...master, protocolNumber: 6 },
  tuple: { ...tuple(port), protocolNumber: 6 },
  mask: { ...mask, protocolNumber: 6 },
  ...more,
})

t.test('list() gives the expectations, of both families and unfiltered by the kernel', (t) => {
  const { expectations, asked } = table()
  t.strictSame(
    [...expectations.list()],
    [listed(1, { id: 0x0a0b0c0d, zone: 7, helper: 'ftp', timeout: 300 }), listed(2, { helper: 'sip' })],
  )
  t.strictSame([...expectations.list({ helper: 'sip' })], [listed(2, { helper: 'sip' })])
  t.equal([...expectations.list({ protocol: 'stream', tuple: { destinationPort: 1 } })].length, 1)
  t.equal([...expectations.list({ family: 'ipv6' })].length, 0)
  t.strictSame(
    asked.map(({ type, flags, family, body }) => [type, flags, family, body.length]),
    [
      [GET, DUMP, 0, 0],
      [GET, DUMP, 0, 0],
      [GET, DUMP, 0, 0],
      [GET, DUMP, 10, 0],
    ],
  )
  t.throws(() => expectations.list({ original: {} } as never), new RangeError("unknown field 'original'"))
  t.throws(() => expectations.list({ sourceNat: true } as never), new RangeError("unknown field 'sourceNat'"))
  t.end()
})

t.test('count() lists them, as the kernel keeps no count', (t) => {
  const { expectations, asked } = table()
  t.equal(expectations.count(), 2)
  t.equal(expectations.count({ helper: 'ftp' }), 1)
  t.strictSame(
    asked.map(({ type }) => type),
    [GET, GET],
  )
  t.end()
})

t.test('get() asks for the expectation of a tuple', (t) => {
  const answer = (request: ScriptedRequest) => [expected(request, 1, { id: 5 }, 0), ack(request.sequence)]
  const { expectations, asked } = table(answer)
  t.strictSame(expectations.get({ protocol: 'stream', tuple: tuple(1), zone: 7 }), listed(1, { id: 5 }))
  t.equal(asked[0].type, GET)
  t.equal(asked[0].flags, NLM_F_REQUEST | NLM_F_ACK)
  t.equal(asked[0].family, 2)
  t.equal(hex(asked[0].body), plain(TUPLE('02', '0a0000020a000001', '06', '00000001'), '06000700 00070000')) // CTA_EXPECT_TUPLE, CTA_EXPECT_ZONE
  const byId = (id: number) => ({ protocol: 'stream', tuple: tuple(1), id }) as const
  t.equal([...expectations.lookup(byId(5))].length, 1)
  t.equal(expectations.get(byId(6)), undefined, 'another one under this tuple')
  t.equal([...expectations.lookup(byId(5), { timeout: 0 })].length, 0, 'a filter does not hold for it')
  t.end()
})

t.test('an expectation that is not there is undefined to get(), and an error to lookup()', (t) => {
  const { expectations } = table(({ sequence }) => [error(sequence, 2)])
  const asked = { protocol: 'stream', tuple: tuple(1) } as const
  t.equal(expectations.get(asked), undefined)
  t.throws(() => [...expectations.lookup(asked)], new NetlinkError('IPCTNL_MSG_EXP_GET', 2))
  t.throws(() => expectations.get({ protocol: 'stream' }), new RangeError('tuple: the packets to look for are missing'))
  t.throws(() => expectations.get({ protocol: 'tcp' as never, tuple: tuple(1) }), new RangeError("protocol 'tcp' is not installed"))
  t.throws(() => expectations.get({ ...asked, family: 'ipv6' }), new RangeError('mismatched address family'))
  t.end()
})

t.test('create() sends master, tuple and mask', (t) => {
  const { expectations, asked } = table()
  expectations.create({ protocol: 'stream', master, tuple: tuple(1), mask, timeout: 300, helper: 'ftp', flags: ['PERMANENT'] })
  const [{ type, flags, family, body }] = asked
  t.strictSame([type, flags, family], [NEW, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 2])
  t.equal(
    hex(body),
    plain(
      TUPLE('01', '0a0000010a000002', '06', '04000015'), // CTA_EXPECT_MASTER
      TUPLE('02', '0a0000020a000001', '06', '00000001'), // CTA_EXPECT_TUPLE
      TUPLE('03', 'ffffffffffffffff', 'ff', '0000ffff'), // CTA_EXPECT_MASK, of which the protocol is whole
      '08000400 0000012c', // CTA_EXPECT_TIMEOUT 300
      '08000800 00000001', // CTA_EXPECT_FLAGS: PERMANENT
      '08000600 66747000', // CTA_EXPECT_HELP_NAME
    ),
  )
  t.end()
})

t.test('what create() cannot make is an error before anything is asked', (t) => {
  const { expectations, kernel } = table()
  const whole = { protocol: 'stream', master, tuple: tuple(1), mask } as const
  for (const part of ['master', 'tuple', 'mask'] as const)
    t.throws(() => expectations.create({ ...whole, [part]: undefined }), new RangeError('master, tuple and mask are needed'))
  t.throws(() => expectations.create({ ...whole, mask: { source: 'ffff::' } }), new RangeError('mismatched address family'))
  t.throws(() => expectations.create({ ...whole, timeout: -1 }), /^timeout: /)
  t.throws(() => expectations.create({ ...whole, mark: 1 } as never), new RangeError("unknown field 'mark'"))
  t.equal(kernel.sockets.length, 0)
  const refusing = table(({ sequence }) => [error(sequence, 95)])
  t.throws(() => refusing.expectations.create(whole), new NetlinkError('IPCTNL_MSG_EXP_NEW', 95))
  t.end()
})

t.test('delete() names each by tuple, zone and id', (t) => {
  const { expectations, asked } = table()
  const seen: unknown[] = []
  t.strictSame(expectations.delete({ helper: 'ftp' }, { onEntry: (entry) => seen.push(entry.decode().helper) }), { matched: 1, deleted: 1 })
  t.strictSame(seen, ['ftp'])
  t.strictSame([asked.length, asked[1].type, asked[1].family], [2, DELETE, 2])
  // CTA_EXPECT_TUPLE, CTA_EXPECT_ZONE, CTA_EXPECT_ID
  t.equal(hex(asked[1].body), plain(TUPLE('02', '0a0000020a000001', '06', '00000001'), '06000700 00070000', '08000500 0a0b0c0d'))
  const racing = table(({ type, sequence }) => (type === DELETE ? [error(sequence, 2)] : undefined))
  t.strictSame(racing.expectations.delete({}), { matched: 2, deleted: 0 })
  const refusing = table(({ type, sequence }) => (type === DELETE ? [error(sequence, 1)] : undefined))
  t.throws(() => refusing.expectations.delete({}), new NetlinkError('IPCTNL_MSG_EXP_DELETE', 1))
  t.end()
})

t.test('flush() deletes all at once, or those of a family one by one', (t) => {
  const { expectations, asked } = table()
  expectations.flush()
  expectations.flush({ family: 'ipv4' })
  t.strictSame(
    asked.map(({ type, family, body }) => [type, family, body.length > 0]),
    [
      [DELETE, 0, false],
      [GET, 2, false],
      [DELETE, 2, true],
      [DELETE, 2, true],
    ],
  )
  t.end()
})
