/**
 * ICMP and ICMPv6.
 * @module @conntrack/proto-icmp
 */
import { attribute, decimal, protocol, type Protocol, u16, u8 } from '@conntrack/core/plugin'
import { type Echo, echoOptions, echoLabels, opposite } from './echo.ts'

const byte = decimal(u8)
const id = decimal(u16)

/** What CTA_TUPLE_PROTO has of ICMP. */
const tuple = {
  /** The type: 8 asks for an echo (CTA_PROTO_ICMP_TYPE). */
  type: attribute(5, 'CTA_PROTO_ICMP_TYPE', byte),
  /** The code, beside the type (CTA_PROTO_ICMP_CODE). */
  code: attribute(6, 'CTA_PROTO_ICMP_CODE', byte),
  /** The identifier that question and answer have in common (CTA_PROTO_ICMP_ID). */
  id: attribute(4, 'CTA_PROTO_ICMP_ID', id),
}

/** The type of {@link icmp}: `Flow<Icmp>` is a flow of ICMP. */
export interface Icmp extends Protocol<'icmp', typeof tuple, Record<never, never>> {}

/** IPPROTO_ICMP. The reply to an echo request (8) is an echo reply (0), and so on for timestamps, information and address masks. */
export const icmp: Icmp = protocol({
  name: 'icmp',
  number: 1,
  isBuiltIn: true,
  family: 'ipv4',
  tuple,
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

/** What CTA_TUPLE_PROTO has of ICMPv6. */
const tupleV6 = {
  /** The type: 128 asks for an echo (CTA_PROTO_ICMPV6_TYPE). */
  type: attribute(8, 'CTA_PROTO_ICMPV6_TYPE', byte),
  /** The code, beside the type (CTA_PROTO_ICMPV6_CODE). */
  code: attribute(9, 'CTA_PROTO_ICMPV6_CODE', byte),
  /** The identifier that question and answer have in common (CTA_PROTO_ICMPV6_ID). */
  id: attribute(7, 'CTA_PROTO_ICMPV6_ID', id),
}

/** The type of {@link icmpv6}: `Flow<IcmpV6>` is a flow of ICMPv6. */
export interface IcmpV6 extends Protocol<'icmpv6', typeof tupleV6, Record<never, never>> {}

/** IPPROTO_ICMPV6. Echo request (128) and reply (129), node information query (139) and response (140). */
export const icmpv6: IcmpV6 = protocol({
  name: 'icmpv6',
  number: 58,
  isBuiltIn: true,
  family: 'ipv6',
  tuple: tupleV6,
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
