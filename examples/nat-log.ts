// Who was which public address, and when: a line of JSON for each translated flow when it begins and when it ends, as providers must
// keep it. What the kernel had no room for is made up for by comparing with the table, and that it happened is in the log too.
//
//   nat-log.ts >> nat.jsonl
import process from 'node:process'
import { type Conntrack, type Flow, openConntrack } from '@conntrack/core'
import { tcp } from '@conntrack/proto-tcp'
import { udp } from '@conntrack/proto-udp'

type Tracking = Conntrack<typeof tcp | typeof udp>

/** Writes a line for each translated flow that begins or ends, until the signal comes. */
export async function natLog({ flows }: Tracking, write: (line: string) => void, signal?: AbortSignal): Promise<void> {
  for await (const event of flows.watch({ events: ['new', 'destroy'], signal })) {
    const time = new Date(Number(event.timestamp / 1_000_000n)).toISOString()
    if ('flow' in event) {
      const { type, synthetic, flow } = event
      if (isTranslated(flow)) write(JSON.stringify({ time, type, ...(synthetic && { synthetic }), ...told(flow) }))
    } else if (event.type === 'overrun') write(JSON.stringify({ time, type: event.type, lost: event.lost }))
  }
}

const isTranslated = ({ status = [] }: Flow<typeof tcp | typeof udp>): boolean => status.includes('SRC_NAT') || status.includes('DST_NAT')

function told(flow: Flow<typeof tcp | typeof udp>): object {
  const { id, protocol, original, reply, originalCounters, replyCounters, timestamp: { start, stop } = {} } = flow
  return {
    id,
    protocol,
    original,
    // Whoever answers sends to the translated source, from the translated destination.
    translated: { source: reply.destination, destination: reply.source, ...(protocol === 'unknown' ? {} : ports(reply)) },
    sent: originalCounters?.bytes.toString(),
    answered: replyCounters?.bytes.toString(),
    seconds: start === undefined || stop === undefined ? undefined : Number(stop - start) / 1e9,
  }
}

const ports = ({ sourcePort, destinationPort }: { readonly sourcePort?: number; readonly destinationPort?: number }): object => ({
  sourcePort: destinationPort,
  destinationPort: sourcePort,
})

if (import.meta.main) {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => controller.abort())
  using ct = openConntrack({ protocols: [tcp, udp] })
  await natLog(ct, (line) => process.stdout.write(`${line}\n`), controller.signal)
}
