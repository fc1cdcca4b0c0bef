/**
 * ICMP and ICMPv6.
 * @module @conntrack/proto-icmp
 */
import { attribute, decimal, protocol, u8, u16 } from '@conntrack/core/plugin'
import { type Echo, echoOptions, echoLabels, opposite } from './echo.ts'

const byte = decimal(u8)
const id = decimal(u16)

/** IPPROTO_ICMP. The reply to an echo request (8) is an echo reply (0), and so on for timestamps, information and address masks. */
export const icmp = protocol({
  name: 'icmp',
  number: 1,
  isBuiltIn: true,
  family: 'ipv4',
  tuple: {
    type: attribute(5, 'CTA_PROTO_ICMP_TYPE', byte),
    code: attribute(6, 'CTA_PROTO_ICMP_CODE', byte),
    id: attribute(4, 'CTA_PROTO_ICMP_ID', id),
  },
  labels: echoLabels,
  protoinfo: {},
  options: echoOptions('icmp'),
  defaults: { id: 0 },
  opposite: (tuple: Echo) =>
    opposite(tuple, [
      [8, 0],
      [13, 14],
      [15, 16],
      [17, 18],
    ]),
})

/** IPPROTO_ICMPV6. Echo request (128) and reply (129), node information query (139) and response (140). */
export const icmpv6 = protocol({
  name: 'icmpv6',
  number: 58,
  isBuiltIn: true,
  family: 'ipv6',
  tuple: {
    type: attribute(8, 'CTA_PROTO_ICMPV6_TYPE', byte),
    code: attribute(9, 'CTA_PROTO_ICMPV6_CODE', byte),
    id: attribute(7, 'CTA_PROTO_ICMPV6_ID', id),
  },
  labels: echoLabels,
  protoinfo: {},
  options: echoOptions('icmpv6'),
  defaults: { id: 0 },
  opposite: (tuple: Echo) =>
    opposite(tuple, [
      [128, 129],
      [139, 140],
    ]),
})
