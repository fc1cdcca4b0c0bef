import type { Formatter } from '../src/schema/entry.ts'
import type { ProtocolVariant } from '../src/tables/protocol.ts'
import type { AnyFlow } from './entries.ts'

/** The original direction of a flow from 10.0.0.1 to port 443 of 10.0.0.2. */
export const tuple = (sourcePort: number) => ({ source: '10.0.0.1', destination: '10.0.0.2', sourcePort, destinationPort: 443 })

/** Its reply direction. */
export const back = (port: number) => ({ source: '10.0.0.2', destination: '10.0.0.1', sourcePort: 443, destinationPort: port })

/** The flow as the scripted kernel has it, of protocol `stream` but for what is given. */
export const flow = (port: number, more: object = {}): AnyFlow => ({
  protocol: 'stream',
  original: tuple(port),
  reply: back(port),
  ...more,
})

/** The same flow as it is listed. */
export const listed = (port: number, more: object = {}) => ({
  protocol: 'stream',
  family: 'ipv4',
  original: { ...tuple(port), protocolNumber: 6 },
  reply: { ...back(port), protocolNumber: 6 },
  ...more,
})

/** Writes a flow as its protocol and its source port. */
export const numbers: Formatter<ProtocolVariant> = {
  name: 'numbers',
  head: 'head\n',
  tail: 'tail\n',
  compile: (shape) => (entry, text) => {
    const at = entry.offset('original.sourcePort')
    text.string(`${shape.variant.name} ${(entry.bytes[at] << 8) | entry.bytes[at + 1]}\n`)
  },
}
