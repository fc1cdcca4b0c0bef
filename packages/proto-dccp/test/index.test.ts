import t from 'tap'
import { entryOf, flowLayout } from '../../core/test/entries.ts'
import { conforms } from '../../core/test/protocol-conformance.ts'
import { realFlow } from '../../core/test/real-message.ts'
import { dccp } from '../src/index.ts'

conforms(t, dccp, {
  protoinfo: 'ctattr_protoinfo_dccp',
  opposites: [
    [
      { sourcePort: 5004, destinationPort: 5003 },
      { sourcePort: 5003, destinationPort: 5004 },
    ],
  ],
})

t.test('a connection as kernel 6.1 told it', (t) => {
  t.strictSame(entryOf(flowLayout([dccp]), realFlow, 10).decode({ protocol: 'dccp', family: 'ipv6' }), {
    protocol: 'dccp',
    family: 'ipv6',
    original: { source: 'fd00:9::1', destination: 'fd00:9::2', protocolNumber: 33, sourcePort: 5004, destinationPort: 5003 },
    reply: { source: 'fd00:9::2', destination: 'fd00:9::1', protocolNumber: 33, sourcePort: 5003, destinationPort: 5004 },
    timeout: 43195,
    state: 'OPEN',
    role: 'client',
    handshakeSequence: 0x80935eb5bfedn,
    status: ['SEEN_REPLY', 'ASSURED', 'CONFIRMED'],
    mark: 0,
    originalCounters: { packets: 3n, bytes: 276n },
    replyCounters: { packets: 2n, bytes: 192n },
    id: 804564048,
    use: 1,
  })
  t.end()
})

// linux/netfilter/nf_conntrack_dccp.h of the kernel's own sources, enum ct_dccp_states and ct_dccp_roles: not among the installed headers.
t.test("the states and roles have the kernel's numbers", (t) => {
  const { state, role } = dccp.protoinfo
  const names = ['NONE', 'REQUEST', 'RESPOND', 'PARTOPEN', 'OPEN', 'CLOSEREQ', 'CLOSING', 'TIMEWAIT', 'IGNORE', 'INVALID', '10']
  t.strictSame(
    names.map((_, number) => state.kind.read(Uint8Array.of(number), 0, 1)),
    names,
  )
  t.strictSame(
    [0, 1, 2].map((number) => role.kind.read(Uint8Array.of(number), 0, 1)),
    ['client', 'server', '2'],
  )
  t.end()
})

t.test('a role may be shortened, and be in any case', (t) => {
  const { kind } = dccp.protoinfo.role
  for (const argument of ['client', 'CLIENT', 'c', 'Cli']) t.equal(kind.parse(argument), 'client')
  for (const argument of ['server', 's', 'SERV']) t.equal(kind.parse(argument), 'server')
  for (const argument of ['', 'x', 'clients', 'erver', '0'])
    t.throws(() => kind.parse(argument), new RangeError('expected one of client, server'))
  t.end()
})

t.test('state and role are compulsory for a new flow', (t) => {
  const required = dccp.options.filter(({ use }) => use.create === 'required').map(({ sets }) => sets)
  t.strictSame(required, ['state', 'role'])
  t.end()
})
