// Marks the flows that a function says yes to: here long downloads, so that `tc` or `ip rule` can treat them apart from then on.
// Conditions that a filter can tell (addresses, ports, states, ranges) need no function: flows.update(filter, change) is enough.
import { type Conntrack, type Flow, openConntrack } from '@conntrack/core'
import { tcp } from '@conntrack/proto-tcp'

/** Gives all flows that are `wanted` a mark, in the bits of the mask alone, and tells how many it changed. */
export function markFlows(
  { flows }: Conntrack<typeof tcp>,
  wanted: (flow: Flow<typeof tcp>) => boolean,
  { mark, mask }: { readonly mark: number; readonly mask: number },
): number {
  const ids: number[] = []
  for (const flow of flows.list()) if (flow.id !== undefined && wanted(flow)) ids.push(flow.id)
  // The id is the flow's own: one that has ended meanwhile, and come again under the same ports, has another.
  return ids.length === 0 ? 0 : flows.update({ id: { oneOf: ids } }, { mark, markMask: mask }).updated
}

/** More than ten megabytes came back. */
export function isDownload({ replyCounters }: Flow<typeof tcp>): boolean {
  return (replyCounters?.bytes ?? 0n) > 10_000_000n
}

if (import.meta.main) {
  using ct = openConntrack({ protocols: [tcp] })
  console.log(`${markFlows(ct, isDownload, { mark: 0x10, mask: 0xf0 })} flows marked`)
}
