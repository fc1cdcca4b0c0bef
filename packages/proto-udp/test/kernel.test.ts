import t from 'tap'
import { openConntrack } from '../../core/src/conntrack.ts'
import { livesInKernel } from '../../core/test/kernel-conformance.ts'
import { namespace, skipTraffic as skip, trackLoopback, traffic } from '../../core/test/real-kernel.ts'
import { udp, udplite } from '../src/index.ts'

const layer4 = [
  { sourcePort: 40000, destinationPort: 53 },
  { sourcePort: 53, destinationPort: 40000 },
] as const

livesInKernel(t, udp, { layer4 })
livesInKernel(t, udplite, { layer4 })

const SCRIPT = `
import socket, sys
for family, address in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
    server = socket.socket(family, socket.SOCK_DGRAM); server.bind((address, 8001))
    client = socket.socket(family, socket.SOCK_DGRAM); client.bind((address, 8002))
    client.sendto(b'ping', (address, 8001)); _, peer = server.recvfrom(9); server.sendto(b'pong', peer); client.recv(9)
    client.sendto(b'more', (address, 8003))
print('ready', flush=True)
sys.stdin.read()
`

t.test('datagrams of the real world', { skip }, async (t) => {
  const netns = namespace(t)
  trackLoopback(netns)
  await traffic(t, netns, SCRIPT)
  using ct = openConntrack({ protocols: [udp], netns })
  for (const [family, address, bytes] of [
    ['ipv4', '127.0.0.1', 32n],
    ['ipv6', '::1', 52n],
  ] as const) {
    const [flow, ...others] = ct.flows.list({ protocol: 'udp', family, original: { destinationPort: 8001 } })
    t.equal(others.length, 0)
    t.match(flow, {
      original: { source: address, destination: address, protocolNumber: 17, sourcePort: 8002, destinationPort: 8001 },
      reply: { source: address, destination: address, protocolNumber: 17, sourcePort: 8001, destinationPort: 8002 },
      originalCounters: { packets: 1n, bytes },
      replyCounters: { packets: 1n, bytes },
      status: ['SEEN_REPLY', 'CONFIRMED'],
    })
    const unreplied = [...ct.flows.list({ protocol: 'udp', family, status: { none: ['SEEN_REPLY'] } })]
    t.match(unreplied, [{ original: { destinationPort: 8003 }, replyCounters: { packets: 0n } }])
  }
})

const LITE = `
import socket, sys
for family, address in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
    server = socket.socket(family, socket.SOCK_DGRAM, 136); server.bind((address, 8009))
    client = socket.socket(family, socket.SOCK_DGRAM, 136); client.bind((address, 8010))
    client.sendto(b'ping', (address, 8009)); server.recv(9)
print('ready', flush=True)
sys.stdin.read()
`

t.test('UDP-Lite of the real world', { skip }, async (t) => {
  const netns = namespace(t)
  trackLoopback(netns)
  await traffic(t, netns, LITE)
  using ct = openConntrack({ protocols: [udplite], netns })
  for (const [family, address] of [
    ['ipv4', '127.0.0.1'],
    ['ipv6', '::1'],
  ] as const) {
    const [flow, ...others] = ct.flows.list({ protocol: 'udplite', family, original: { destinationPort: 8009 } })
    t.equal(others.length, 0)
    t.match(flow, {
      original: { source: address, destination: address, protocolNumber: 136, sourcePort: 8010, destinationPort: 8009 },
      originalCounters: { packets: 1n },
    })
  }
})
