// Who moves the most bytes: the ten addresses that began the flows with the most traffic, both directions together.
// Counting has to be on: sysctl net.netfilter.nf_conntrack_acct=1.
import { type Conntrack, openConntrack } from '@conntrack/core'
import { tcp } from '@conntrack/proto-tcp'
import { udp } from '@conntrack/proto-udp'

/** An address and the bytes of all flows that it began. */
export interface Talker {
  readonly address: string
  readonly bytes: bigint
}

/** The addresses with the most bytes, most first. Memory grows with the addresses, not with the flows. */
export function topTalkers({ flows }: Conntrack<typeof tcp | typeof udp>, count = 10): Talker[] {
  const bytes = new Map<string, bigint>()
  for (const { original, originalCounters, replyCounters } of flows.list()) {
    const more = (originalCounters?.bytes ?? 0n) + (replyCounters?.bytes ?? 0n)
    bytes.set(original.source, (bytes.get(original.source) ?? 0n) + more)
  }
  return [...bytes]
    .map(([address, bytes]) => ({ address, bytes }))
    .sort((a, b) => Number(b.bytes - a.bytes))
    .slice(0, count)
}

if (import.meta.main) {
  using ct = openConntrack({ protocols: [tcp, udp] })
  for (const { address, bytes } of topTalkers(ct)) console.log(`${String(bytes).padStart(15)}  ${address}`)
}
