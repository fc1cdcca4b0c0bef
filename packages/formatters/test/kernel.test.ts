import { existsSync } from 'node:fs'
import t from 'tap'
import { openConntrack } from '../../core/src/conntrack.ts'
import type { Formatter, ProtocolVariant } from '../../core/src/plugin.ts'
import { namespace, skipKernel, within } from '../../core/test/real-kernel.ts'
import { line } from '../src/index.ts'
import { PROTOCOLS } from './printed.ts'

const ORIGINAL = '/usr/sbin/conntrack'
const skip = skipKernel || (existsSync(ORIGINAL) ? false : `there is no ${ORIGINAL} to compare with`)

const FOUR = { source: '10.0.0.1', destination: '10.0.0.2' }
const SIX = { source: 'fd00::1', destination: 'fd00::ffff:1' }
const ports = { sourcePort: 1000, destinationPort: 80 }

/** One of everything that this kernel lets a program make. */
const FLOWS = [
  { protocol: 'tcp', original: { ...FOUR, ...ports }, state: 'ESTABLISHED', status: ['SEEN_REPLY', 'ASSURED'], mark: 4294967295, zone: 12 },
  { protocol: 'tcp', original: { ...SIX, ...ports }, state: 'SYN_SENT2', status: ['ASSURED'] },
  {
    protocol: 'tcp',
    original: { ...FOUR, ...ports },
    sourceNat: { minimum: '192.0.2.1' },
    destinationNat: { minimum: '192.0.2.2', minimumPort: 8080 },
  },
  { protocol: 'udp', original: { ...FOUR, ...ports, zone: 5 }, status: ['SEEN_REPLY'] },
  { protocol: 'udp', original: { ...SIX, ...ports }, reply: { zone: 6 } },
  { protocol: 'udplite', original: { ...FOUR, ...ports } },
  { protocol: 'icmp', original: { ...FOUR, type: 8, code: 0, id: 65535 } },
  { protocol: 'icmpv6', original: { ...SIX, type: 128, code: 0, id: 77 } },
  { protocol: 'sctp', original: { ...FOUR, ...ports }, state: 'COOKIE_WAIT', verificationTagOriginal: 1, verificationTagReply: 2 },
  { protocol: 'gre', original: { ...FOUR, sourceKey: 0, destinationKey: 0xabc } },
  { protocol: 'unknown', original: { ...SIX, protocolNumber: 253 } },
] as const

const TIMEOUT = /^((?:ipv[46] +\d+ )?\w+ +\d+) (\d+)/
const ageless = (text: string): string => text.replace(TIMEOUT, '$1 N').replace(/ delta-time=\d+/, ' delta-time=N')
const age = (text: string): number => 432000 - Number(TIMEOUT.exec(text)?.[2])

t.test('lines are byte for byte those of conntrack(8)', { skip }, (t) => {
  const netns = namespace(t)
  using ct = openConntrack({ protocols: PROTOCOLS, netns })
  for (const flow of FLOWS) ct.flows.create({ timeout: 432000, ...flow })
  const ours = (formatter: Formatter<ProtocolVariant>): string[] => {
    let text = ''
    ct.flows.list().print(formatter, (chunk) => {
      text += Buffer.from(chunk).toString()
    })
    return sorted(text)
  }
  const sorted = (text: string): string[] =>
    text
      .trimEnd()
      .split('\n')
      .sort((a, b) => (ageless(a) < ageless(b) ? -1 : 1))
  for (const [formatter, ...options] of [
    [line()],
    [line({ extended: true }), '-o', 'extended'],
    [line({ id: true, kernelTimestamp: true }), '-o', 'id,ktimestamp'],
  ] as const) {
    const both = [ours(formatter), sorted(within(netns, ORIGINAL, '-L', ...options))]
    t.equal(both[0].length, FLOWS.length)
    t.strictSame(both[0].map(ageless), both[1].map(ageless), options.join(' '))
    // Seconds pass between the two programs, on a busy machine several; both count up and down in whole ones.
    const [began, ended] = both.map((lines) => lines.map(age))
    t.ok(
      began.every((seconds, i) => seconds >= 0 && seconds <= ended[i]),
      'the ages are in order',
    )
  }
  t.end()
})
