import { flowVariants, type Protocol } from '../src/tables/protocol.ts'
import { kernelEncoder } from '../src/testing/codec.ts'

export { entryOf, flowLayout, messageOf } from '../src/conformance/entries.ts'
export { kernelEncoder } from '../src/testing/codec.ts'

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
