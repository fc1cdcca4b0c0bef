import t from 'tap'
import { openConntrack } from '../../core/src/conntrack.ts'
import { livesInKernel } from '../../core/test/kernel-conformance.ts'
import { namespace, skipTraffic, trackLoopback, traffic } from '../../core/test/real-kernel.ts'
import { sctp } from '../src/index.ts'

livesInKernel(t, sctp, {
  layer4: [
    { sourcePort: 36413, destinationPort: 36412 },
    { sourcePort: 36412, destinationPort: 36413 },
  ],
  fields: { state: 'COOKIE_WAIT', verificationTagOriginal: 1, verificationTagReply: 4294967295 },
  change: { state: 'ESTABLISHED', verificationTagOriginal: 2, verificationTagReply: 3 },
})

// Four packets of raw SCTP, since this kernel need not have sockets of it; CRC32c as RFC 9260 has it.
const SCRIPT = `
import socket, struct, sys
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 132)

def crc32c(data):
    rest = 0xffffffff
    for byte in data:
        rest ^= byte
        for _ in range(8): rest = (rest >> 1) ^ (0x82f63b78 if rest & 1 else 0)
    return rest ^ 0xffffffff

def send(source, destination, tag, kind, body=b''):
    chunk = struct.pack('!BBH', kind, 0, 4 + len(body)) + body
    packet = struct.pack('!HHII', source, destination, tag, 0) + chunk
    raw.sendto(packet[:8] + struct.pack('<I', crc32c(packet)) + packet[12:], ('127.0.0.1', 0))
    raw.recv(999)

init = lambda tag: struct.pack('!IIHHI', tag, 65536, 10, 10, 1)
send(36413, 36412, 0, 1, init(0x11111111))
send(36412, 36413, 0x11111111, 2, init(0x22222222) + struct.pack('!HHI', 7, 8, 99))
send(36413, 36412, 0x22222222, 10, b'cook')
send(36412, 36413, 0x11111111, 11)
print('ready', flush=True)
sys.stdin.read()
`

t.test('an association of the real world', { skip: skipTraffic }, async (t) => {
  const netns = namespace(t)
  trackLoopback(netns)
  await traffic(t, netns, SCRIPT)
  using ct = openConntrack({ protocols: [sctp], netns })
  const [flow, ...others] = ct.flows.list({ protocol: 'sctp' })
  t.equal(others.length, 0)
  const tuple = (sourcePort: number, destinationPort: number) => ({
    source: '127.0.0.1',
    destination: '127.0.0.1',
    sourcePort,
    destinationPort,
  })
  t.match(flow, {
    original: tuple(36413, 36412),
    reply: tuple(36412, 36413),
    state: 'ESTABLISHED',
    verificationTagOriginal: 0x22222222,
    verificationTagReply: 0x11111111,
    status: ['SEEN_REPLY', 'ASSURED', 'CONFIRMED'],
    originalCounters: { packets: 2n },
    replyCounters: { packets: 2n },
  })
  t.strictSame([...ct.flows.list({ protocol: 'sctp', verificationTagOriginal: { not: 0x22222222 } })], [])
})

t.test('a state is changed by itself: the tags that the kernel wants beside it are sent as they are', { skip: skipTraffic }, async (t) => {
  using ct = openConntrack({ protocols: [sctp], netns: namespace(t) })
  const original = { source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 1, destinationPort: 2 }
  const tags = { verificationTagOriginal: 5, verificationTagReply: 6 }
  ct.flows.create({ protocol: 'sctp', original, timeout: 60, state: 'ESTABLISHED', ...tags })
  t.strictSame(ct.flows.update({}, { protocol: 'sctp', state: 'HEARTBEAT_SENT' }), { matched: 1, updated: 1 })
  t.match([...ct.flows.list()], [{ state: 'HEARTBEAT_SENT', ...tags }])
  t.strictSame(ct.flows.update({}, { protocol: 'sctp', verificationTagReply: 7 }), { matched: 1, updated: 1 })
  t.match([...ct.flows.list()], [{ state: 'HEARTBEAT_SENT', ...tags, verificationTagReply: 7 }])
})
