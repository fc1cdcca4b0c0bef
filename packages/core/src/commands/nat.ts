import type { Protocol } from '../tables/protocol.ts'
import { bothDirections, type GivenFlow } from './tuple.ts'

interface Range {
  readonly minimum?: string
  readonly minimumPort?: number
}

/**
 * Both directions of a new flow, and its translations as the kernel wants them: with the reply direction as it was without, and the
 * ports after translation told by the ranges. A caller may give them in the reply direction, where a list shows them; of a flow as it was
 * listed, the status tells which end was translated.
 */
export function translated(given: GivenFlow, protocol: Protocol): object {
  const flow = withRanges(given)
  const { sourceNat, destinationNat } = flow as { sourceNat?: Range; destinationNat?: Range }
  if (sourceNat === undefined && destinationNat === undefined) return { ...bothDirections(flow, protocol) }
  const { sourcePort, destinationPort, ...reply } = (flow.reply ?? {}) as Record<string, unknown>
  const original = (flow.original ?? {}) as Record<string, unknown>
  const both = bothDirections({ ...flow, reply }, protocol)
  return {
    ...(reply.layer4 === undefined ? both : withoutTranslated(both, flow)),
    sourceNat: withPort(sourceNat, destinationPort, original.sourcePort, original.source),
    destinationNat: withPort(destinationNat, sourcePort, original.destinationPort, original.destination),
  }
}

/**
 * A protocol that is not installed has its ports, already translated, as bytes. The kernel takes a flow for translated where it has to
 * change its reply direction: where the address stays, it gets another to change.
 */
function withoutTranslated(both: ReturnType<typeof bothDirections>, { sourceNat, destinationNat }: GivenFlow): object | undefined {
  if (both === undefined) return both
  const { source = '', destination = '' } = both.reply
  const any = source.includes(':') ? '::' : '0.0.0.0'
  const stays = (range: unknown, address: string): boolean => (range as Range | undefined)?.minimum === address
  return {
    ...both,
    reply: {
      ...both.reply,
      ...(stays(destinationNat, source) && { source: any }),
      ...(stays(sourceNat, destination) && { destination: any }),
    },
  }
}

/** A flow with ranges for the ends that its status says were translated, if it has none of its own. */
function withRanges(flow: GivenFlow): GivenFlow {
  const { sourceNat, destinationNat, original, reply, status = [] } = flow as GivenFlow & { readonly status?: readonly string[] }
  const done = (bit: string): boolean => status.includes(bit)
  if (sourceNat !== undefined || destinationNat !== undefined || original === undefined || reply === undefined) return flow
  if (!done('SRC_NAT') && !done('DST_NAT')) return flow
  const { source, destination, ...answer } = reply
  return {
    ...flow,
    reply: answer,
    ...(done('SRC_NAT') ? { sourceNat: { minimum: destination } } : {}),
    ...(done('DST_NAT') ? { destinationNat: { minimum: source } } : {}),
  }
}

/** The range with the port that the reply direction shows, where that is another than before; the address stays if none is given. */
function withPort(range: Range | undefined, shown: unknown, before: unknown, address: unknown): object | undefined {
  if (shown === undefined || shown === before) return range
  if (range?.minimumPort !== undefined) return range
  return { minimum: address, ...range, minimumPort: shown }
}
