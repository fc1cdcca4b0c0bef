/**
 * DCCP.
 * @module @conntrack/proto-dccp
 */
import {
  attribute,
  enumeration,
  oppositePorts,
  portOptions,
  ports,
  PROPERTY_USE,
  protocol,
  type Protocol,
  STATE_USE,
  within,
} from '@conntrack/core/plugin'
import { sequence } from './sequence.ts'

/** enum ct_dccp_states. */
const state = enumeration('DCCP state', [
  'NONE',
  'REQUEST',
  'RESPOND',
  'PARTOPEN',
  'OPEN',
  'CLOSEREQ',
  'CLOSING',
  'TIMEWAIT',
  'IGNORE',
  'INVALID',
])

/** enum ct_dccp_roles, of the side that sent the first packet. An argument may be shortened and in any case. */
const roles = enumeration('DCCP role', ['client', 'server'])
const role: typeof roles = {
  ...roles,
  parse: (argument) => {
    const wanted = argument.toLowerCase()
    return roles.parse(['client', 'server'].find((name) => wanted !== '' && name.startsWith(wanted)) ?? argument)
  },
}

/** What CTA_PROTOINFO has of DCCP. */
const protoinfo = within(2, 'CTA_PROTOINFO_DCCP', {
  /** The state of the connection, as in enum ct_dccp_states (CTA_PROTOINFO_DCCP_STATE). */
  state: attribute(1, 'CTA_PROTOINFO_DCCP_STATE', state),
  /** What who sent the first packet is: client or server (CTA_PROTOINFO_DCCP_ROLE). */
  role: attribute(2, 'CTA_PROTOINFO_DCCP_ROLE', role),
  /** The sequence number of the handshake, 48 bits (CTA_PROTOINFO_DCCP_HANDSHAKE_SEQ). */
  handshakeSequence: attribute(3, 'CTA_PROTOINFO_DCCP_HANDSHAKE_SEQ', sequence),
})

/** The type of {@link dccp}: `Flow<Dccp>` is a flow of DCCP. */
export interface Dccp extends Protocol<'dccp', typeof ports, typeof protoinfo> {}

/** IPPROTO_DCCP. Kernels from 6.16 on track it no more. */
export const dccp: Dccp = protocol({
  name: 'dccp',
  number: 33,
  tuple: ports,
  labels: { sourcePort: 'sport', destinationPort: 'dport' },
  protoinfo,
  state: 'state',
  options: [
    ...portOptions,
    { names: ['state'], argument: 'STATE', help: 'state of the connection, such as OPEN', sets: 'state', use: STATE_USE },
    { names: ['role'], argument: 'ROLE', help: 'client or server: who opened the connection', sets: 'role', use: STATE_USE },
    {
      names: ['handshake-seq'],
      argument: 'NUMBER',
      help: 'sequence number of the handshake, 48 bits',
      sets: 'handshakeSequence',
      use: PROPERTY_USE,
      isOurs: true,
      saved: 'unless zero',
    },
  ],
  opposite: oppositePorts,
  /** The kernel takes state and role together, or refuses. */
  amend: (change, { state, role }) => ({ state, role, ...change }),
})
