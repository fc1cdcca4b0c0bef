// Not run: the compiler is the test. A line under @ts-expect-error must be an error, everything else must not.
import { openConntrack } from '@conntrack/core'
import { attribute, ports, protocol, u8, within } from '@conntrack/core/plugin'
import { icmp } from '@conntrack/proto-icmp'
import { tcp } from '@conntrack/proto-tcp'
import { udp } from '@conntrack/proto-udp'

const ct = openConntrack({ protocols: [tcp, udp, icmp] })
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <_ extends true>(): void => {}

export function flowsNarrowByProtocol(): void {
  for (const flow of ct.flows.list()) {
    same<Equal<typeof flow.protocol, 'tcp' | 'udp' | 'icmp' | 'unknown'>>()
    // Every flow has addresses and maybe a mark; only some have ports.
    const address: string = flow.original.source
    const mark: number | undefined = flow.mark
    // @ts-expect-error an ICMP flow has no port
    const port = flow.original.sourcePort
    if (flow.protocol === 'tcp') {
      same<Equal<typeof flow.original.sourcePort, number | undefined>>()
      if (flow.state === 'ESTABLISHED') console.log(address, mark, port)
      // @ts-expect-error no such state
      if (flow.state === 'ESTABLISHT') console.log(flow)
    }
    if (flow.protocol === 'icmp') same<Equal<typeof flow.original.type, number | undefined>>()
    const bytes: bigint | undefined = flow.originalCounters?.bytes
    console.log(bytes)
  }
}

export function filtersAreChecked(): void {
  ct.flows.list({ protocol: 'tcp', original: { destinationPort: { oneOf: [80, 443] } }, state: { not: 'CLOSE' } })
  ct.flows.list({ mark: { value: 1, mask: 0xff }, status: { all: ['ASSURED'], none: ['SEEN_REPLY'] } })
  // @ts-expect-error misspelt
  ct.flows.list({ protocol: 'tcp', original: { destinationPrt: 443 } })
  // @ts-expect-error UDP has no state
  ct.flows.list({ protocol: 'udp', state: 'ESTABLISHED' })
  // @ts-expect-error ports belong to a protocol
  ct.flows.list({ original: { sourcePort: 1 } })
  // @ts-expect-error SCTP is not among the protocols
  ct.flows.list({ protocol: 'sctp' })
}

export function newFlowsAreChecked(): void {
  const original = { source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 1, destinationPort: 2 }
  ct.flows.create({ protocol: 'tcp', original, state: 'SYN_SENT', timeout: 60 })
  // @ts-expect-error only the kernel counts
  ct.flows.create({ protocol: 'udp', original, timeout: 60, use: 1 })
  // @ts-expect-error no such state
  ct.flows.update({ protocol: 'tcp' }, { protocol: 'tcp', state: 'OPEN' })
}

export const plugin = protocol({
  name: 'mine',
  number: 200,
  tuple: ports,
  protoinfo: within(1, 'CTA_PROTOINFO_TCP', { phase: attribute(1, 'CTA_PROTOINFO_TCP_STATE', u8) }),
  // @ts-expect-error the label of destinationPort is missing
  labels: { sourcePort: 'sport' },
  options: [
    { names: ['phase'], argument: 'N', help: 'phase', sets: 'phase', use: {} },
    // @ts-expect-error no such field
    { names: ['faze'], argument: 'N', help: 'phase', sets: 'faze', use: {} },
  ],
  opposite: (tuple) => tuple,
})
