// Waits until a TCP connection to an address and port is established, and shows it: for scripts that go on when a service is in use.
//
//   wait-established.ts ADDRESS PORT [SECONDS]       wait-established.ts 10.0.0.2 443 30
import process from 'node:process'
import { type Conntrack, type Flow, openConntrack } from '@conntrack/core'
import { tcp } from '@conntrack/proto-tcp'

/** The first established connection to an address and port: one that there is, or the next one. Undefined when the signal comes first. */
export async function established(
  { flows }: Conntrack<typeof tcp>,
  { destination, destinationPort }: { readonly destination: string; readonly destinationPort: number },
  signal?: AbortSignal,
): Promise<Flow<typeof tcp> | undefined> {
  const filter = { protocol: 'tcp', original: { destination, destinationPort }, state: 'ESTABLISHED' } as const
  // It listens first and looks then: between a look and listening a connection would be missed.
  using events = flows.watch({ events: ['new', 'update'], filter, signal, resync: false })
  for (const flow of flows.list(filter)) return flow
  for await (const event of events) {
    if ('flow' in event) return event.flow
    // Events were lost, and what they told is in the table.
    for (const flow of flows.list(filter)) return flow
  }
  return undefined
}

if (import.meta.main) {
  const [destination = '', port, seconds = '60'] = process.argv.slice(2)
  using ct = openConntrack({ protocols: [tcp] })
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), Number(seconds) * 1000)
  const flow = await established(ct, { destination, destinationPort: Number(port) }, controller.signal)
  clearTimeout(timer)
  if (flow === undefined) {
    console.error(`no connection to ${destination} port ${port} in ${seconds} seconds`)
    process.exitCode = 1
  } else console.log(flow)
}
