import { type Entry, type Formatter, printer, type Protocol, type ProtocolVariant, Text } from '../../core/src/plugin.ts'
import { layout } from '../../core/src/schema/layout.ts'
import { expectationVariants } from '../../core/src/tables/protocol.ts'
import { type AnyFlow, entryOf, flowLayout, kernelEncoder, kernelFlows } from '../../core/test/entries.ts'
import { dccp } from '../../proto-dccp/src/index.ts'
import { gre } from '../../proto-gre/src/index.ts'
import { icmp, icmpv6 } from '../../proto-icmp/src/index.ts'
import { sctp } from '../../proto-sctp/src/index.ts'
import { tcp } from '../../proto-tcp/src/index.ts'
import { udp, udplite } from '../../proto-udp/src/index.ts'

/** Every protocol that there is. */
export const PROTOCOLS: readonly Protocol[] = [tcp, udp, udplite, icmp, icmpv6, sctp, dccp, gre]

const NUMBERS: Readonly<Record<string, number>> = Object.fromEntries(PROTOCOLS.map(({ name, number }) => [name, number]))
const encode = kernelFlows(PROTOCOLS)

/** An entry as a formatter writes it. Something stands in the text before, so that it must not be looked at. */
function printedBy(formatter: Formatter<ProtocolVariant>, entry: Entry<ProtocolVariant>): string {
  const text = new Text(1)
  text.string('before\n')
  printer(formatter)(entry, text)
  return text.toString().replace('before\n', '')
}

/** A message of the kernel as a formatter writes it. */
export function printed(formatter: Formatter<ProtocolVariant>, body: Uint8Array, family = 2, protocols = PROTOCOLS): string {
  return printedBy(formatter, entryOf(flowLayout(protocols), body, family))
}

/** A flow from 10.0.0.1 to 10.0.0.2 and back, of UDP but for what is given, as a formatter writes it. */
export function printedFlow(
  formatter: Formatter<ProtocolVariant>,
  given: Omit<AnyFlow, 'protocol'> & { readonly protocol?: string } = {},
): string {
  const { protocol = 'udp', family = 'ipv4', original, reply, ...fields } = given
  const [here, there] = family === 'ipv4' ? ['10.0.0.1', '10.0.0.2'] : ['fd00::1', 'fd00::2']
  const protocolNumber = NUMBERS[protocol]
  const numbered = protocolNumber === undefined ? {} : { protocolNumber }
  const flow = {
    protocol,
    original: { source: here, destination: there, ...numbered, ...(original as object) },
    reply: { source: there, destination: here, ...numbered, ...(reply as object) },
    ...fields,
  }
  return printed(formatter, encode(flow), family === 'ipv4' ? 2 : 10)
}

const EXPECTATIONS = expectationVariants(PROTOCOLS)

/** An expectation as a formatter writes it. */
export function printedExpectation(formatter: Formatter<ProtocolVariant>, expectation: object, protocol = 'tcp', family = 2): string {
  const variant = EXPECTATIONS.find(({ name }) => name === protocol)
  if (variant === undefined) throw new Error(`no protocol ${protocol}`)
  return printedBy(
    formatter,
    entryOf(layout(EXPECTATIONS, 'tuple.protocolNumber'), kernelEncoder(variant.table).encode(expectation), family),
  )
}

/** Lets the clock stand still for a test. `nanoseconds` is since 1970, as in CTA_TIMESTAMP. */
export function stopClock(t: { teardown(restore: () => void): void }, nanoseconds: bigint): void {
  const { now } = Date
  Date.now = () => Number(nanoseconds / 1_000_000n)
  t.teardown(() => {
    Date.now = now
  })
}
