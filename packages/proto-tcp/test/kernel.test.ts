import t from 'tap'
import { openConntrack } from '../../core/src/conntrack.ts'
import { livesInKernel } from '../../core/test/kernel-conformance.ts'
import { namespace, skipTraffic as skip, trackLoopback, traffic } from '../../core/test/real-kernel.ts'
import { tcp } from '../src/index.ts'

livesInKernel(t, tcp, {
  layer4: [
    { sourcePort: 40000, destinationPort: 443 },
    { sourcePort: 443, destinationPort: 40000 },
  ],
  fields: { state: 'ESTABLISHED', windowScaleOriginal: 7, windowScaleReply: 9 },
  change: { state: 'CLOSE_WAIT' },
})

const SCRIPT = `
import socket, sys
pairs = []
for family, address in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
    server = socket.socket(family); server.bind((address, 8001)); server.listen(1)
    client = socket.socket(family); client.bind((address, 8002)); client.connect((address, 8001))
    other, _ = server.accept(); client.send(b'ping'); other.recv(9); other.send(b'pong'); client.recv(9)
    pairs.append((server, client, other))
print('ready', flush=True)
sys.stdin.read()
`

t.test('a connection of the real world', { skip }, async (t) => {
  const netns = namespace(t)
  trackLoopback(netns)
  await traffic(t, netns, SCRIPT)
  using ct = openConntrack({ protocols: [tcp], netns })
  for (const [family, address] of [
    ['ipv4', '127.0.0.1'],
    ['ipv6', '::1'],
  ] as const) {
    const [flow, ...others] = ct.flows.list({ protocol: 'tcp', family })
    t.equal(others.length, 0)
    t.match(flow, {
      protocol: 'tcp',
      family,
      original: { source: address, destination: address, protocolNumber: 6, sourcePort: 8002, destinationPort: 8001 },
      reply: { source: address, destination: address, protocolNumber: 6, sourcePort: 8001, destinationPort: 8002 },
      state: 'ESTABLISHED',
      status: ['SEEN_REPLY', 'ASSURED', 'CONFIRMED'],
      mark: 0,
    })
    if (flow.protocol !== 'tcp') throw new Error('it is another protocol')
    const { originalCounters, timestamp, flagsOriginal, windowScaleOriginal, timeout = 0 } = flow
    t.ok(originalCounters !== undefined && originalCounters.packets >= 3n && originalCounters.bytes > 150n)
    const age = BigInt(Date.now()) * 1_000_000n - (timestamp?.start ?? 0n)
    t.ok(age > -1_000_000_000n && age < 60_000_000_000n, 'it is not older than this test')
    t.ok(flagsOriginal?.flags.includes('WINDOW_SCALE'))
    t.type(windowScaleOriginal, 'number')
    t.ok(timeout > 400000)
  }
  t.strictSame([...ct.flows.list({ protocol: 'tcp', state: 'TIME_WAIT' })], [])

  t.strictSame(ct.flows.update({ family: 'ipv4' }, { protocol: 'tcp', flagsOriginal: { flags: ['BE_LIBERAL'], mask: ['BE_LIBERAL'] } }), {
    matched: 1,
    updated: 1,
  })
  for (const flow of ct.flows.list({ protocol: 'tcp' }))
    t.equal(flow.protocol === 'tcp' && flow.flagsOriginal?.flags.includes('BE_LIBERAL'), flow.family === 'ipv4', 'the flags of one of them')
})
