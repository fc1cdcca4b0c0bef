// What netlink does with protocols that newer kernels lack or have no sockets of: flows that are made by hand.
import assert from 'node:assert/strict'
import { kernelConformance, type KernelFacts } from '@conntrack/core/conformance'
import type { Protocol } from '@conntrack/core/plugin'
import { dccp } from '@conntrack/proto-dccp'
import { gre } from '@conntrack/proto-gre'
import { sctp } from '@conntrack/proto-sctp'
import { udplite } from '@conntrack/proto-udp'
import { check, original, ours, oursWith, timeless } from './checks.ts'
import type { Tracking } from './guest.ts'

const ports = [
  { sourcePort: 40000, destinationPort: 443 },
  { sourcePort: 443, destinationPort: 40000 },
] as const
const keys = [
  { sourceKey: 16, destinationKey: 32 },
  { sourceKey: 32, destinationKey: 16 },
] as const

// This kernel is built without zones.
const facts: readonly (readonly [Protocol, KernelFacts])[] = [
  [
    dccp,
    {
      layer4: ports,
      zones: false,
      fields: { state: 'OPEN', role: 'client', handshakeSequence: 2n ** 48n - 1n },
      change: { state: 'CLOSING', role: 'server', handshakeSequence: 7n },
    },
  ],
  [
    sctp,
    {
      layer4: ports,
      zones: false,
      fields: { state: 'HEARTBEAT_SENT', verificationTagOriginal: 1, verificationTagReply: 4294967295 },
      change: { state: 'ESTABLISHED', verificationTagOriginal: 2, verificationTagReply: 3 },
    },
  ],
  [gre, { layer4: keys, zones: false }],
  [udplite, { layer4: ports, zones: false }],
]

const STATES = ['NONE', 'REQUEST', 'RESPOND', 'PARTOPEN', 'OPEN', 'CLOSEREQ', 'CLOSING', 'TIMEWAIT'] as const

/** The suite that is published, and every state of DCCP. */
export async function netlink({ flows }: Tracking): Promise<void> {
  for (const [protocol, given] of facts) for (const { name, run } of kernelConformance(protocol, given)) await check(name, () => run(flows))

  await check('dccp: every state and both roles are made, listed and found by filters', () => {
    for (const [i, state] of STATES.entries())
      for (const [j, role] of (['client', 'server'] as const).entries())
        flows.create({
          protocol: 'dccp',
          original: { source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 100 * i + j + 1, destinationPort: 9 },
          timeout: 600,
          state,
          role,
        })
    for (const state of STATES) {
      const found = [...flows.list({ protocol: 'dccp', state })]
      assert.deepEqual(new Set(found.map((flow) => flow.protocol === 'dccp' && flow.role)), new Set(['client', 'server']), state)
    }
    assert.equal([...flows.list({ protocol: 'dccp', role: 'server' })].length, STATES.length)
    assert.deepEqual(timeless(ours('-L', '-p', 'dccp')), timeless(original('-L', '-p', 'dccp')))
    assert.deepEqual(timeless(ours('-L', '-o', 'save')), timeless(original('-L', '-o', 'save')))
    assert.equal(timeless(ours('-L', '-p', 'dccp', '--role', 's', '--state', 'OPEN')).length, 1)
    const saved = ours('-L', '-o', 'save')
    assert.equal(flows.delete({ protocol: 'dccp', role: 'client' }).deleted, STATES.length)
    flows.flush()
    oursWith(saved, '-R', '-')
    assert.deepEqual(timeless(ours('-L', '-o', 'save')), timeless(saved))
    flows.flush()
  })
}
