/**
 * UDP and UDP-Lite.
 * @module @conntrack/proto-udp
 */
import { oppositePorts, portOptions, ports, protocol } from '@conntrack/core/plugin'

const labels = { sourcePort: 'sport', destinationPort: 'dport' }

/** IPPROTO_UDP. */
export const udp = protocol({
  name: 'udp',
  number: 17,
  isBuiltIn: true,
  tuple: ports,
  labels,
  protoinfo: {},
  options: portOptions,
  opposite: oppositePorts,
})

/** IPPROTO_UDPLITE. */
export const udplite = protocol({
  name: 'udplite',
  number: 136,
  tuple: ports,
  labels,
  protoinfo: {},
  options: portOptions,
  opposite: oppositePorts,
})
