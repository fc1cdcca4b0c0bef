import { encoder, type Encoder } from '../schema/encode.ts'
import { Entry } from '../schema/entry.ts'
import { type Layout, layout } from '../schema/layout.ts'
import { FAMILIES, type Filter, matcher } from '../schema/match.ts'
import { natRelations } from '../tables/nat.ts'
import { type FlowVariant, flowVariants, type Protocol } from '../tables/protocol.ts'
import type { Requests } from '../transport/request.ts'

/** What every command on flows works with: the conversations, and the tables of the installed protocols. */
export interface FlowContext {
  readonly requests: Requests
  readonly layout: Layout<FlowVariant>
  /** By protocol name. */
  readonly encoders: ReadonlyMap<string, { readonly protocol: Protocol; readonly encoder: Encoder }>
}

/** Compiles the flow tables of these protocols. */
export function flowContext(requests: Requests, protocols: readonly Protocol[]): FlowContext {
  const names = new Set<string>()
  for (const { name } of protocols) {
    if (names.has(name)) throw new RangeError(`protocol '${name}' is given twice`)
    names.add(name)
  }
  const variants = flowVariants(protocols)
  return {
    requests,
    layout: layout(variants, 'original.protocolNumber'),
    encoders: new Map(variants.map(({ name, protocol, table }) => [name, { protocol, encoder: encoder(table) }])),
  }
}

/** A view on a flow's message. */
export type FlowEntry = Entry<FlowVariant>

/** A view to load messages into. */
export function flowEntry({ layout }: FlowContext): FlowEntry {
  return new Entry(layout)
}

/** Compiles a filter of flows. @throws RangeError that names the field that is not right */
export function flowMatcher({ layout }: FlowContext, filter: Filter): (entry: FlowEntry) => boolean {
  return matcher(layout, filter, natRelations)
}

/** The flow that an entry shows, as an object that lasts. */
export function flowOf(entry: FlowEntry): Record<string, unknown> {
  return entry.decode({ protocol: entry.shape.variant.name, family: entry.message.family === FAMILIES.get('ipv6') ? 'ipv6' : 'ipv4' })
}

/** nfgen_family for a filter's `family`, 0 (AF_UNSPEC) for both. */
export function familyNumber(family: unknown): number {
  return FAMILIES.get(family as string) ?? 0
}
