import {
  attribute,
  enumeration,
  type Kind,
  oppositePorts,
  portOptions,
  ports,
  protocol,
  STATE_USE,
  u64,
  within,
} from '@conntrack/core/plugin'

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

/** A sequence number of 48 bits, sent as 64. */
const sequence: Kind<bigint> = { ...u64, name: 'DCCP sequence number' }

/** IPPROTO_DCCP. Kernels from 6.16 on track it no more. */
export const dccp = protocol({
  name: 'dccp',
  number: 33,
  tuple: ports,
  labels: { sourcePort: 'sport', destinationPort: 'dport' },
  protoinfo: within(2, 'CTA_PROTOINFO_DCCP', {
    state: attribute(1, 'CTA_PROTOINFO_DCCP_STATE', state),
    role: attribute(2, 'CTA_PROTOINFO_DCCP_ROLE', role),
    handshakeSequence: attribute(3, 'CTA_PROTOINFO_DCCP_HANDSHAKE_SEQ', sequence),
  }),
  state: 'state',
  options: [
    ...portOptions,
    { names: ['state'], argument: 'STATE', help: 'state of the connection, such as OPEN', sets: 'state', use: STATE_USE },
    { names: ['role'], argument: 'ROLE', help: 'client or server: who opened the connection', sets: 'role', use: STATE_USE },
  ],
  opposite: oppositePorts,
})
