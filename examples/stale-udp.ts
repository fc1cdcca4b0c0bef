// Deletes UDP flows that still go to backends which are gone. A client that keeps its port keeps its flow, and its flow keeps the
// backend it was translated to: datagrams go nowhere until the flow is deleted, or the client is quiet for two minutes.
//
//   stale-udp.ts SERVICE PORT BACKEND…       stale-udp.ts 10.96.0.10 53 10.244.1.5 10.244.2.7
import process from 'node:process'
import { type Conntrack, openConntrack } from '@conntrack/core'
import { udp } from '@conntrack/proto-udp'

/** Where clients send to, and where that may be translated to. */
export interface Service {
  readonly address: string
  readonly port: number
  readonly backends: readonly string[]
}

/** Deletes the flows of a service that go elsewhere than to its backends, and tells how many. */
export function deleteStale({ flows }: Conntrack<typeof udp>, { address, port, backends }: Service): number {
  const { deleted } = flows.delete({
    protocol: 'udp',
    original: { destination: address, destinationPort: port },
    destinationNat: { address: { not: { oneOf: backends } } },
  })
  return deleted
}

if (import.meta.main) {
  const [address = '', port, ...backends] = process.argv.slice(2)
  using ct = openConntrack({ protocols: [udp] })
  console.log(`${deleteStale(ct, { address, port: Number(port), backends })} flows deleted`)
}
