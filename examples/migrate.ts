// Copies the flows of one network namespace into another, as when a router hands over to its standby: translations, marks, states and
// timeouts come along, counters begin anew. Flows that are there already stay as they are.
//
//   migrate.ts FROM TO       migrate.ts blue green
import process from 'node:process'
import { type Conntrack, openConntrack } from '@conntrack/core'
import { icmp, icmpv6 } from '@conntrack/proto-icmp'
import { tcp } from '@conntrack/proto-tcp'
import { udp } from '@conntrack/proto-udp'

const protocols = [tcp, udp, icmp, icmpv6] as const
type Tracking = Conntrack<(typeof protocols)[number]>

/** Copies what is in one table into another, and tells how many flows were made, and how many were there already. */
export function migrate(from: Tracking, to: Tracking): { readonly copied: number; readonly known: number } {
  const { created, refused, refusals } = to.flows.createAll(from.flows.list())
  for (const { error, entry } of refusals) if (error.code !== 'EEXIST') console.error(error.message, entry)
  return { copied: created, known: refused.EEXIST ?? 0 }
}

if (import.meta.main) {
  const [source, target] = process.argv.slice(2)
  using from = openConntrack({ protocols, netns: source })
  using to = openConntrack({ protocols, netns: target })
  const { copied, known } = migrate(from, to)
  console.log(`${copied} flows copied, ${known} were there already`)
}
