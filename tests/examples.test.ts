import { type Conntrack, openConntrack } from '@conntrack/core'
import type { Protocol } from '@conntrack/core/plugin'
import { createKernel, type KernelSettings, type TestingKernel } from '@conntrack/core/testing'
import { icmp, icmpv6 } from '@conntrack/proto-icmp'
import { tcp } from '@conntrack/proto-tcp'
import { udp } from '@conntrack/proto-udp'
import t from 'tap'
import { isDownload, markFlows } from '../examples/mark.ts'
import { migrate } from '../examples/migrate.ts'
import { natLog } from '../examples/nat-log.ts'
import { deleteStale } from '../examples/stale-udp.ts'
import { topTalkers } from '../examples/top-talkers.ts'
import { established } from '../examples/wait-established.ts'

function start<const P extends readonly Protocol[]>(
  protocols: P,
  settings: KernelSettings = {},
): { kernel: TestingKernel<P[number]>; ct: Conntrack<P[number]> } {
  const kernel = createKernel({ protocols, ...settings })
  return { kernel, ct: openConntrack({ protocols, socket: kernel.socket, subscribe: kernel.subscribe }) }
}

const ends = (source: string, sourcePort: number) => ({ source, destination: '10.96.0.10', sourcePort, destinationPort: 53 })

t.test('stale-udp deletes flows to backends that are gone', async (t) => {
  const { kernel, ct } = start([udp])
  const query = (port: number, backend: string) =>
    kernel.track({ protocol: 'udp', original: ends('10.0.0.1', port), destinationNat: { minimum: backend } })
  const [stale, fresh] = [query(1, '10.244.1.5'), query(2, '10.244.2.7')]
  const direct = kernel.track({ protocol: 'udp', original: ends('10.0.0.1', 3) })
  t.equal(deleteStale(ct, { address: '10.96.0.10', port: 53, backends: ['10.244.2.7', '10.244.3.9'] }), 1)
  t.strictSame([stale.isAlive, fresh.isAlive, direct.isAlive], [false, true, true])
})

t.test('top-talkers sums the bytes of both directions by who began', async (t) => {
  const { kernel, ct } = start([tcp, udp])
  const talk = (source: string, port: number, sent: number, answered: number): void => {
    const flow = kernel.track({ protocol: 'udp', original: ends(source, port) })
    flow.packets('original', sent)
    flow.packets('reply', answered)
  }
  talk('10.0.0.1', 1, 100, 5000)
  talk('10.0.0.2', 2, 300, 2 ** 33)
  talk('10.0.0.1', 3, 0, 1)
  t.strictSame(topTalkers(ct), [
    { address: '10.0.0.2', bytes: 8589934892n },
    { address: '10.0.0.1', bytes: 5101n },
  ])
  t.equal(topTalkers(ct, 1).length, 1)
})

t.test('migrate copies translations, marks and states', async (t) => {
  const [blue, green] = [start([tcp, udp, icmp, icmpv6]), start([tcp, udp, icmp, icmpv6])]
  blue.kernel.track({ protocol: 'tcp', original: ends('10.0.0.1', 1), sourceNat: { minimum: '192.0.2.1' }, state: 'ESTABLISHED', mark: 7 })
  blue.kernel.track({ protocol: 'icmp', original: { source: '10.0.0.1', destination: '10.0.0.2', type: 8, code: 0, id: 5 } })
  green.kernel.track({ protocol: 'icmp', original: { source: '10.0.0.1', destination: '10.0.0.2', type: 8, code: 0, id: 5 } })
  t.strictSame(migrate(blue.ct, green.ct), { copied: 1, known: 1 })
  const [copied] = green.ct.flows.list({ protocol: 'tcp' })
  t.match(copied, { state: 'ESTABLISHED', mark: 7, reply: { destination: '192.0.2.1' } })
  t.ok(copied.status?.includes('SRC_NAT'))
})

t.test('mark changes the bits of its mask in the flows that are wanted', async (t) => {
  const { kernel, ct } = start([tcp])
  const long = kernel.track({ protocol: 'tcp', original: ends('10.0.0.1', 1), mark: 0x101 })
  const short = kernel.track({ protocol: 'tcp', original: ends('10.0.0.1', 2), mark: 0x101 })
  long.packets('reply', 20_000_000, 15_000)
  t.equal(markFlows(ct, isDownload, { mark: 0x10, mask: 0xf0 }), 1)
  t.strictSame([long.flow.mark, short.flow.mark], [0x111, 0x101])
})

t.test('nat-log writes a line when a translated flow begins and when it ends, and tells of losses', async (t) => {
  const { kernel, ct } = start([tcp, udp], { timestamps: true })
  const controller = new AbortController()
  const lines: unknown[] = []
  const log = natLog(
    ct,
    (line) => {
      lines.push(JSON.parse(line))
      if (lines.length === 5) controller.abort()
    },
    controller.signal,
  )
  kernel.track({ protocol: 'udp', original: ends('10.0.0.1', 1) })
  const query = kernel.track({ protocol: 'udp', original: ends('10.0.0.1', 2), sourceNat: { minimum: '192.0.2.1', minimumPort: 4000 } })
  query.packets('original', 80)
  query.packets('reply', 200)
  kernel.advance(1.5)
  query.end()
  // Until the queue has been emptied once.
  await new Promise((resolve) => setTimeout(resolve))
  kernel.lose()
  const web = kernel.track({ protocol: 'tcp', original: ends('10.0.0.1', 3), destinationNat: { minimum: '10.244.1.5' } })
  while (lines.length < 4) await new Promise((resolve) => setTimeout(resolve))
  web.end()
  await log
  const original = { ...ends('10.0.0.1', 2), protocolNumber: 17 }
  const translated = { source: '192.0.2.1', destination: '10.96.0.10', sourcePort: 4000, destinationPort: 53 }
  t.match(lines, [
    { time: '2026-01-01T00:00:00.000Z', type: 'new', protocol: 'udp', original, translated },
    { time: '2026-01-01T00:00:01.500Z', type: 'destroy', protocol: 'udp', translated, sent: '80', answered: '200', seconds: 1.5 },
    { type: 'overrun', lost: 1 },
    { type: 'new', synthetic: true, protocol: 'tcp', translated: { destination: '10.244.1.5', sourcePort: 3 } },
    { type: 'destroy', protocol: 'tcp' },
  ])
})

t.test('wait-established has a connection that there is, waits for the next one, or gives up', async (t) => {
  const to = (destinationPort: number) => ({ destination: '10.96.0.10', destinationPort })
  const { kernel, ct } = start([tcp])
  const flow = kernel.track({ protocol: 'tcp', original: ends('10.0.0.1', 1), state: 'SYN_SENT' })
  const next = established(ct, to(53))
  flow.change({ state: 'SYN_RECV', status: ['SEEN_REPLY'] })
  flow.change({ state: 'ESTABLISHED', status: ['ASSURED'] })
  t.match(await next, { state: 'ESTABLISHED', original: { source: '10.0.0.1', sourcePort: 1 } })
  t.match(await established(ct, to(53)), { state: 'ESTABLISHED' }, 'it is there')
  flow.end()

  const lost = established(ct, to(53))
  kernel.lose()
  kernel.track({ protocol: 'tcp', original: ends('10.0.0.1', 2), state: 'ESTABLISHED' })
  t.match(await lost, { original: { sourcePort: 2 } }, 'its event was lost')

  const controller = new AbortController()
  const never = established(ct, to(99), controller.signal)
  controller.abort()
  t.equal(await never, undefined)
})
