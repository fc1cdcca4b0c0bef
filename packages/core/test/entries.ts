import { Entry, type Message } from '../src/schema/entry.ts'
import { type Layout, layout, type Variant } from '../src/schema/layout.ts'
import { type ProtocolVariant, flowVariants, type Protocol } from '../src/tables/protocol.ts'
import { kernelEncoder } from '../src/testing/codec.ts'
import { concat } from './bytes.ts'

export { kernelEncoder } from '../src/testing/codec.ts'

/** Bytes in front of and behind the attributes, as in a buffer that had other messages: whoever reads them is wrong. */
const AROUND = new Uint8Array(20).fill(0xa5)

/** A message with these attributes. */
export function messageOf(body: Uint8Array, family = 2): Message {
  const bytes = concat(AROUND, body, AROUND)
  return { bytes, at: AROUND.length, end: AROUND.length + body.length, type: 0x0100, flags: 2, family, portId: 0 }
}

/** A view of a message with these attributes. */
export function entryOf<V extends Variant>(tables: Layout<V>, body: Uint8Array, family = 2): Entry<V> {
  return new Entry(tables).load(messageOf(body, family))
}

/** The flow tables of protocols, for reading. One of the directions tells the protocol. */
export function flowLayout(protocols: readonly Protocol[], direction: 'original' | 'reply' = 'original'): Layout<ProtocolVariant> {
  return layout(flowVariants(protocols), `${direction}.protocolNumber`)
}

/** A flow of the SDK, loosely. */
export type AnyFlow = Readonly<Record<string, unknown>> & { readonly protocol: string; readonly family?: string }

/** Writes flows of these protocols as the kernel does. `protocol` and `family` only choose how. */
export function kernelFlows(protocols: readonly Protocol[]): (flow: AnyFlow) => Uint8Array {
  const encoders = new Map(flowVariants(protocols).map(({ name, table }) => [name, kernelEncoder(table)]))
  return ({ protocol, family: _, ...fields }) => {
    const own = encoders.get(protocol)
    if (own === undefined) throw new Error(`no protocol ${protocol}`)
    return own.encode(fields)
  }
}
