import { inspect, isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { encoder } from '../../src/schema/encode.ts'
import { flowTable } from '../../src/tables/flow.ts'
import type { Protocol } from '../../src/tables/protocol.ts'
import { attribute, concat, nested, unhex } from '../bytes.ts'
import { entryOf, flowLayout, kernelEncoder } from '../entries.ts'
import { datagram, echo, keyed, stream } from '../protocols.ts'
import { forAll } from '../random.ts'
import { randomFields } from '../random-flow.ts'

const PROTOCOLS: readonly Protocol[] = [stream, datagram, echo, keyed]
const LAYOUT = flowLayout(PROTOCOLS)

t.test('decode() gives an object of what is there', (t) => {
  const body = concat(
    nested(
      1,
      nested(1, attribute(1, unhex('0a000001')), attribute(2, unhex('0a000002'))),
      nested(2, attribute(1, [6]), attribute(2, unhex('0400'))),
    ),
    nested(4, nested(1, attribute(1, [2]))),
    attribute(3, unhex('00000006')),
    nested(9, attribute(1, unhex('0000000000000003'))),
  )
  t.strictSame(entryOf(LAYOUT, body).decode({ protocol: 'stream' }), {
    protocol: 'stream',
    original: { source: '10.0.0.1', destination: '10.0.0.2', protocolNumber: 6, sourcePort: 1024 },
    reply: {}, // the kernel always sends it, and so it is always there
    state: 'OPEN',
    status: ['SEEN_REPLY', 'ASSURED'],
    originalCounters: { packets: 3n },
  })
  t.end()
})

t.test('what is empty is there, what is absent is not', (t) => {
  t.strictSame(entryOf(LAYOUT, new Uint8Array(0)).decode(), { original: {}, reply: {} })
  const flow = entryOf(LAYOUT, concat(nested(5), attribute(8, unhex('00000000')), attribute(22, []))).decode()
  t.strictSame(flow, { original: {}, reply: {}, helper: {}, mark: 0, labels: new Uint8Array(0) })
  t.equal('zone' in flow, false)
  t.end()
})

t.test('an attribute that another protocol knows is not told', (t) => {
  const body = (number: number): Uint8Array =>
    concat(
      nested(1, nested(2, attribute(1, [number]), attribute(2, unhex('0010')), attribute(5, [8]))),
      nested(4, nested(1, attribute(1, [2])), nested(3, attribute(2, unhex('00000009')))),
    )
  const decoded = [6, 17, 1, 47].map((number) => entryOf(LAYOUT, body(number)).decode())
  t.strictSame(decoded, [
    { original: { protocolNumber: 6, sourcePort: 16 }, reply: {}, state: 'OPEN' },
    { original: { protocolNumber: 17, sourcePort: 16 }, reply: {} },
    { original: { protocolNumber: 1, type: 8 }, reply: {} },
    { original: { protocolNumber: 47, sourceKey: 16 }, reply: {}, tag: 9 },
  ])
  t.end()
})

t.test('of a protocol that is not installed nothing is lost', (t) => {
  const rest = concat(attribute(2, unhex('0010')), attribute(99, unhex('0102030405')))
  const tuple = concat(attribute(1, [253]), rest)
  const info = nested(99, attribute(1, [1]))
  const flow = entryOf(LAYOUT, concat(nested(1, nested(2, tuple)), nested(4, info))).decode()
  t.strictSame(flow, { original: { layer4: rest, protocolNumber: 253 }, reply: {}, protoinfo: info })
  const { tuple: layer4, protoinfo } = LAYOUT.shape(253).variant.protocol
  const { original, protoinfo: kept } = flow as { original: object; protoinfo: Uint8Array }
  const again = encoder(flowTable(layer4, protoinfo)).encode({ original, protoinfo: kept })
  t.strictSame(entryOf(LAYOUT, again).decode(), flow, 'and it can be sent back')
  t.end()
})

t.test('what is written is read', (t) => {
  for (const { name, number, tuple, protoinfo } of PROTOCOLS) {
    const table = flowTable(tuple, protoinfo)
    const kernel = kernelEncoder(table)
    forAll(t, 500, number, (random) => {
      const family = random.pick(['ipv4', 'ipv6'] as const)
      const flow = randomFields(random, table, family)
      const original = { ...(flow.original as object), protocolNumber: number }
      const entry = entryOf(LAYOUT, kernel.encode({ ...flow, original }), family === 'ipv4' ? 2 : 10)
      if (entry.shape.variant.name !== name) throw new Error(`it is ${entry.shape.variant.name}`)
      const decoded = entry.decode()
      if (!isDeepStrictEqual(decoded, { ...flow, original })) throw new Error(inspect({ flow, decoded }, { depth: 9 }))
    })
  }
  t.end()
})

t.test('a decoded flow shares nothing with the message', (t) => {
  const entry = entryOf(LAYOUT, concat(nested(5, attribute(1, unhex('66747000')), attribute(2, [1, 2])), attribute(22, [3, 4])))
  const flow = entry.decode()
  entry.bytes.fill(0xee)
  t.strictSame(flow, { original: {}, reply: {}, helper: { name: 'ftp', info: Uint8Array.of(1, 2) }, labels: Uint8Array.of(3, 4) })
  t.end()
})
