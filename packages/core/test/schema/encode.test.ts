import t from 'tap'
import { attributeCopier, encoder } from '../../src/schema/encode.ts'
import { bytes, ipv4, ipv6, port, string, u8, u32 } from '../../src/schema/kinds.ts'
import { attribute as row, fromKernel, nest, perFamily, type Table, within } from '../../src/schema/table.ts'
import { attribute, concat, hex, nested, unhex } from '../bytes.ts'
import { entryOf, flowLayout } from '../entries.ts'
import { echo, stream } from '../protocols.ts'
import { flowTable } from '../../src/tables/flow.ts'

const TABLE = {
  mark: row(8, 'MARK', u32),
  told: fromKernel(row(9, 'TOLD', u32)),
  ...within(1, 'IP', {
    source: perFamily(row(1, 'V4_SRC', ipv4), row(3, 'V6_SRC', ipv6)),
    destination: perFamily(row(2, 'V4_DST', ipv4), row(4, 'V6_DST', ipv6)),
  }),
  helper: nest(5, 'HELP', { name: row(1, 'NAME', string), info: row(2, 'INFO', bytes), told: fromKernel(row(3, 'TOLD', u8)) }),
  ...within(2, 'PROTO', within(7, 'TCP', { port: row(1, 'PORT', port) })),
  labels: row(22, 'LABELS', bytes),
} as const satisfies Table

/** Hexadecimal digits without the blanks that make them readable. */
const plain = (...digits: readonly string[]): string => digits.join('').replaceAll(' ', '')

const encode = (value: object): string => hex(encoder(TABLE).encode(value))

t.test('encode() writes the attributes in the order of the table', (t) => {
  t.equal(
    encode({ labels: unhex('010203'), destination: '10.0.0.2', source: '10.0.0.1', mark: 1, port: 443, helper: { name: 'ftp' } }),
    plain(
      '08000800 00000001', // MARK
      '14000180', // IP, nested, both addresses in it
      '08000100 0a000001', // V4_SRC
      '08000200 0a000002', // V4_DST
      '0c000580', // HELP, nested
      '08000100 66747000', // NAME "ftp\0"
      '10000280', // PROTO, nested
      '0c000780', // TCP, nested
      '06000100 01bb0000', // PORT 443, padded
      '07001600 01020300', // LABELS, 3 bytes, padded
    ),
  )
  t.end()
})

t.test('an address is written as the attribute of its family', (t) => {
  t.equal(encode({ source: '::1' }), plain('18000180 14000300 00000000 00000000 00000000 00000001'))
  t.equal(encode({ source: '1.2.3.4' }), plain('0c000180 08000100 01020304'))
  t.end()
})

t.test('what is not given, empty, or only told by the kernel is not written', (t) => {
  t.equal(encode({}), '')
  t.equal(encode({ mark: undefined, helper: undefined, source: undefined }), '')
  t.equal(encode({ helper: {} }), '', 'no empty nest')
  t.equal(encode({ helper: { name: undefined }, port: undefined }), '')
  t.equal(encode({ told: 1, helper: { told: 1 } }), '')
  t.equal(encode({ labels: new Uint8Array(0) }), '04001600', 'bytes may be empty')
  t.equal(encode({ helper: { name: '' } }), plain('0c000580 05000100 00000000'))
  t.end()
})

t.test('a field that the table does not have is an error with its path', (t) => {
  t.throws(() => encode({ mrak: 1 }), new RangeError("unknown field 'mrak'"))
  t.throws(() => encode({ mrak: undefined }), new RangeError("unknown field 'mrak'"))
  t.throws(() => encode({ helper: { nmae: 'ftp' } }), new RangeError("unknown field 'helper.nmae'"))
  t.throws(() => encode({ toString: 1 }), new RangeError("unknown field 'toString'"))
  t.throws(() => encode(JSON.parse('{"__proto__":1}')), new RangeError("unknown field '__proto__'"))
  t.end()
})

t.test('a value that does not fit is an error with the path of its field', (t) => {
  t.throws(() => encode({ mark: -1 }), new RangeError('mark: -1 is not a whole number from 0 to 4294967295'))
  t.throws(() => encode({ mark: '1' }), /^mark: /)
  t.throws(() => encode({ source: '1.2.3.300' }), new RangeError("source: '1.2.3.300' is not an ipv4 address"))
  t.throws(() => encode({ source: 'fe80::x' }), new RangeError("source: 'fe80::x' is not an ipv6 address"))
  t.throws(() => encode({ port: 70000 }), new RangeError('port: 70000 is not a whole number from 0 to 65535'))
  t.throws(() => encode({ helper: { name: 'a\0b' } }), new RangeError('helper.name: a string for the kernel cannot contain NUL'))
  t.throws(() => encode({ helper: { info: 5 } }), new RangeError('helper.info: expected a Uint8Array'))
  t.end()
})

t.test('what should be an object and is none is an error', (t) => {
  for (const value of [5, true, null, 'ftp', ['ftp']])
    t.throws(() => encode({ helper: value }), /^(helper: expected an object|unknown field 'helper\.0')/)
  t.end()
})

t.test('what is too long for an attribute is an error with the path of its field', (t) => {
  const message = 'an attribute holds at most 65531 bytes'
  t.throws(() => encode({ helper: { name: 'x'.repeat(70000) } }), new RangeError(`helper.name: ${message}`))
  t.throws(() => encode({ labels: new Uint8Array(65532) }), new RangeError(`labels: ${message}`))
  t.throws(() => encode({ helper: { name: 'x'.repeat(40000), info: new Uint8Array(40000) } }), new RangeError(`helper: ${message}`))
  t.equal(encode({ labels: new Uint8Array(65531) }).slice(0, 8), 'ffff1600')
  t.end()
})

t.test('an encoder can be used again, after an error too, and its results stay', (t) => {
  const again = encoder(TABLE)
  const first = again.encode({ mark: 1 })
  t.throws(() => again.encode({ helper: { name: 'x', info: new Uint8Array(70000) } }))
  t.equal(hex(again.encode({ mark: 2 })), '0800080000000002')
  t.equal(hex(first), '0800080000000001')
  t.equal(again.encode({ labels: new Uint8Array(5000) }).length, 5004, 'however long')
  for (let length = 0; length < 70; length++) {
    const written = encoder({ blob: row(1, 'BLOB', bytes), mark: TABLE.mark }).encode({ blob: new Uint8Array(1000 + length), mark: 1 })
    if (written.length !== ((1004 + length + 3) & ~3) + 8) t.fail(`${written.length} bytes around the first end of the buffer`)
  }
  t.end()
})

t.test('a flow is written as the kernel reads it', (t) => {
  const flows = encoder(flowTable(stream.tuple, stream.protoinfo))
  t.equal(
    hex(
      flows.encode({
        original: { source: '10.0.0.1', destination: '10.0.0.2', protocolNumber: 6, sourcePort: 1024, destinationPort: 80, zone: 3 },
        timeout: 300,
        state: 'OPEN',
        scale: 7,
        status: ['SEEN_REPLY', 'ASSURED'],
        originalCounters: { packets: 1n },
      }),
    ),
    plain(
      '3c000180', // CTA_TUPLE_ORIG
      '14000180 08000100 0a000001 08000200 0a000002', // CTA_TUPLE_IP: CTA_IP_V4_SRC, CTA_IP_V4_DST
      '1c000280 05000100 06000000 06000200 04000000 06000300 00500000', // CTA_TUPLE_PROTO: CTA_PROTO_NUM 6, SRC_PORT 1024, DST_PORT 80
      '06000300 00030000', // CTA_TUPLE_ZONE 3
      '08000700 0000012c', // CTA_TIMEOUT 300
      '18000480 14000180', // CTA_PROTOINFO: CTA_PROTOINFO_TCP
      '05000100 02000000', // CTA_PROTOINFO_TCP_STATE 2
      '05000200 07000000', // CTA_PROTOINFO_TCP_WSCALE_ORIGINAL 7
      '08000300 00000006', // CTA_STATUS
    ),
  )
  t.end()
})

t.test('attributeCopier()() copies attributes as they came, padded', (t) => {
  const layout = flowLayout([stream, echo])
  const original = nested(1, nested(2, attribute(1, [6])), attribute(77, [1, 2, 3, 4, 5])) // with one that we do not know
  const zone = unhex('06001200 0003') // the last one, unaligned
  const entry = entryOf(layout, concat(original, attribute(12, unhex('0000abcd')), zone))
  const slot = (path: string): number => entry.offset(path)
  const whole = entry.slots[entry.shape.members.find(({ name }) => name === 'original')?.slot ?? 0]
  t.equal(hex(attributeCopier()(entry.bytes, [whole])), hex(original))
  t.equal(hex(attributeCopier()(entry.bytes, [slot('zone'), slot('id'), 0, slot('mark')])), plain('06001200 00030000 08000c00 0000abcd'))
  t.equal(hex(attributeCopier()(entry.bytes, [])), '')
  t.end()
})

t.test('attributeCopier()() copies any length', (t) => {
  for (const length of [0, 1, 1015, 1016, 1017, 1018, 1019, 1020, 1021, 5000]) {
    const one = attribute(22, new Uint8Array(length).fill(7))
    const copy = attributeCopier()(concat([0, 0, 0, 0], one), [8, 8])
    t.equal(hex(copy), hex(concat(one, one)), `${length} bytes`)
  }
  t.end()
})
