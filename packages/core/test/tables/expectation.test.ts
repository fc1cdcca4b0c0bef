import t from 'tap'
import { layout } from '../../src/schema/layout.ts'
import { expectationTable } from '../../src/tables/expectation.ts'
import { ports } from '../../src/tables/tuple.ts'
import { attribute, concat, nested, unhex } from '../bytes.ts'
import { entryOf } from '../entries.ts'
import { missingFrom, readHeader, sameAsHeader, skipHeaders as skip } from '../kernel-headers.ts'

const TABLE = expectationTable(ports)

t.test("the attributes have the kernel's numbers", { skip }, (t) => {
  sameAsHeader(t, TABLE)
  t.end()
})

t.test('every attribute of the kernel is in the table', { skip }, (t) => {
  for (const enumeration of ['ctattr_expect', 'ctattr_expect_nat']) t.strictSame(missingFrom(TABLE, enumeration), [], enumeration)
  t.end()
})

t.test("the flags have the kernel's names and numbers", { skip }, (t) => {
  const { defines } = readHeader('nf_conntrack_common.h')
  const entry = (bits: number) => entryOf(layout([{ name: 'one', number: 0, table: TABLE }]), attribute(8, [0, 0, 0, bits])).decode()
  for (const name of ['PERMANENT', 'INACTIVE', 'USERSPACE']) {
    const bit = defines.get(`NF_CT_EXPECT_${name}`)
    t.type(bit, 'number')
    t.strictSame(entry(bit ?? 0).flags, [name])
  }
  t.end()
})

t.test('an expectation as the FTP helper makes it', (t) => {
  const tuple = (type: number, source: string, destination: string, sourcePort: string, destinationPort: string): Uint8Array =>
    nested(
      type,
      nested(1, attribute(1, unhex(source)), attribute(2, unhex(destination))),
      nested(2, attribute(1, [6]), attribute(2, unhex(sourcePort)), attribute(3, unhex(destinationPort))),
    )
  const body = concat(
    tuple(1, '0a090001', '0a090002', '9c55', '0015'), // CTA_EXPECT_MASTER
    tuple(2, '0a090001', '0a090002', '0000', 'c351'), // CTA_EXPECT_TUPLE
    tuple(3, 'ffffffff', 'ffffffff', '0000', 'ffff'), // CTA_EXPECT_MASK
    attribute(4, unhex('00000128')), // CTA_EXPECT_TIMEOUT
    attribute(5, unhex('00abcdef')), // CTA_EXPECT_ID
    attribute(6, unhex('66747000')), // CTA_EXPECT_HELP_NAME
    attribute(7, unhex('0005')), // CTA_EXPECT_ZONE
    attribute(8, unhex('00000001')), // CTA_EXPECT_FLAGS
    attribute(9, unhex('00000000')), // CTA_EXPECT_CLASS
    nested(10, attribute(1, unhex('00000001')), tuple(2, '0a090003', '00000000', '0050', '0000')), // CTA_EXPECT_NAT
    attribute(11, unhex('6e61742d666f6c6c6f772d6d617374657200')), // CTA_EXPECT_FN
  )
  const ends = (source: string, destination: string, sourcePort: number, destinationPort: number) => ({
    source,
    destination,
    protocolNumber: 6,
    sourcePort,
    destinationPort,
  })
  t.strictSame(entryOf(layout([{ name: 'one', number: 0, table: TABLE }]), body).decode(), {
    master: ends('10.9.0.1', '10.9.0.2', 40021, 21),
    tuple: ends('10.9.0.1', '10.9.0.2', 0, 50001),
    mask: { ...ends('255.255.255.255', '255.255.255.255', 0, 65535) },
    zone: 5,
    timeout: 296,
    flags: ['PERMANENT'],
    class: 0,
    helper: 'ftp',
    nat: { direction: 1, tuple: ends('10.9.0.3', '0.0.0.0', 80, 0) },
    function: 'nat-follow-master',
    id: 0xabcdef,
  })
  t.end()
})
