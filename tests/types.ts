// Not run: the compiler is the test. A line under @ts-expect-error must be an error, everything else must not.
import { type Flow, type FlowEvent, openConntrack } from '@conntrack/core'
import { attribute, ports, protocol, u8, within } from '@conntrack/core/plugin'
import { dccp } from '@conntrack/proto-dccp'
import { gre } from '@conntrack/proto-gre'
import { type Icmp, icmp, icmpv6 } from '@conntrack/proto-icmp'
import { sctp } from '@conntrack/proto-sctp'
import { type Tcp, tcp } from '@conntrack/proto-tcp'
import { type Udp, udp, udplite } from '@conntrack/proto-udp'

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
  // @ts-expect-error misspelt
  ct.flows.list({ protocl: 'tcp' })
  // @ts-expect-error misspelt, beside what is right
  ct.flows.list({ protocol: 'tcp', stat: 'ESTABLISHED' })
  // @ts-expect-error misspelt, where no protocol is named
  ct.flows.list({ marc: 1 })
  // @ts-expect-error misspelt, in a condition
  ct.flows.list({ mark: { value: 1, msk: 2 } })
  // @ts-expect-error misspelt, of a translation
  ct.flows.list({ sourceNat: { adress: '10.0.0.1' } })
  // @ts-expect-error misspelt, of a delete
  ct.flows.delete({ protocol: 'udp', original: { sourcePrt: 1 } })
  // @ts-expect-error misspelt, of a watch
  ct.flows.watch({ filter: { protocol: 'tcp', original: { destinationPrt: 443 } } })
  // @ts-expect-error no such state
  ct.flows.list({ protocol: 'tcp', state: { oneOf: ['ESTABLISHT'] } })
  // @ts-expect-error no such status bit
  ct.flows.list({ status: { all: ['ASURED'] } })
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

export const labelled = protocol({
  name: 'labelled',
  number: 201,
  tuple: ports,
  protoinfo: {},
  labels: {
    sourcePort: 'sport',
    // @ts-expect-error a label is a word
    destinationPort: 5,
  },
  options: [],
  opposite: (tuple) => tuple,
})

export const mislabelled = protocol({
  name: 'mislabelled',
  number: 202,
  tuple: ports,
  protoinfo: {},
  // @ts-expect-error no such field
  labels: { sourcePort: 'sport', destinationPort: 'dport', sorcePort: 'sport' },
  options: [],
  opposite: (tuple) => tuple,
})

/** Protocols have types by name, which are those of their values. */
export function protocolsHaveNames(one: Flow<Tcp>, other: Flow<typeof tcp>, watched: FlowEvent<Tcp | Udp>): void {
  same<Equal<typeof one, typeof other>>()
  same<Equal<Flow<Icmp>, Flow<typeof icmp>>>()
  if (one.protocol === 'tcp') same<Equal<typeof one.windowScaleReply, number | undefined>>()
  if ('flow' in watched && watched.flow.protocol === 'udp') same<Equal<typeof watched.flow.original.sourcePort, number | undefined>>()
}

const every = openConntrack({ protocols: [tcp, udp, udplite, icmp, icmpv6, sctp, dccp, gre] })

export function everyProtocolHasItsOwnFields(): void {
  for (const flow of every.flows.list()) {
    switch (flow.protocol) {
      case 'tcp':
        same<Equal<typeof flow.windowScaleReply, number | undefined>>()
        console.log(flow.flagsOriginal?.flags.includes('BE_LIBERAL'), flow.state === 'SYN_SENT2')
        break
      case 'udp':
      case 'udplite':
        same<Equal<typeof flow.reply.destinationPort, number | undefined>>()
        // @ts-expect-error no state
        console.log(flow.state)
        break
      case 'icmp':
      case 'icmpv6':
        same<Equal<typeof flow.reply.code, number | undefined>>()
        break
      case 'sctp':
        same<Equal<typeof flow.verificationTagReply, number | undefined>>()
        console.log(flow.state === 'HEARTBEAT_SENT')
        break
      case 'dccp':
        same<Equal<typeof flow.role, 'client' | 'server' | `${number}` | undefined>>()
        same<Equal<typeof flow.handshakeSequence, bigint | undefined>>()
        break
      case 'gre':
        same<Equal<typeof flow.original.sourceKey, number | undefined>>()
        // @ts-expect-error it has keys
        console.log(flow.original.sourcePort)
        break
      case 'unknown':
        same<Equal<typeof flow.original.layer4, Uint8Array | undefined>>()
        same<Equal<typeof flow.original.protocolNumber, number>>()
        break
      default:
        same<Equal<typeof flow, never>>()
    }
  }
  for (const expectation of every.expectations.list()) {
    if (expectation.protocol === 'tcp') same<Equal<typeof expectation.mask.sourcePort, number | undefined>>()
    if (expectation.protocol === 'gre') same<Equal<typeof expectation.tuple.destinationKey, number | undefined>>()
  }
}

export function everyProtocolIsChecked(): void {
  const ends = { source: '10.0.0.1', destination: '10.0.0.2' }
  every.flows.create({ protocol: 'gre', original: { ...ends, sourceKey: 1, destinationKey: 0x10 }, timeout: 60 })
  every.flows.create({
    protocol: 'dccp',
    original: { ...ends, sourcePort: 1, destinationPort: 2 },
    timeout: 60,
    state: 'OPEN',
    role: 'client',
  })
  every.flows.update({ protocol: 'sctp' }, { protocol: 'sctp', state: 'CLOSED' })
  // @ts-expect-error no such role
  every.flows.list({ protocol: 'dccp', role: 'peer' })
  // @ts-expect-error GRE has keys
  every.flows.create({ protocol: 'gre', original: { ...ends, sourcePort: 1 }, timeout: 60 })
  // @ts-expect-error a sequence number is a bigint
  every.flows.list({ protocol: 'dccp', handshakeSequence: 5 })
}
