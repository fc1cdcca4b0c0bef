import { hex16, ipv4, ipv6, port, u8, u16 } from '../schema/kinds.ts'
import { always, attribute, perFamily, type Table, within } from '../schema/table.ts'

/** enum ctattr_ip: source and destination of one direction. */
const addresses = {
  source: always(perFamily(attribute(1, 'CTA_IP_V4_SRC', ipv4), attribute(3, 'CTA_IP_V6_SRC', ipv6))),
  destination: always(perFamily(attribute(2, 'CTA_IP_V4_DST', ipv4), attribute(4, 'CTA_IP_V6_DST', ipv6))),
}

/** enum ctattr_tuple: what a packet of one direction looks like. `layer4` is the protocol's part, enum ctattr_l4proto. */
export function tupleOf<L4 extends Table>(layer4: L4) {
  return {
    ...within(1, 'CTA_TUPLE_IP', addresses),
    ...within(2, 'CTA_TUPLE_PROTO', { protocolNumber: always(attribute(1, 'CTA_PROTO_NUM', u8)), ...layer4 }),
    zone: attribute(3, 'CTA_TUPLE_ZONE', u16),
  }
}

/** Two ports: the tuple of tcp, udp, udplite, sctp and dccp. */
export const ports = {
  sourcePort: attribute(2, 'CTA_PROTO_SRC_PORT', port),
  destinationPort: attribute(3, 'CTA_PROTO_DST_PORT', port),
}

/** GRE's two 16-bit keys, which travel where ports do. */
export const keys = {
  sourceKey: attribute(2, 'CTA_PROTO_SRC_PORT', hex16),
  destinationKey: attribute(3, 'CTA_PROTO_DST_PORT', hex16),
}
