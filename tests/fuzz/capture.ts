// Writes captures.txt anew, as root: what this kernel says in a namespace of its own.  bun --conditions=@conntrack/source tests/fuzz/capture.ts
import { execFileSync, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { type Conntrack, type NetlinkError, openConntrack } from '@conntrack/core'
import type { Protocol } from '@conntrack/core/plugin'
import { protocols } from '../../packages/cli/test/program.ts'
import { hex } from '../../packages/core/test/bytes.ts'
import { libc } from '../../packages/core/src/transport/bun.ts'
import { type NetlinkSocket, openSocket } from '../../packages/core/src/transport/socket.ts'

/** MSG_DONTWAIT: EAGAIN where there is nothing to receive. */
const MSG_DONTWAIT = 0x40

const netns = `ct-capture-${process.pid}`
const captured = new Map<string, string>()
let what = ''

/** A socket whose datagrams are kept, one of each. */
function recorded(socket: NetlinkSocket): NetlinkSocket {
  return {
    portId: socket.portId,
    send: (bytes) => socket.send(bytes),
    receive(into) {
      const length = socket.receive(into)
      captured.set(hex(into.subarray(0, length)), what)
      return length
    },
    buffers: () => socket.buffers(),
    close: () => socket.close(),
    [Symbol.dispose]: () => socket.close(),
  }
}

/** Does something of which the kernel's answers are wanted, its refusals too. */
function capture(title: string, work: () => unknown): void {
  what = title
  try {
    work()
  } catch (error) {
    what = `${title}: ${(error as Error).message}`
    for (const [bytes, one] of captured) if (one === title) captured.set(bytes, what)
  }
}

const FOUR = { source: '10.0.0.1', destination: '10.0.0.2' }
const SIX = { source: 'fd00::1', destination: 'fd00::ffff:1' }
const ports = { sourcePort: 1000, destinationPort: 80 }
type Given = Parameters<Conntrack<Protocol>['flows']['create']>[0]

const FLOWS = [
  { protocol: 'tcp', original: { ...FOUR, ...ports }, state: 'ESTABLISHED', status: ['SEEN_REPLY', 'ASSURED'], mark: 4294967295, zone: 12 },
  { protocol: 'tcp', original: { ...SIX, ...ports }, state: 'SYN_SENT2', status: ['ASSURED'], mark: 1 },
  {
    protocol: 'tcp',
    original: { ...FOUR, ...ports },
    state: 'ESTABLISHED',
    sourceNat: { minimum: '192.0.2.1' },
    destinationNat: { minimum: '192.0.2.2', minimumPort: 8080 },
  },
  { protocol: 'tcp', original: { ...FOUR, sourcePort: 5, destinationPort: 21 }, state: 'ESTABLISHED', helper: { name: 'ftp' } },
  { protocol: 'udp', original: { ...FOUR, ...ports, zone: 5 }, status: ['SEEN_REPLY'] },
  { protocol: 'udp', original: { ...SIX, ...ports }, reply: { zone: 6 } },
  { protocol: 'udp', original: { ...FOUR, sourcePort: 1001, destinationPort: 53 }, labels: new Uint8Array(16).fill(1) },
  { protocol: 'udplite', original: { ...FOUR, ...ports } },
  { protocol: 'icmp', original: { ...FOUR, type: 8, code: 0, id: 65535 } },
  { protocol: 'icmpv6', original: { ...SIX, type: 128, code: 0, id: 77 } },
  { protocol: 'sctp', original: { ...FOUR, ...ports }, state: 'COOKIE_WAIT', verificationTagOriginal: 1, verificationTagReply: 2 },
  { protocol: 'gre', original: { ...FOUR, sourceKey: 0, destinationKey: 0xabc } },
  { protocol: 'unknown', original: { ...SIX, protocolNumber: 253 } },
] as unknown as Given[]

const host = (address: object): object => ({ ...address, sourcePort: 0, destinationPort: 65535 })
const EXPECTED = {
  protocol: 'tcp',
  master: { ...FOUR, sourcePort: 5, destinationPort: 21 },
  tuple: { source: '10.0.0.2', destination: '10.0.0.1', sourcePort: 0, destinationPort: 5000 },
  mask: host({ source: '255.255.255.255', destination: '255.255.255.255' }),
  timeout: 300,
} as Parameters<Conntrack<Protocol>['expectations']['create']>[0]

async function main(): Promise<void> {
  const inside = (...words: string[]): string => execFileSync('ip', ['netns', 'exec', netns, ...words], { encoding: 'utf8' })
  inside('nft', 'add table inet l; add chain inet l i { type filter hook input priority 0; }; add rule inet l i ct label 1 accept')
  const traffic = spawn('ip', ['netns', 'exec', netns, 'python3', new URL('../parity/traffic.py', import.meta.url).pathname])
  await new Promise((resolve) => traffic.stdout.once('data', resolve))

  using ct = openConntrack<readonly Protocol[]>({ protocols, socket: () => recorded(openSocket({ netns })) })
  // The kernel tells of what is done here before it answers, so that nothing has to be waited for.
  const c = libc()
  const libcWithoutWaiting = {
    ...c,
    recvfrom: (fd: number, into: Uint8Array, flags: number, sender: Uint8Array) => c.recvfrom(fd, into, flags | MSG_DONTWAIT, sender),
  }
  using events = recorded(openSocket({ libc: libcWithoutWaiting, netns, groups: [1, 2, 3, 4, 6] }))
  const told = (title: string): void => {
    what = title
    try {
      for (;;) events.receive(new Uint8Array(65536))
    } catch (error) {
      if ((error as NetlinkError).code !== 'EAGAIN') throw error
    }
  }

  capture('list of real traffic', () => [...ct.flows.list()])
  for (const [i, flow] of FLOWS.entries()) {
    capture(`create ${flow.protocol} ${i}`, () => ct.flows.create({ timeout: 432000, ...flow }))
    told(`new ${flow.protocol} ${i}`)
    capture(`get ${flow.protocol} ${i}`, () => ct.flows.get(flow))
  }
  capture('create again', () => ct.flows.create({ timeout: 1, ...FLOWS[0] }))
  capture('get none', () => ct.flows.get({ protocol: 'udp', original: { ...FOUR, sourcePort: 9, destinationPort: 9 } }))
  capture('impossible', () => ct.flows.create({ timeout: 1, protocol: 'icmp', original: { ...FOUR, type: 3, code: 0, id: 1 } }))
  capture('no such helper', () =>
    ct.flows.create({
      ...FLOWS[8],
      timeout: 1,
      original: { ...FOUR, sourcePort: 3, destinationPort: 9 },
      helper: { name: 'none' },
    }),
  )
  capture('expect', () => ct.expectations.create(EXPECTED))
  told('new expectation')
  capture('expect without a master', () => ct.expectations.create({ ...EXPECTED, master: EXPECTED.tuple }))
  capture('list of expectations', () => [...ct.expectations.list()])
  capture('get expectation', () => ct.expectations.get(EXPECTED))
  capture('statistics', () => ct.flows.statistics())
  capture('statistics of expectations', () => ct.expectations.cpuStatistics())
  capture('update', () => ct.flows.update({ protocol: 'tcp', mark: 1 } as never, { mark: 7 }))
  told('update')
  capture('delete', () => ct.flows.delete({ protocol: 'icmp' } as never))
  capture('delete expectations', () => ct.expectations.delete({}))
  told('destroyed expectation')
  capture('flush', () => ct.flows.flush())
  capture('list of nothing', () => [...ct.flows.list()])
  told('destroyed')
  traffic.stdin.end()
}

execFileSync('ip', ['netns', 'add', netns])
try {
  await main()
} finally {
  execFileSync('ip', ['netns', 'del', netns])
}
const lines = [...captured].map(([bytes, title]) => `# ${title}\n${bytes}\n`)
writeFileSync(new URL('captures.txt', import.meta.url), lines.join(''))
console.log(`${captured.size} datagrams`)
