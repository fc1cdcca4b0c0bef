import { Entry, type Message } from '../schema/entry.ts'
import { type Layout, layout, type Variant } from '../schema/layout.ts'
import { flowVariants, type Protocol, type ProtocolVariant } from '../tables/protocol.ts'

/** Bytes in front of and behind the attributes, as in a buffer that had other messages: whoever reads them is wrong. */
const AROUND = 20
const STRANGE = 0xa5

/** A message with these attributes. */
export function messageOf(body: Uint8Array, family = 2): Message {
  const bytes = new Uint8Array(body.length + 2 * AROUND).fill(STRANGE)
  bytes.set(body, AROUND)
  return { bytes, at: AROUND, end: AROUND + body.length, type: 0x0100, flags: 2, family, portId: 0 }
}

/** A view of a message with these attributes. */
export function entryOf<V extends Variant>(tables: Layout<V>, body: Uint8Array, family = 2): Entry<V> {
  return new Entry(tables).load(messageOf(body, family))
}

/** The flow tables of protocols, for reading. One of the directions tells the protocol. */
export function flowLayout(protocols: readonly Protocol[], direction: 'original' | 'reply' = 'original'): Layout<ProtocolVariant> {
  return layout(flowVariants(protocols), `${direction}.protocolNumber`)
}
