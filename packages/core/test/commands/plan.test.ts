import { inspect } from 'node:util'
import t from 'tap'
import { flowContext } from '../../src/commands/context.ts'
import { type Plan, plan } from '../../src/commands/plan.ts'
import { openConntrack } from '../../src/conntrack.ts'
import type { Filter } from '../../src/schema/match.ts'
import { createKernel } from '../../src/testing/index.ts'
import { requests } from '../../src/transport/request.ts'
import { hex } from '../bytes.ts'
import { datagram, echo, keyed, stream } from '../protocols.ts'
import { forAll, Random } from '../random.ts'
import { matchesNaively } from '../schema/match-naively.ts'

const PROTOCOLS = [stream, datagram, echo, keyed] as const
const context = flowContext(
  requests(() => {
    throw new Error('a plan asks nothing')
  }),
  PROTOCOLS,
)
const planOf = (filter: Filter): Plan => plan(context, filter)
const kernelFilter = (filter: Filter): Uint8Array => planOf(filter).body
const plain = (...digits: readonly string[]): string => digits.join('').replaceAll(' ', '')

/** CTA_MARK and CTA_MARK_MASK, CTA_STATUS and CTA_STATUS_MASK, CTA_ZONE. */
const MARK = (mark: string, mask: string): string => `08000800${mark}08001500${mask}`
const STATUS = (status: string, mask: string): string => `08000300${status}08001a00${mask}`
const ZONE = (zone: string): string => `06001200${zone}0000`

t.test('the kernel filters by mark, status and zone', (t) => {
  for (const [filter, attributes] of [
    [{}, ''],
    [{ mark: 5 }, MARK('00000005', 'ffffffff')],
    [{ mark: 0 }, MARK('00000000', 'ffffffff')],
    [{ mark: { value: 0x10, mask: 0xf0 } }, MARK('00000010', '000000f0')],
    [{ mark: { value: 0, mask: 0 } }, MARK('00000000', '00000000')],
    [{ status: ['ASSURED'] }, STATUS('00000004', '00000004')],
    [{ status: { all: ['ASSURED', 'SEEN_REPLY'] } }, STATUS('00000006', '00000006')],
    [{ status: { none: ['SEEN_REPLY'] } }, STATUS('00000000', '00000002')],
    [{ status: { all: ['ASSURED'], none: ['DYING'] } }, STATUS('00000004', '00000204')],
    [{ zone: 5 }, ZONE('0005')],
    [{ mark: 1, zone: 2, status: ['ASSURED'] }, `${ZONE('0002')}0800030000000004${MARK('00000001', 'ffffffff')}08001a0000000004`],
  ] as const) {
    t.equal(hex(kernelFilter(filter)), attributes, JSON.stringify(filter))
  }
  t.end()
})

t.test('what the kernel would do otherwise than we is left to us', (t) => {
  for (const filter of [
    { zone: 0 }, // it would leave out flows with a zone in one direction
    { zone: { from: 1, to: 5 } },
    { zone: { oneOf: [1, 2] } },
    { zone: { not: 1 } },
    { status: [] }, // it refuses a mask of 0
    { status: {} },
    { status: { all: [], none: [] } },
    { status: { not: ['ASSURED'] } },
    { status: { oneOf: [['ASSURED'], ['DYING']] } },
    { mark: { not: 5 } },
    { mark: { from: 1, to: 5 } },
    { mark: { oneOf: [1, 2] } },
    { original: { zone: 5 } },
    { protocol: 'stream', timeout: 5, state: 'OPEN' }, // it refuses a protocol without a family
    { family: 'ipv4', timeout: 5 },
    { protocol: ['stream', 'datagram'], family: 'ipv4' },
    { original: { source: '10.0.0.0/8' } },
    { original: { source: { not: '10.0.0.1' } } },
    { original: { source: 'fd00::1', destination: 'fd00::2' } }, // it would list all others
    { original: { source: '10.0.0.1' }, reply: { source: 'fd00::1' }, mark: { not: 1 } },
    { family: 'ipv4', original: { sourcePort: 80 } }, // of whichever protocol
  ]) {
    t.equal(kernelFilter(filter).length, 0, JSON.stringify(filter))
  }
  t.end()
})

t.test('the kernel filters by addresses, protocol and ports', (t) => {
  const FILTER = (original: string, reply: string): string => `14001980 08000100${original}000000 08000200${reply}000000`
  for (const [filter, family, attributes] of [
    [
      { original: { source: '10.0.0.1' } },
      2,
      plain('10000180 0c000180 08000100 0a000001', FILTER('01', '00')), // CTA_TUPLE_ORIG: CTA_TUPLE_IP: CTA_IP_V4_SRC
    ],
    [{ original: { source: '10.0.0.1/32' } }, 2, plain('10000180 0c000180 08000100 0a000001', FILTER('01', '00'))],
    [
      { protocol: 'stream', reply: { destination: '10.0.0.1', sourcePort: 443 } },
      2,
      plain(
        '10000180 0c000280 05000100 06000000', // CTA_TUPLE_ORIG: CTA_TUPLE_PROTO: CTA_PROTO_NUM 6
        '24000280 0c000180 08000200 0a000001 14000280 05000100 06000000 06000200 01bb0000', // CTA_TUPLE_REPLY, with the number: ports need it
        FILTER('08', '1a'),
      ),
    ],
    [{ protocol: 'stream', family: 'ipv6' }, 10, plain('10000180 0c000280 05000100 06000000', FILTER('08', '00'))],
    [
      { protocol: 'stream', original: { source: 'fd00::1', destinationPort: 443 } },
      10,
      plain('18000180 14000280 05000100 06000000 06000300 01bb0000', FILTER('28', '00')),
    ],
    // Where others have ports, this one has keys: the kernel would not look at them.
    [
      { protocol: 'keyed', family: 'ipv4', original: { sourceKey: 5 } },
      2,
      plain('10000180 0c000280 05000100 2f000000', FILTER('08', '00')),
    ],
  ] as const) {
    const { family: sent, body } = planOf(filter)
    t.equal(sent, family, inspect(filter))
    t.equal(hex(body), attributes, inspect(filter))
  }
  const { body } = planOf({ protocol: 'echo', family: 'ipv4', original: { type: 8, code: 0, id: 7 } })
  t.match(hex(body), /08000100c8010000/, 'types, codes and ids have bits of their own: 0x1c8')
  t.end()
})

t.test('a plan tells who checks what', (t) => {
  const told = (filter: Filter): [string, string, boolean] => {
    const { kernel, rest, isWhole } = planOf(filter)
    return [kernel.join(' '), rest.join(' '), isWhole]
  }
  t.strictSame(told({}), ['', '', true])
  t.strictSame(told({ mark: 5, timeout: 7 }), ['mark', 'timeout', false])
  t.strictSame(told({ protocol: 'stream', original: { source: '10.0.0.1', destinationPort: 443 } }), [
    'family original.source original.destinationPort protocol',
    '',
    true,
  ])
  t.strictSame(told({ protocol: 'keyed', original: { source: '10.0.0.1', sourceKey: 5 } }), [
    'family original.source protocol',
    'original.sourceKey',
    false,
  ])
  t.strictSame(told({ original: { source: '10.0.0.0/8' }, sourceNat: true }), ['family', 'original.source sourceNat', false])
  t.strictSame(told({ zone: 5 }), ['zone', '', false], "the kernel's zone is one of either direction")
  t.strictSame(told({ protocol: 'stream', family: 'ipv4', original: { protocolNumber: 17 } }), [
    'family original.protocolNumber',
    'protocol',
    false,
  ])
  t.strictSame(told({ original: { source: undefined }, mark: undefined }), ['', '', true])
  t.end()
})

type Fields = Readonly<Record<string, unknown>>

const small = (random: Random): number => random.below(3)
const someBits = (random: Random): string[] => random.some(['SEEN_REPLY', 'ASSURED', 'FIXED_TIMEOUT'])
const address = (random: Random, family: string): string => (family === 'ipv4' ? `10.0.0.${small(random)}` : `fd00::${1 + small(random)}`)

function anyFlow(random: Random): Fields {
  const family = random.pick(['ipv4', 'ipv6'])
  const ends = { source: address(random, family), destination: address(random, family) }
  const ports = { sourcePort: small(random), destinationPort: small(random) }
  const keys = { sourceKey: small(random), destinationKey: small(random) }
  const [protocol, layer4] = random.pick([
    ['stream', ports],
    ['datagram', ports],
    ['keyed', keys],
    ['echo', { type: 8, code: small(random), id: small(random) }],
  ] as const)
  const zone = random.pick([{}, { zone: small(random) }])
  const original = { ...ends, ...layer4, ...random.pick([{}, {}, { zone: small(random) }]) }
  const isZoned = 'zone' in original
  return { protocol, original, timeout: 60, mark: small(random), status: someBits(random), ...(isZoned ? {} : zone) }
}

function anyCondition(random: Random, value: () => unknown): unknown {
  return random.pick([
    value,
    value,
    value,
    () => ({ not: value() }),
    () => ({ oneOf: [value(), value()] }),
    () => ({ oneOf: [value(), { not: value() }] }),
  ])()
}

function anyFilter(random: Random): Filter {
  const number = (): unknown => anyCondition(random, () => small(random))
  const end = (): unknown => {
    const family = random.oneIn(3) ? 'ipv6' : 'ipv4'
    return anyCondition(random, () => address(random, family) + random.pick(['', '', family === 'ipv4' ? '/32' : '/128', '/30']))
  }
  const protocol = random.pick([undefined, 'stream', 'datagram', 'keyed', 'echo'])
  const layer4 =
    protocol === 'stream' || protocol === 'datagram'
      ? ['sourcePort', 'destinationPort']
      : protocol === 'keyed'
        ? ['sourceKey', 'destinationKey']
        : protocol === 'echo'
          ? ['type', 'code', 'id']
          : []
  const tuple = (): Fields =>
    Object.fromEntries([
      ...random.some(['source', 'destination']).map((name) => [name, end()]),
      ...random.some(layer4).map((name) => [name, number()]),
      ...random.some(['zone']).map((name) => [name, number()]),
    ])
  const bits = random.pick([someBits(random), { all: someBits(random) }, { none: someBits(random) }, { not: someBits(random) }])
  const parts: [string, unknown][] = [
    ['protocol', protocol],
    ['family', random.pick(['ipv4', 'ipv6'])],
    ['mark', random.oneIn(3) ? { value: small(random), mask: small(random) } : number()],
    ['zone', number()],
    ['status', bits],
    ['original', tuple()],
    ['reply', tuple()],
  ]
  return Object.fromEntries(random.some(parts))
}

t.test('whatever the kernel does of a filter, a list has what the filter wants', (t) => {
  const random = new Random(1)
  const kernel = createKernel({ protocols: PROTOCOLS })
  using ct = openConntrack({ protocols: PROTOCOLS, socket: kernel.socket })
  for (let i = 0; i < 120; i++) ct.flows.createAll([anyFlow(random) as never])
  const all = [...ct.flows.list()]
  t.ok(all.length > 80, `${all.length} flows`)
  const ids = (flows: Iterable<{ readonly id?: number }>): number[] => [...flows].map(({ id = 0 }) => id)
  let sent = 0
  forAll(t, 800, 10, (chance) => {
    const filter = anyFilter(chance)
    const lacks = (name: string, path: string): boolean =>
      !context.layout.shapes.some(({ variant, fields }) => variant.name === name && fields.has(path))
    const wanted = ids(all.filter((flow) => matchesNaively(flow, filter, (path) => lacks(flow.protocol, path))))
    const listed = ids(ct.flows.list(filter as never))
    if (wanted.join() !== listed.join()) throw new Error(inspect({ filter, wanted, listed, plan: planOf(filter) }, { depth: 9 }))
    if (planOf(filter).body.length > 0) sent++
  })
  t.ok(sent > 400, `the kernel had a part in ${sent}`)
  t.end()
})
