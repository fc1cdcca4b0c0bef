import t from 'tap'
import { openConntrack } from '../../core/src/conntrack.ts'
import { livesInKernel } from '../../core/test/kernel-conformance.ts'
import { namespace, skipTraffic, trackLoopback, traffic } from '../../core/test/real-kernel.ts'
import { gre } from '../src/index.ts'

livesInKernel(t, gre, {
  layer4: [
    { sourceKey: 0x10, destinationKey: 0xffff },
    { sourceKey: 0xffff, destinationKey: 0x10 },
  ],
})

// Version 0, which has no keys for connection tracking; and version 1, PPTP's, whose call id is the destination's key.
const SCRIPT = `
import socket, struct, sys
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 47)
for packet in (struct.pack('!HH', 0, 0x0800) + bytes(20), struct.pack('!HHHHI', 0x3001, 0x880b, 4, 0x1234, 1) + bytes(4)):
    raw.sendto(packet, ('127.0.0.1', 0))
    raw.recv(999)
print('ready', flush=True)
sys.stdin.read()
`

t.test('tunnels of the real world', { skip: skipTraffic }, async (t) => {
  const netns = namespace(t)
  trackLoopback(netns)
  await traffic(t, netns, SCRIPT)
  using ct = openConntrack({ protocols: [gre], netns })
  const keysOf = (filter: object): unknown[] =>
    [...ct.flows.list({ protocol: 'gre', ...filter })].map(
      (flow) => flow.protocol === 'gre' && [flow.original.sourceKey, flow.original.destinationKey],
    )
  t.strictSame(
    new Set(keysOf({})),
    new Set([
      [0, 0],
      [0, 0x1234],
    ]),
  )
  t.strictSame(keysOf({ original: { destinationKey: 0x1234 } }), [[0, 0x1234]])
  t.strictSame(keysOf({ reply: { sourceKey: 0x1234 } }), [[0, 0x1234]])
})

t.test('a key is taken in hexadecimal, decimal and octal', (t) => {
  const { kind } = gre.tuple.destinationKey
  for (const argument of ['0x1234', '4660', '011064']) t.equal(kind.parse(argument), 0x1234, argument)
  for (const argument of ['65536', '0x10000', '-1', '1.5', '']) t.throws(() => kind.parse(argument), RangeError, argument)
  t.end()
})
