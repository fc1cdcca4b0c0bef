import t from 'tap'
import {
  EXPECTED_BESIDE_MASTER_USE,
  EXPECTED_USE,
  IGNORED_USE,
  MASK_USE,
  flowRow,
  flowVariants,
  oppositePorts,
  portOptions,
  TUPLE_USE,
  unknownProtocol,
} from '../../src/tables/protocol.ts'
import { datagram, stream } from '../protocols.ts'

t.test('flowVariants() gives each protocol its table, and the unknown one last', (t) => {
  const variants = flowVariants([stream, datagram])
  t.strictSame(
    variants.map(({ name, number }) => [name, number]),
    [
      ['stream', 6],
      ['datagram', 17],
      ['unknown', -1],
    ],
  )
  t.ok('state' in variants[0].table && !('state' in variants[1].table))
  t.equal(variants[0].protocol, stream)
  t.equal(variants[2].protocol, unknownProtocol)
  t.end()
})

t.test('oppositePorts() lets the ports change places', (t) => {
  t.strictSame(oppositePorts({ sourcePort: 1, destinationPort: 2 }), { sourcePort: 2, destinationPort: 1 })
  t.strictSame(oppositePorts({ sourcePort: 1 }), { sourcePort: undefined, destinationPort: 1 })
  t.end()
})

t.test('the options of ports are about the four ports of a flow, in both directions, and of an expectation', (t) => {
  t.strictSame(
    portOptions.map(({ names, sets, use, expectation }) => [names, sets, use, expectation]),
    [
      [['sport', 'orig-port-src'], 'original.sourcePort', TUPLE_USE, EXPECTED_USE],
      [['dport', 'orig-port-dst'], 'original.destinationPort', TUPLE_USE, EXPECTED_USE],
      [['reply-port-src'], 'reply.sourcePort', TUPLE_USE, IGNORED_USE],
      [['reply-port-dst'], 'reply.destinationPort', TUPLE_USE, IGNORED_USE],
      [['mask-port-src'], 'mask.sourcePort', {}, MASK_USE],
      [['mask-port-dst'], 'mask.destinationPort', {}, MASK_USE],
      [['tuple-port-src'], 'tuple.sourcePort', {}, EXPECTED_BESIDE_MASTER_USE],
      [['tuple-port-dst'], 'tuple.destinationPort', {}, EXPECTED_BESIDE_MASTER_USE],
    ],
  )
  t.end()
})

t.test('flowRow() is the attribute behind a field', (t) => {
  t.match(flowRow(stream, 'mark'), { path: [{ id: 8, name: 'CTA_MARK' }], kind: { name: 'u32' } })
  t.match(flowRow(stream, 'original.sourcePort'), { path: [{ name: 'CTA_TUPLE_PROTO' }, { name: 'CTA_PROTO_SRC_PORT' }] })
  t.match(flowRow(stream, 'state'), {
    path: [{ name: 'CTA_PROTOINFO' }, { name: 'CTA_PROTOINFO_TCP' }, { name: 'CTA_PROTOINFO_TCP_STATE' }],
  })
  t.match(flowRow(stream, 'reply.source'), { row: 'perFamily' })
  for (const path of ['original', 'original.port', 'marks', 'mark.value', '', 'toString', 'original.toString'])
    t.throws(() => flowRow(stream, path), new RangeError(`unknown field '${path}'`), path)
  t.throws(() => flowRow(datagram, 'state'), new RangeError("unknown field 'state'"))
  t.end()
})
