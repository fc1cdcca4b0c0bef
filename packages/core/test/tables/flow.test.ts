import t from 'tap'
import { bits } from '../../src/schema/kinds.ts'
import { flowTable, STATUS_BITS } from '../../src/tables/flow.ts'
import { ports } from '../../src/tables/tuple.ts'
import { attribute, concat, nested, unhex } from '../bytes.ts'
import { entryOf, flowLayout } from '../entries.ts'
import { missingFrom, readHeader, sameAsHeader, skipHeaders as skip } from '../kernel-headers.ts'
import { stream } from '../protocols.ts'

const TABLE = flowTable(ports, {})

/** Kernel 6.14 and later. */
const NEWER = { CTA_TIMESTAMP_EVENT: 27 }

t.test("the attributes have the kernel's numbers", { skip }, (t) => {
  sameAsHeader(t, TABLE, NEWER)
  t.end()
})

t.test('every attribute of the kernel is in the table', { skip }, (t) => {
  for (const [enumeration, elsewhere] of [
    // Aliases of CTA_SEQ_ADJ_*; and what a protocol brings.
    ['ctattr_type', ['CTA_PROTOINFO', 'CTA_NAT_SEQ_ADJ_ORIG', 'CTA_NAT_SEQ_ADJ_REPLY']],
    ['ctattr_counters', []],
    ['ctattr_tstamp', []],
    ['ctattr_nat', []],
    ['ctattr_protonat', []],
    ['ctattr_seqadj', []],
    ['ctattr_synproxy', []],
    ['ctattr_help', []],
    ['ctattr_secctx', []],
    ['ctattr_filter', []],
  ] as const) {
    t.strictSame(missingFrom(TABLE, enumeration), elsewhere, enumeration)
  }
  t.end()
})

t.test('a protocol adds to CTA_PROTOINFO', { skip }, (t) => {
  const { protoinfo } = stream
  t.strictSame(missingFrom(flowTable(ports, protoinfo), 'ctattr_type'), ['CTA_NAT_SEQ_ADJ_ORIG', 'CTA_NAT_SEQ_ADJ_REPLY'])
  t.end()
})

t.test("the status bits have the kernel's names and numbers", { skip }, (t) => {
  const header = readHeader('nf_conntrack_common.h').enums.get('ip_conntrack_status')
  t.equal(STATUS_BITS.length, header?.get('__IPS_MAX_BIT'))
  // Bit 12 is IPS_NAT_CLASH inside the kernel; programs are shown the name it had before.
  const names = STATUS_BITS.map((name) => (name === 'NAT_CLASH' ? 'UNTRACKED' : name))
  for (const [bit, name] of names.entries()) {
    t.equal(header?.get(`IPS_${name}_BIT`), bit, name)
    t.equal(header?.get(`IPS_${name}`), 1 << bit)
    const payload = unhex((1 << bit).toString(16).padStart(8, '0'))
    t.strictSame(bits('status', 4, STATUS_BITS).read(payload, 0, 4), [STATUS_BITS[bit]])
  }
  t.end()
})

t.test('what a kernel tells of a flow beside its tuples', (t) => {
  const body = concat(
    attribute(18, unhex('0005')), // CTA_ZONE
    attribute(7, unhex('0000001e')), // CTA_TIMEOUT
    attribute(3, unhex('0000c18a')), // CTA_STATUS
    attribute(8, unhex('0000002a')), // CTA_MARK
    nested(9, attribute(1, unhex('0000000000000003')), attribute(5, []), attribute(2, unhex('0000000100000000'))), // CTA_COUNTERS_ORIG
    nested(10, attribute(3, unhex('00000001')), attribute(4, unhex('00000054'))), // CTA_COUNTERS_REPLY
    nested(20, attribute(1, unhex('187ad8b2c35d6a00')), attribute(2, unhex('187ad8b2ff0f4d00'))), // CTA_TIMESTAMP
    attribute(27, unhex('187ad8b2c35d6a01')), // CTA_TIMESTAMP_EVENT
    nested(5, attribute(1, unhex('66747000')), attribute(2, unhex('0102'))), // CTA_HELP
    nested(14, nested(1, attribute(3, unhex('fd000000000000000000000000000001')))), // CTA_TUPLE_MASTER
    nested(15, attribute(1, unhex('00000001')), attribute(2, unhex('00000002')), attribute(3, unhex('00000003'))), // CTA_SEQ_ADJ_ORIG
    nested(24, attribute(1, unhex('00000001')), attribute(2, unhex('00000002')), attribute(3, unhex('ffffffff'))), // CTA_SYNPROXY
    attribute(17, unhex('00000009')), // CTA_SECMARK
    nested(19, attribute(1, unhex('6300'))), // CTA_SECCTX
    attribute(22, unhex('00000000000000000000000000000002')), // CTA_LABELS
    attribute(12, unhex('8badf00d')), // CTA_ID
    attribute(11, unhex('00000001')), // CTA_USE
  )
  t.strictSame(entryOf(flowLayout([stream]), body).decode(), {
    original: {},
    reply: {},
    zone: 5,
    timeout: 30,
    status: ['SEEN_REPLY', 'CONFIRMED', 'SRC_NAT_DONE', 'DST_NAT_DONE', 'OFFLOAD', 'HW_OFFLOAD'],
    mark: 42,
    originalCounters: { packets: 3n, bytes: 4294967296n },
    replyCounters: { packets32: 1, bytes32: 84 },
    timestamp: { start: 0x187ad8b2c35d6a00n, stop: 0x187ad8b2ff0f4d00n },
    eventTimestamp: 0x187ad8b2c35d6a01n,
    helper: { name: 'ftp', info: Uint8Array.of(1, 2) },
    master: { source: 'fd00::1' },
    originalSequenceAdjustment: { correctionPosition: 1, offsetBefore: 2, offsetAfter: 3 },
    synproxy: { initialSequence: 1, initialTimestamp: 2, timestampOffset: 4294967295 },
    secmark: 9,
    securityContext: { name: 'c' },
    labels: unhex('00000000000000000000000000000002'),
    id: 0x8badf00d,
    use: 1,
  })
  t.end()
})

t.test('the flags of a filter are in the order of the host', (t) => {
  const entry = entryOf(flowLayout([stream]), nested(25, attribute(1, unhex('11000000')), attribute(2, unhex('00000080'))))
  t.match(entry.decode(), { filter: { originalFlags: 0x11, replyFlags: 0x80000000 } })
  t.end()
})
