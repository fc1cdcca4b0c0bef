import t from 'tap'
import { sessionOf } from '../src/session.ts'

t.test('SSH_CONNECTION is two addresses and two ports', async (t) => {
  t.same(sessionOf('192.0.2.1 51234 198.51.100.1 22'), { client: '192.0.2.1', clientPort: 51234, server: '198.51.100.1', serverPort: 22 })
  t.same(sessionOf('2001:DB8::1 1 2001:db8:0::2 65535'), { client: '2001:db8::1', clientPort: 1, server: '2001:db8::2', serverPort: 65535 })
  t.same(sessionOf('::ffff:192.0.2.1 5 fe80::1%eth0 22'), { client: '192.0.2.1', clientPort: 5, server: 'fe80::1', serverPort: 22 })
})

t.test('anything else in it is nothing', async (t) => {
  for (const hostile of [
    undefined,
    '',
    ' ',
    '192.0.2.1',
    '192.0.2.1 51234 198.51.100.1',
    '192.0.2.1 51234 198.51.100.1 22 ',
    '192.0.2.1  51234 198.51.100.1 22',
    '192.0.2.1 51234 198.51.100.1 22 5',
    '192.0.2.1 0 198.51.100.1 22',
    '192.0.2.1 65536 198.51.100.1 22',
    '192.0.2.1 -1 198.51.100.1 22',
    '192.0.2.1 0x16 198.51.100.1 22',
    '192.0.2.1 1e3 198.51.100.1 22',
    '192.0.2.0/24 51234 198.51.100.1 22',
    '!192.0.2.1 51234 198.51.100.1 22',
    '192.0.2.1\n 51234 198.51.100.1 22',
    'UNKNOWN 65535 UNKNOWN 65535',
    '\u001b[2J 1 \u0000 2',
    '9'.repeat(1_000_000),
  ])
    t.equal(sessionOf(hostile), undefined, JSON.stringify(hostile)?.slice(0, 50))
})
