import t from 'tap'
import { openConntrack } from '../../src/conntrack.ts'
import { NetlinkError } from '../../src/errors.ts'
import { type Protocol, portOptions, ports, oppositePorts, protocol, STATE_USE, attribute, u8, within } from '../../src/plugin.ts'
import { datagram } from '../protocols.ts'
import { namespace, skipKernel as skip } from '../real-kernel.ts'
import { ack, error, message, scriptedKernel } from '../scripted-kernel.ts'

/** With ports and a phase, under a number that no kernel tracks (RFC 3692: for experiments). */
const novel = protocol({
  name: 'novel',
  number: 253,
  tuple: ports,
  labels: { sourcePort: 'sport', destinationPort: 'dport' },
  protoinfo: within(1, 'CTA_PROTOINFO_TCP', { phase: attribute(1, 'CTA_PROTOINFO_TCP_STATE', u8) }),
  options: [...portOptions, { names: ['phase'], argument: 'N', help: 'the phase of it', sets: 'phase', use: STATE_USE }],
  opposite: oppositePorts,
})

const original = { source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 1, destinationPort: 2 }
const flow = { protocol: 'novel', original, timeout: 60 } as const
const GET = 0x0101
const ENOENT = 2
const EINVAL = 22

/** A kernel that gives this answer when it is asked for a flow, and says yes to the rest. Notes the types of what it was asked. */
function asked<const P extends readonly Protocol[]>(protocols: P, answer: (sequence: number) => Uint8Array[]) {
  const types: number[] = []
  const socket = scriptedKernel(({ sequence, type }) => {
    types.push(type)
    return type === GET ? answer(sequence) : [ack(sequence)]
  })
  return { types, ct: openConntrack({ protocols, socket }) }
}

t.test('where the kernel misses the rest of a tuple, it tracks the protocol, and is asked once', (t) => {
  const { types, ct } = asked([novel], (sequence) => [error(sequence, EINVAL)])
  ct.flows.create(flow)
  ct.flows.create(flow)
  t.strictSame(types, [GET, 0x0100, 0x0100])
  t.end()
})

t.test('where it finds none, or one, it does not track the protocol, and nothing is made', (t) => {
  for (const answer of [
    (sequence: number) => [error(sequence, ENOENT)],
    (sequence: number) => [message({ type: 0x0100, sequence, body: new Uint8Array() }), ack(sequence)],
  ]) {
    const { types, ct } = asked([novel], answer)
    const refusal = new NetlinkError('IPCTNL_MSG_CT_NEW', 93, {
      detail: 'this kernel does not track novel: it would keep a flow without its sport and dport',
    })
    t.throws(() => ct.flows.create(flow), refusal)
    t.match(ct.flows.createAll([flow, flow]), { given: 2, created: 0, refused: { EPROTONOSUPPORT: 2 } })
    t.throws(() => ct.flows.update({}, { protocol: 'novel', phase: 1 }), { code: 'EPROTONOSUPPORT' })
    t.ok(types.every((type) => type === GET))
  }
  t.end()
})

t.test('of a protocol that every kernel tracks, and of one without a plugin, the kernel is not asked', (t) => {
  const { types, ct } = asked([datagram], (sequence) => [error(sequence, ENOENT)])
  ct.flows.create({ ...flow, protocol: 'datagram' })
  ct.flows.create({
    protocol: 'unknown',
    original: { source: '10.0.0.1', destination: '10.0.0.2', protocolNumber: 253 },
    timeout: 60,
  })
  t.strictSame(types, [0x0100, 0x0100])
  t.end()
})

t.test('another refusal is told as it is', (t) => {
  const { ct } = asked([novel], (sequence) => [error(sequence, 1)])
  t.throws(() => ct.flows.create(flow), { code: 'EPERM' })
  t.end()
})

t.test('this kernel does not track the novel protocol, and makes nothing of it', { skip }, (t) => {
  using ct = openConntrack({ protocols: [novel, datagram], netns: namespace(t) })
  t.throws(() => ct.flows.create(flow), { code: 'EPROTONOSUPPORT' })
  const { created, refused } = ct.flows.createAll([flow, { ...flow, protocol: 'datagram' }, flow])
  t.strictSame({ created, refused: { ...refused } }, { created: 1, refused: { EPROTONOSUPPORT: 2 } })
  t.strictSame(
    [...ct.flows.list()].map(({ protocol }) => protocol),
    ['datagram'],
  )
  t.end()
})

t.test('nor does it find another flow between the hosts for one that it cannot tell apart', { skip }, (t) => {
  using ct = openConntrack({ protocols: [novel], netns: namespace(t) })
  const ends = { source: '10.0.0.1', destination: '10.0.0.2' }
  ct.flows.create({ protocol: 'unknown', original: { ...ends, protocolNumber: 253 }, timeout: 60 })
  for (const tuple of [{ original }, { reply: { ...original, source: '10.0.0.2', destination: '10.0.0.1' } }]) {
    t.throws(() => ct.flows.get({ protocol: 'novel', ...tuple }), { code: 'EPROTONOSUPPORT', command: 'IPCTNL_MSG_CT_GET' })
    t.throws(() => ct.flows.lookup({ protocol: 'novel', ...tuple }), { code: 'EPROTONOSUPPORT' })
  }
  t.throws(() => ct.expectations.get({ protocol: 'novel', tuple: original }), { code: 'EPROTONOSUPPORT' })
  const [listed] = ct.flows.list()
  t.equal(ct.flows.get(listed)?.id, listed.id, 'what it lists it finds, by what it has')
  t.equal(ct.flows.get({ protocol: 'novel', original: ends })?.id, listed.id)
  t.end()
})
