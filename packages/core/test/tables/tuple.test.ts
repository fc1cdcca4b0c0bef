import t from 'tap'
import { keys, ports, tupleOf } from '../../src/tables/tuple.ts'
import { missingFrom, sameAsHeader, skipHeaders as skip } from '../kernel-headers.ts'

t.test("the attributes have the kernel's numbers", { skip }, (t) => {
  sameAsHeader(t, tupleOf(ports))
  sameAsHeader(t, tupleOf(keys))
  t.end()
})

t.test('every attribute of the kernel is in the table, but those of ICMP, which a protocol brings', { skip }, (t) => {
  t.strictSame(missingFrom(tupleOf(ports), 'ctattr_tuple'), [])
  t.strictSame(missingFrom(tupleOf(ports), 'ctattr_ip'), [])
  t.ok(missingFrom(tupleOf(ports), 'ctattr_l4proto').every((name) => /^CTA_PROTO_ICMP(V6)?_(ID|TYPE|CODE)$/.test(name)))
  t.strictSame(missingFrom(tupleOf({}), 'ctattr_l4proto').slice(0, 2), ['CTA_PROTO_SRC_PORT', 'CTA_PROTO_DST_PORT'])
  t.end()
})
