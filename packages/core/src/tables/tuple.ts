import { hex16, ipv4, ipv6, port, u8, u16 } from '../schema/kinds.ts'
import { always, attribute, perFamily, type Table, within } from '../schema/table.ts'

/** enum ctattr_ip: source and destination of one direction. */
const addresses = {
  /** The address of who sends packets of this direction: IPv4 or IPv6 (CTA_IP_V4_SRC, CTA_IP_V6_SRC). */
  source: always(perFamily(attribute(1, 'CTA_IP_V4_SRC', ipv4), attribute(3, 'CTA_IP_V6_SRC', ipv6))),
  /** The address that packets of this direction are sent to (CTA_IP_V4_DST, CTA_IP_V6_DST). */
  destination: always(perFamily(attribute(2, 'CTA_IP_V4_DST', ipv4), attribute(4, 'CTA_IP_V6_DST', ipv6))),
}

/** enum ctattr_tuple: what a packet of one direction looks like. `layer4` is the protocol's part, enum ctattr_l4proto. */
export function tupleOf<L4 extends Table>(layer4: L4) {
  return {
    ...within(1, 'CTA_TUPLE_IP', addresses),
    ...within(2, 'CTA_TUPLE_PROTO', {
      /** IPPROTO_*: the number in the IP header (CTA_PROTO_NUM). */
      protocolNumber: always(attribute(1, 'CTA_PROTO_NUM', u8)),
      ...layer4,
    }),
    /** The zone of this direction alone, where it differs (CTA_TUPLE_ZONE). */
    zone: attribute(3, 'CTA_TUPLE_ZONE', u16),
  }
}

/** Two ports: the tuple of tcp, udp, udplite, sctp and dccp. */
export const ports = {
  /** The port that packets of this direction come from (CTA_PROTO_SRC_PORT). */
  sourcePort: attribute(2, 'CTA_PROTO_SRC_PORT', port),
  /** The port that packets of this direction are sent to (CTA_PROTO_DST_PORT). */
  destinationPort: attribute(3, 'CTA_PROTO_DST_PORT', port),
}

/** GRE's two 16-bit keys, which travel where ports do. */
export const keys = {
  /** The key of who sends packets of this direction, 16 bits (CTA_PROTO_SRC_PORT). */
  sourceKey: attribute(2, 'CTA_PROTO_SRC_PORT', hex16),
  /** The key that packets of this direction have (CTA_PROTO_DST_PORT). */
  destinationKey: attribute(3, 'CTA_PROTO_DST_PORT', hex16),
}
