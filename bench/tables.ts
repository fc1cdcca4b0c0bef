// The tables that are measured.
import { execFileSync } from 'node:child_process'
import { openConntrack } from '@conntrack/core'
import { gre } from '@conntrack/proto-gre'
import { icmp } from '@conntrack/proto-icmp'
import { sctp } from '@conntrack/proto-sctp'
import { tcp } from '@conntrack/proto-tcp'
import { udp } from '@conntrack/proto-udp'

const PROTOCOLS = [tcp, udp, icmp, gre, sctp] as const
type NewFlow = Parameters<ReturnType<typeof openConntrack<typeof PROTOCOLS>>['flows']['create']>[0]

/** The source of 60,000 flows of the table `tcp`, and that of 50,000 others. */
export const MANY = '10.200.0.1'
export const SOME = '10.201.0.1'

/** A kind of table: its flow by number. */
export type TableKind = 'tcp' | 'mixed' | 'empty'

const dotted = (first: number, i: number): string => `${first + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.7`

function tcpFlow(i: number): NewFlow {
  const [source, sourcePort] = i < 60_000 ? [MANY, 1024 + i] : i < 110_000 ? [SOME, i - 59_000] : [dotted(20, i), 1024 + (i % 60_000)]
  const original = { source, destination: '192.0.2.1', sourcePort, destinationPort: 443 }
  return { protocol: 'tcp', original, timeout: 86_400, state: 'ESTABLISHED', status: ['SEEN_REPLY', 'ASSURED'] }
}

/** A table as it is behind a router: in turn, of all protocols, with and without translation, marks, zones and labels. */
function mixedFlow(i: number): NewFlow {
  const source = dotted(20, i)
  const destination = '192.0.2.1'
  const ports = { source, destination, sourcePort: 1024 + (i % 60_000), destinationPort: 443 }
  const timeout = 86_400
  switch (i % 10) {
    case 0:
      return { protocol: 'udp', original: { ...ports, destinationPort: 53 }, timeout, status: ['SEEN_REPLY'], mark: i % 100 }
    case 1:
      return { protocol: 'icmp', original: { source, destination, type: 8, code: 0, id: i & 0xffff }, timeout }
    case 2:
      return { protocol: 'gre', original: { source, destination, sourceKey: 0, destinationKey: i & 0xffff }, timeout }
    case 3:
      return { protocol: 'sctp', original: ports, timeout, state: 'ESTABLISHED', verificationTagOriginal: i, verificationTagReply: i + 1 }
    case 4:
    case 5: {
      const group = (n: number): string => (n & 0xffff).toString(16)
      const v6 = { ...ports, source: `fd00:1::${group(i >> 16)}:${group(i)}`, destination: '2001:db8::1' }
      return { protocol: 'tcp', original: v6, timeout, state: 'ESTABLISHED', status: ['SEEN_REPLY', 'ASSURED'] }
    }
    case 6:
      return { protocol: 'tcp', original: ports, sourceNat: { minimum: '203.0.113.9' }, timeout, state: 'ESTABLISHED' }
    case 7:
      return { protocol: 'udp', original: ports, zone: 1 + (i % 50), timeout, labels: new Uint8Array(16).fill(1) }
    default:
      return { protocol: 'tcp', original: ports, timeout, state: 'TIME_WAIT', status: ['SEEN_REPLY', 'ASSURED'], mark: i % 100 }
  }
}

/** Makes a table of so many flows in a namespace, in place of what is there. */
export function fill(namespace: string, kind: TableKind, count: number): void {
  using conntrack = openConntrack({ protocols: PROTOCOLS, netns: namespace })
  conntrack.flows.flush()
  if (kind === 'empty') return
  const flowOf = kind === 'tcp' ? tcpFlow : mixedFlow
  function* flows(): Generator<NewFlow> {
    for (let i = 0; i < count; i++) yield flowOf(i)
  }
  const { created, refused } = conntrack.flows.createAll(flows())
  if (created < count) throw new Error(`${created} of ${count} flows could be made: ${JSON.stringify(refused)}`)
}

/** Lets the namespace keep labels, which takes a rule that sets one. */
export function keepLabels(namespace: string): void {
  const rules = 'add table inet t; add chain inet t c; add rule inet t c ct label set 0x1'
  execFileSync('ip', ['netns', 'exec', namespace, 'nft', rules])
}
