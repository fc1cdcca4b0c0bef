import t from 'tap'
import { missingFrom, skipHeaders as skip } from '../../core/test/kernel-headers.ts'
import { conforms } from '../../core/test/protocol-conformance.ts'
import { icmp, icmpv6 } from '../src/index.ts'

const pair = (query: number, reply: number) =>
  [
    { type: query, code: 0, id: 7 },
    { type: reply, code: 0, id: 7 },
  ] as const

conforms(t, icmp, { opposites: [pair(8, 0), pair(13, 14), pair(15, 16), pair(17, 18)] })
conforms(t, icmpv6, { opposites: [pair(128, 129), pair(139, 140)] })

t.test('between both, they bring all that the kernel has of ICMP', { skip }, (t) => {
  const missing = missingFrom(
    { ...icmp.tuple, ...Object.fromEntries(Object.entries(icmpv6.tuple).map(([name, row]) => [`${name}6`, row])) },
    'ctattr_l4proto',
  )
  t.strictSame(missing, ['CTA_PROTO_NUM', 'CTA_PROTO_SRC_PORT', 'CTA_PROTO_DST_PORT'])
  t.end()
})

t.test('a type without an opposite stays as it is', (t) => {
  for (const protocol of [icmp, icmpv6]) {
    t.strictSame(protocol.opposite({ type: 3, code: 1, id: 9 }), { type: 3, code: 1, id: 9 })
    t.strictSame(protocol.opposite({ id: 9 }), { id: 9 })
  }
  t.strictSame(icmp.opposite({ type: 128 }), { type: 128 }, 'that of the other protocol too')
  t.strictSame(icmpv6.opposite({ type: 8 }), { type: 8 })
  t.end()
})

t.test('type and code are wanted of a flow that is asked for or made, the id is not', (t) => {
  for (const { options } of [icmp, icmpv6]) {
    t.strictSame(
      options.map(({ use }) => [use.list, use.get, use.create, use.add]),
      [
        ['condition', 'required', 'required', 'required'],
        ['condition', 'required', 'required', 'required'],
        ['condition', 'value', 'value', 'value'],
      ],
    )
  }
  t.end()
})
