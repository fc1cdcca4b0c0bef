/**
 * SCTP.
 * @module @conntrack/proto-sctp
 */
import {
  attribute,
  enumeration,
  oppositePorts,
  portOptions,
  ports,
  protocol,
  type Protocol,
  STATE_USE,
  u32,
  within,
} from '@conntrack/core/plugin'

/** enum sctp_conntrack. */
const state = enumeration('SCTP state', [
  'NONE',
  'CLOSED',
  'COOKIE_WAIT',
  'COOKIE_ECHOED',
  'ESTABLISHED',
  'SHUTDOWN_SENT',
  'SHUTDOWN_RECD',
  'SHUTDOWN_ACK_SENT',
  'HEARTBEAT_SENT',
  'HEARTBEAT_ACKED',
])

/** What CTA_PROTOINFO has of SCTP. */
const protoinfo = within(3, 'CTA_PROTOINFO_SCTP', {
  /** The state of the association, as in enum sctp_conntrack (CTA_PROTOINFO_SCTP_STATE). */
  state: attribute(1, 'CTA_PROTOINFO_SCTP_STATE', state),
  /** The tag of packets in the original direction, 32 bits (CTA_PROTOINFO_SCTP_VTAG_ORIGINAL). */
  verificationTagOriginal: attribute(2, 'CTA_PROTOINFO_SCTP_VTAG_ORIGINAL', u32),
  /** The tag of packets in the reply direction (CTA_PROTOINFO_SCTP_VTAG_REPLY). */
  verificationTagReply: attribute(3, 'CTA_PROTOINFO_SCTP_VTAG_REPLY', u32),
})

/** The type of {@link sctp}: `Flow<Sctp>` is a flow of SCTP. */
export interface Sctp extends Protocol<'sctp', typeof ports, typeof protoinfo> {}

/** IPPROTO_SCTP. */
export const sctp: Sctp = protocol({
  name: 'sctp',
  number: 132,
  tuple: ports,
  labels: { sourcePort: 'sport', destinationPort: 'dport' },
  protoinfo,
  state: 'state',
  options: [
    ...portOptions,
    { names: ['state'], argument: 'STATE', help: 'state of the association, such as ESTABLISHED', sets: 'state', use: STATE_USE },
    {
      names: ['orig-vtag'],
      argument: 'TAG',
      help: 'verification tag in original direction',
      sets: 'verificationTagOriginal',
      use: STATE_USE,
    },
    { names: ['reply-vtag'], argument: 'TAG', help: 'verification tag in reply direction', sets: 'verificationTagReply', use: STATE_USE },
  ],
  opposite: oppositePorts,
  /** The kernel takes state and tags together, or refuses. */
  amend: (change, { state, verificationTagOriginal, verificationTagReply }) => ({
    state,
    verificationTagOriginal,
    verificationTagReply,
    ...change,
  }),
})
