// Runs inside the older kernel, on Bun and on Node: real connections, and the conformance suite's checks of the kernel, for the protocols
// that newer kernels lack or have no sockets of. Writes a line of JSON for each check.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openConntrack } from '@conntrack/core'
import { kernelConformance, type KernelFacts } from '@conntrack/core/conformance'
import type { Protocol } from '@conntrack/core/plugin'
import { dccp } from '@conntrack/proto-dccp'
import { gre } from '@conntrack/proto-gre'
import { sctp } from '@conntrack/proto-sctp'
import { udplite } from '@conntrack/proto-udp'

/** What came of a check. */
function tell(name: string, error?: unknown): void {
  console.log(JSON.stringify({ name, error: error instanceof Error ? error.message : error }))
}

async function check(name: string, run: () => void | Promise<void>): Promise<void> {
  try {
    await run()
    tell(name)
  } catch (error) {
    tell(name, error)
  }
}

/** The program of this clone on the runtime that this is, or another one. */
const bin = fileURLToPath(new URL('../../packages/cli/src/bin.ts', import.meta.url))
const ours = (...words: string[]): string => execFileSync(process.execPath, ['--conditions=@conntrack/source', bin, ...words], QUIET)
const original = (...words: string[]): string => execFileSync('conntrack', words, QUIET)
const QUIET: { encoding: 'utf8'; stdio: ('pipe' | 'ignore')[] } = { encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] }

/** Lines without what depends on the clock. */
const timeless = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^(\w+ +\d+ )\d+ /, '$1').replace(/^-A -t \d+/, '-A'))
    .toSorted()

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

using ct = openConntrack({ protocols: [dccp, sctp, gre, udplite] })
for (const [protocol, given] of facts)
  for (const { name, run } of kernelConformance(protocol, given)) await check(name, () => run(ct.flows))

await check('dccp: every state and both roles are made, listed and found by filters', () => {
  const states = ['NONE', 'REQUEST', 'RESPOND', 'PARTOPEN', 'OPEN', 'CLOSEREQ', 'CLOSING', 'TIMEWAIT'] as const
  for (const [i, state] of states.entries())
    for (const [j, role] of (['client', 'server'] as const).entries())
      ct.flows.create({
        protocol: 'dccp',
        original: { source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 100 * i + j + 1, destinationPort: 9 },
        timeout: 600,
        state,
        role,
      })
  for (const state of states) {
    const found = [...ct.flows.list({ protocol: 'dccp', state })]
    assert.deepEqual(new Set(found.map((flow) => flow.protocol === 'dccp' && flow.role)), new Set(['client', 'server']), state)
  }
  assert.equal([...ct.flows.list({ protocol: 'dccp', role: 'server' })].length, states.length)
  assert.deepEqual(timeless(ours('-L', '-p', 'dccp')), timeless(original('-L', '-p', 'dccp')))
  assert.deepEqual(timeless(ours('-L', '-o', 'save')), timeless(original('-L', '-o', 'save')))
  assert.equal(timeless(ours('-L', '-p', 'dccp', '--role', 's', '--state', 'OPEN')).length, 1)
  const saved = ours('-L', '-o', 'save')
  assert.equal(ct.flows.delete({ protocol: 'dccp', role: 'client' }).deleted, states.length)
  ct.flows.flush()
  execFileSync(process.execPath, ['--conditions=@conntrack/source', bin, '-R', '-'], { input: saved })
  assert.deepEqual(timeless(ours('-L', '-o', 'save')), timeless(saved))
  ct.flows.flush()
})

const sockets = spawn('/usr/bin/python3', [fileURLToPath(new URL('sockets.py', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] })
const ended = once(sockets, 'exit')
await Promise.race([once(sockets.stdout, 'data'), ended])

await check('real connections of DCCP, SCTP and GRE are listed', () => {
  for (const [family, address] of [
    ['ipv4', '127.0.0.1'],
    ['ipv6', '::1'],
  ] as const) {
    const tuple = (sourcePort: number, destinationPort: number, protocolNumber: number) => ({
      source: address,
      destination: address,
      protocolNumber,
      sourcePort,
      destinationPort,
    })
    const [connection] = ct.flows.list({ protocol: 'dccp', family })
    assert.deepEqual(connection.original, tuple(5002, 5001, 33))
    assert.deepEqual(connection.reply, tuple(5001, 5002, 33))
    assert.ok(connection.protocol === 'dccp')
    assert.equal(connection.state, 'OPEN')
    assert.equal(connection.role, 'client')
    assert.ok((connection.handshakeSequence ?? 0n) > 0n)
    assert.deepEqual(connection.status, ['SEEN_REPLY', 'ASSURED', 'CONFIRMED'])
    assert.equal(connection.originalCounters?.packets, 3n, 'with the padding that this kernel sends before 64-bit numbers')
    const [association] = ct.flows.list({ protocol: 'sctp', family })
    assert.deepEqual(association.original, tuple(6002, 6001, 132))
    assert.ok(association.protocol === 'sctp')
    assert.equal(association.state, 'ESTABLISHED')
    assert.ok(association.verificationTagOriginal !== association.verificationTagReply)
  }
  const [tunnel] = ct.flows.list({ protocol: 'gre' })
  assert.ok(tunnel.protocol === 'gre')
  assert.deepEqual(tunnel.original, { source: '10.9.0.1', destination: '10.9.0.2', protocolNumber: 47, sourceKey: 0, destinationKey: 0 })
})

await check('the program shows them as the original does', () => {
  for (const words of [
    ['-L', '-o', 'extended,id'],
    ['-L', '-p', 'dccp', '--state', 'OPEN'],
    ['-L', '-p', 'sctp', '-f', 'ipv6', '--dport', '6001'],
    ['-L', '-p', 'gre'],
    ['-G', '-p', 'dccp', '-s', '127.0.0.1', '-d', '127.0.0.1', '--sport', '5002', '--dport', '5001'],
  ])
    assert.deepEqual(timeless(ours(...words)).map(agelessly), timeless(original(...words)).map(agelessly), words.join(' '))
})

/** Neighbours are asked for now and then, so that packets of the tunnel are counted meanwhile. */
function agelessly(line: string): string {
  return line
    .replaceAll(/(packets|bytes)=\d+ /g, '')
    .replace(/ 33 \d+ /, ' 33 ')
    .replace(/ (132|47|17) \d+ /, ' $1 ')
}

await check('a state is changed, with the role that the kernel wants beside it', () => {
  ours('-U', '-p', 'dccp', '-f', 'ipv6', '--state', 'PARTOPEN')
  const states = [...ct.flows.list({ protocol: 'dccp' })].map(
    (flow) => flow.protocol === 'dccp' && `${flow.family} ${flow.state} ${flow.role}`,
  )
  assert.deepEqual(new Set(states), new Set(['ipv4 OPEN client', 'ipv6 PARTOPEN client']))
})

await check('a connection that ends is seen to', async () => {
  sockets.stdin.write('close\n')
  await once(sockets.stdout, 'data')
  // The last packets go on after close(2) has returned.
  while ([...ct.flows.list({ protocol: 'dccp', family: 'ipv4', state: 'TIMEWAIT' })].length === 0) await setTimeout(20)
  assert.equal(ct.flows.delete({ protocol: 'dccp' }).deleted, 2)
})

sockets.stdin.end()
await ended
tell(`Linux ${readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim()}`)
