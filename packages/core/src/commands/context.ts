import { encoder, type Encoder } from '../schema/encode.ts'
import { Entry } from '../schema/entry.ts'
import { type Layout, layout } from '../schema/layout.ts'
import { FAMILIES, type Filter, matcher, type Relations } from '../schema/match.ts'
import type { Table } from '../schema/table.ts'
import { natRelations } from '../tables/nat.ts'
import { expectationVariants, flowVariants, type Protocol, type ProtocolVariant } from '../tables/protocol.ts'
import type { Requests } from '../transport/request.ts'

/** What every command on a table works with: the conversations, and the table as each of the installed protocols has it. */
export interface TableContext {
  readonly requests: Requests
  readonly layout: Layout<ProtocolVariant>
  readonly relations: Relations
  /** By protocol name. */
  readonly encoders: ReadonlyMap<string, { readonly protocol: Protocol; readonly encoder: Encoder }>
  /** Whether the kernel tracks a protocol, by its name, where that is known. */
  readonly tracked: Map<string, boolean>
}

/** Compiles the flow tables of these protocols. */
export function flowContext(requests: Requests, protocols: readonly Protocol[]): TableContext {
  return context(requests, flowVariants(protocols), 'original.protocolNumber', natRelations)
}

/** Compiles the expectation tables of these protocols. */
export function expectationContext(requests: Requests, protocols: readonly Protocol[]): TableContext {
  return context(requests, expectationVariants(protocols), 'tuple.protocolNumber', {})
}

function context(requests: Requests, variants: readonly ProtocolVariant[], selector: string, relations: Relations): TableContext {
  const encoders = new Map(variants.map(({ name, protocol, table }) => [name, encoding(protocol, table)]))
  if (encoders.size < variants.length) throw new RangeError(`a protocol is given twice: ${variants.map(({ name }) => name).join(', ')}`)
  return { requests, layout: layout(variants, selector), relations, encoders, tracked: new Map() }
}

/** A protocol with its encoder, which is compiled when it is first used: who only lists needs none. */
function encoding(protocol: Protocol, table: Table): { readonly protocol: Protocol; readonly encoder: Encoder } {
  let compiled: Encoder | undefined
  return {
    protocol,
    get encoder() {
      return (compiled ??= encoder(table))
    },
  }
}

/** A view on a message of a table. */
export type TableEntry = Entry<ProtocolVariant>

/** A view to load messages into. */
export function newEntry({ layout }: TableContext): TableEntry {
  return new Entry(layout)
}

/** Compiles a filter. @throws RangeError that names the field that is not right */
export function matcherOf({ layout, relations }: TableContext, filter: Filter): (entry: TableEntry) => boolean {
  return matcher(layout, filter, relations)
}

/** The flow or expectation that an entry shows, as an object that lasts. */
export function objectOf(entry: TableEntry): Record<string, unknown> {
  return entry.decode({ protocol: entry.shape.variant.name, family: entry.message.family === FAMILIES.get('ipv6') ? 'ipv6' : 'ipv4' })
}

/** nfgen_family for a filter's `family`, 0 (AF_UNSPEC) for both. */
export function familyNumber(family: unknown): number {
  return FAMILIES.get(family as string) ?? 0
}
