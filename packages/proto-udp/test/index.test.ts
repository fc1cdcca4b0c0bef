import t from 'tap'
import { conforms } from '../../core/test/protocol-conformance.ts'
import { udp, udplite } from '../src/index.ts'

const opposites = [
  [
    { sourcePort: 1024, destinationPort: 53 },
    { sourcePort: 53, destinationPort: 1024 },
  ],
] as const

conforms(t, udp, { opposites })
conforms(t, udplite, { opposites })

t.test('UDP is IPPROTO_UDP, UDP-Lite is IPPROTO_UDPLITE', (t) => {
  t.strictSame(
    [udp, udplite].map(({ name, number }) => [name, number]),
    [
      ['udp', 17],
      ['udplite', 136],
    ],
  )
  t.end()
})
