import {
  attribute,
  decimal,
  enumeration,
  keys,
  oppositePorts,
  portOptions,
  ports,
  protocol,
  STATE_USE,
  u8,
  u16,
  u32,
  within,
} from '../src/plugin.ts'

// Protocols for tests of what knows none: made of the same words as the real ones, and of the same numbers on the wire.

/** With ports and a state, as TCP. */
export const stream = protocol({
  name: 'stream',
  number: 6,
  isBuiltIn: true,
  tuple: ports,
  labels: { sourcePort: 'sport', destinationPort: 'dport' },
  protoinfo: within(1, 'CTA_PROTOINFO_TCP', {
    state: attribute(1, 'CTA_PROTOINFO_TCP_STATE', enumeration('state', ['NONE', 'OPENING', 'OPEN', 'CLOSED'])),
    scale: attribute(2, 'CTA_PROTOINFO_TCP_WSCALE_ORIGINAL', u8),
  }),
  state: 'state',
  options: [...portOptions, { names: ['state'], argument: 'STATE', help: 'the state', sets: 'state', use: STATE_USE }],
  opposite: oppositePorts,
  complete: (flow) => ({ scale: 7, ...flow }),
})

/** With ports and nothing else, as UDP. */
export const datagram = protocol({
  name: 'datagram',
  number: 17,
  isBuiltIn: true,
  tuple: ports,
  labels: { sourcePort: 'sport', destinationPort: 'dport' },
  protoinfo: {},
  options: portOptions,
  opposite: oppositePorts,
})

/** Without ports, as ICMP. */
export const echo = protocol({
  name: 'echo',
  number: 1,
  isBuiltIn: true,
  tuple: {
    type: attribute(5, 'CTA_PROTO_ICMP_TYPE', decimal(u8)),
    code: attribute(6, 'CTA_PROTO_ICMP_CODE', u8),
    id: attribute(4, 'CTA_PROTO_ICMP_ID', u16),
  },
  labels: { type: 'type', code: 'code', id: 'id' },
  protoinfo: {},
  options: [],
  opposite: (tuple) => ({ ...tuple, type: tuple.type === 8 ? 0 : 8 }),
})

/** Under ports' numbers something else, as GRE; and a state under another number. */
export const keyed = protocol({
  name: 'keyed',
  number: 47,
  tuple: keys,
  labels: { sourceKey: 'srckey', destinationKey: 'dstkey' },
  protoinfo: within(3, 'CTA_PROTOINFO_SCTP', { tag: attribute(2, 'CTA_PROTOINFO_SCTP_VTAG_ORIGINAL', u32) }),
  options: [],
  opposite: ({ sourceKey, destinationKey }) => ({ sourceKey: destinationKey, destinationKey: sourceKey }),
})
