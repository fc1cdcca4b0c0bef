import { type Encoder, encoder } from '../schema/encode.ts'
import { Entry } from '../schema/entry.ts'
import { layout } from '../schema/layout.ts'
import type { Row, Table } from '../schema/table.ts'
import { expectationVariants, flowVariants, type Protocol, type ProtocolVariant } from '../tables/protocol.ts'

/** Fields of a flow or an expectation, by their names in the SDK. */
export type Fields = Readonly<Record<string, unknown>>

/** Bytes to fields and back, for one of the kernel's tables. */
export interface Codec {
  /** What a request says, and the protocol that it is about. @throws MalformedMessageError */
  read(body: Uint8Array): { readonly protocol: Protocol; readonly fields: Fields }
  /** The attributes of an entry, as the kernel sends them. */
  write(protocol: Protocol, fields: Fields): Uint8Array
}

/** The connection table of these protocols; flows of others keep their parts as bytes. */
export function flowCodec(protocols: readonly Protocol[]): Codec {
  return codec(flowVariants(protocols), ['original.protocolNumber', 'reply.protocolNumber'])
}

/** The table of expectations. */
export function expectationCodec(protocols: readonly Protocol[]): Codec {
  return codec(expectationVariants(protocols), ['tuple.protocolNumber', 'master.protocolNumber'])
}

/** Of the `selectors`, the first that a request has tells its protocol. */
function codec(variants: readonly ProtocolVariant[], selectors: readonly string[]): Codec {
  const views = selectors.map((selector) => ({ selector, entry: new Entry(layout(variants, selector)) }))
  const encoders = new Map(variants.map(({ protocol, table }) => [protocol, kernelEncoder(table)]))
  return {
    read(body) {
      const message = { bytes: body, at: 0, end: body.length, type: 0, flags: 0, family: 0, portId: 0 }
      for (const { entry } of views) entry.load(message)
      const { entry } = views.find((view) => view.entry.offset(view.selector) !== 0) ?? views[0]
      return { protocol: entry.shape.variant.protocol, fields: withoutEmpty(entry.decode()) }
    },
    write: (protocol, fields) => (encoders.get(protocol) as Encoder).encode(fields),
  }
}

/** What the kernel always sends is an empty object where a request has none of it. */
function withoutEmpty(fields: Fields): Fields {
  const isEmpty = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !Array.isArray(value) && Object.keys(value).length === 0
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)))
}

/** Writes a table's attributes as the kernel does: those too that it tells and does not take. */
export function kernelEncoder(table: Table): Encoder {
  return encoder(told(table))
}

function told(table: Table): Table {
  return Object.fromEntries(
    Object.entries(table).map(([field, row]) => {
      const { fromKernel: _, ...plain } = row as Row & { fromKernel?: true }
      return [field, plain.row === 'nest' ? { ...plain, table: told(plain.table) } : plain]
    }),
  )
}
