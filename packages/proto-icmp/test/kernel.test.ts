import t from 'tap'
import { openConntrack } from '../../core/src/conntrack.ts'
import { livesInKernel } from '../../core/test/kernel-conformance.ts'
import { namespace, skipTraffic as skip, trackLoopback, traffic } from '../../core/test/real-kernel.ts'
import { icmp, icmpv6 } from '../src/index.ts'

livesInKernel(t, icmp, {
  families: ['ipv4'],
  layer4: [
    { type: 13, code: 0, id: 4660 },
    { type: 14, code: 0, id: 4660 },
  ],
})
livesInKernel(t, icmpv6, {
  families: ['ipv6'],
  layer4: [
    { type: 128, code: 0, id: 4660 },
    { type: 129, code: 0, id: 4660 },
  ],
})

const SCRIPT = `
import socket, struct, sys
def inet_sum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
request = struct.pack('!BBHHH', 8, 0, 0, 4660, 1) + b'x' * 8
four = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
four.sendto(request[:2] + struct.pack('!H', inet_sum(request)) + request[4:], ('127.0.0.1', 0))
six = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 58)
six.sendto(struct.pack('!BBHHH', 128, 0, 0, 22136, 1) + b'x' * 8, ('::1', 0))
for one, answer in ((four, lambda data: data[20] == 0), (six, lambda data: data[0] == 129)):
    one.settimeout(5)
    while not answer(one.recv(99)): pass
print('ready', flush=True)
sys.stdin.read()
`

t.test('a ping of the real world', { skip }, async (t) => {
  const netns = namespace(t)
  trackLoopback(netns)
  await traffic(t, netns, SCRIPT)
  using ct = openConntrack({ protocols: [icmp, icmpv6], netns })
  const ping = (address: string, protocolNumber: number, type: number, id: number) => ({
    source: address,
    destination: address,
    protocolNumber,
    type,
    code: 0,
    id,
  })
  const [four, ...others] = ct.flows.list({ protocol: 'icmp' })
  t.match(
    [four, others.length],
    [
      {
        family: 'ipv4',
        original: ping('127.0.0.1', 1, 8, 4660),
        reply: ping('127.0.0.1', 1, 0, 4660),
        status: ['SEEN_REPLY', 'CONFIRMED'],
      },
      0,
    ],
  )
  const [six, ...more] = ct.flows.list({ protocol: 'icmpv6', original: { type: 128 } })
  t.match(
    [six, more.length],
    [{ family: 'ipv6', original: ping('::1', 58, 128, 22136), reply: ping('::1', 58, 129, 22136), status: ['SEEN_REPLY', 'CONFIRMED'] }, 0],
  )
  t.match(four, { originalCounters: { packets: 1n, bytes: 36n } })
})
