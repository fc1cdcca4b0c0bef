/**
 * UDP and UDP-Lite.
 * @module @conntrack/proto-udp
 */
import { oppositePorts, portOptions, ports, protocol, type Protocol } from '@conntrack/core/plugin'

const labels = { sourcePort: 'sport', destinationPort: 'dport' }

/** The type of {@link udp}: `Flow<Udp>` is a flow of UDP. */
export interface Udp extends Protocol<'udp', typeof ports, Record<never, never>> {}

/** IPPROTO_UDP. */
export const udp: Udp = protocol({
  name: 'udp',
  number: 17,
  isBuiltIn: true,
  tuple: ports,
  labels,
  protoinfo: {},
  options: portOptions,
  opposite: oppositePorts,
})

/** The type of {@link udplite}: `Flow<UdpLite>` is a flow of UDP-Lite. */
export interface UdpLite extends Protocol<'udplite', typeof ports, Record<never, never>> {}

/** IPPROTO_UDPLITE. */
export const udplite: UdpLite = protocol({
  name: 'udplite',
  number: 136,
  tuple: ports,
  labels,
  protoinfo: {},
  options: portOptions,
  opposite: oppositePorts,
})
