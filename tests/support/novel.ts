import {
  attribute,
  enumeration,
  oppositePorts,
  portOptions,
  ports,
  PROPERTY_USE,
  protocol,
  STATE_USE,
  u32,
  within,
} from '@conntrack/core/plugin'

/** A protocol as a stranger may write it, under a number that is for experiments (RFC 3692). */
export const novel = protocol({
  name: 'novel',
  number: 253,
  tuple: ports,
  labels: { sourcePort: 'sport', destinationPort: 'dport' },
  protoinfo: within(3, 'CTA_PROTOINFO_SCTP', {
    phase: attribute(1, 'CTA_PROTOINFO_SCTP_STATE', enumeration('phase', ['NONE', 'DAWN', 'NOON', 'DUSK', 'NIGHT'])),
    token: attribute(2, 'CTA_PROTOINFO_SCTP_VTAG_ORIGINAL', u32),
  }),
  state: 'phase',
  options: [
    ...portOptions,
    { names: ['phase'], argument: 'PHASE', help: 'phase of the day', sets: 'phase', use: STATE_USE },
    { names: ['token'], argument: 'NUMBER', help: 'what tells days apart', sets: 'token', use: PROPERTY_USE, isOurs: true },
  ],
  opposite: oppositePorts,
})
