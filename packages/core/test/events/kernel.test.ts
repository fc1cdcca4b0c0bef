// timeout: 180
import { execFileSync, spawn } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import t from 'tap'
import { openConntrack } from '../../src/conntrack.ts'
import type { MirrorChange } from '../../src/events/mirror.ts'
import { Random } from '../random.ts'
import { namespace, skipKernel as skip, within } from '../real-kernel.ts'
import { PROTOCOLS } from '../scripted-conntrack.ts'

const open = (netns: string | number) => openConntrack({ protocols: PROTOCOLS, netns })
type Tracking = ReturnType<typeof open>

const original = (i: number) => ({
  source: `10.1.${i >> 8}.${i & 255}`,
  destination: '10.9.9.9',
  sourcePort: 1000 + (i & 1023),
  destinationPort: 53,
})
const make = (ct: Tracking, i: number, mark = 0): void =>
  ct.flows.create({ protocol: 'datagram', original: original(i), timeout: 600, mark })
const remove = (ct: Tracking, i: number): object => ct.flows.delete({ protocol: 'datagram', original: { source: original(i).source } })

/** How many descriptors of sockets and eventfds this process has. */
const descriptors = (): number =>
  readdirSync('/proc/self/fd')
    .flatMap((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).replace(/\d+/, '')
      } catch {
        return []
      }
    })
    .filter((name) => /^(socket|anon_inode:\[eventfd)/.test(name)).length

/** What a table has, for comparing: id, mark and status. */
const contents = (flows: Iterable<unknown>): string[] =>
  [...flows]
    .map((flow) => {
      const { id, mark, status, original } = flow as Record<string, unknown>
      return JSON.stringify([id, mark, status, original])
    })
    .toSorted()

t.test('what happens to flows is told with who did it and when', { skip }, async (t) => {
  const netns = namespace(t)
  using ct = open(netns)
  const watch = ct.flows.watch()
  t.equal(watch.hasEvents, true)
  const before = BigInt(Date.now() - 1000) * 1_000_000n
  make(ct, 1)
  ct.flows.update({ protocol: 'datagram' }, { mark: 7 })
  remove(ct, 1)
  const events: Record<string, unknown>[] = []
  for await (const event of watch) {
    events.push({ ...event })
    if (event.type === 'destroy') break
  }
  t.match(events, [
    { type: 'new', synthetic: false, flow: { original: original(1), mark: 0 } },
    { type: 'update', flow: { mark: 7 } },
    { type: 'destroy', flow: { originalCounters: { packets: 0n } } },
  ])
  for (const { timestamp, portId } of events) {
    t.ok((timestamp as bigint) > before && (timestamp as bigint) < before + 3_600_000_000_000n)
    t.not(portId, 0)
  }
})

t.test('two watchers, each with what it asked for', { skip }, async (t) => {
  const netns = namespace(t)
  using ct = open(netns)
  const [news, ends] = [ct.flows.watch({ events: ['new'], filter: { mark: 1 } }), ct.flows.watch({ events: ['destroy'] })]
  for (let i = 0; i < 20; i++) make(ct, i, i % 2)
  ct.flows.flush()
  const count = async (watch: AsyncIterable<{ type: string }>, enough: number): Promise<Set<string>> => {
    const types = new Set<string>()
    let left = enough
    for await (const { type } of watch) {
      types.add(type)
      if (--left === 0) break
    }
    return types
  }
  t.strictSame(await Promise.all([count(news, 10), count(ends, 20)]), [new Set(['new']), new Set(['destroy'])])
})

t.test('a watcher for each namespace, which hears of no other', { skip }, async (t) => {
  const spaces = [namespace(t), namespace(t)].map((netns, i) => {
    const ct = open(netns)
    t.teardown(() => ct.close())
    return { ct, watch: ct.flows.watch(), own: i + 1 }
  })
  for (const { ct, own } of spaces) for (let i = 0; i < 5; i++) make(ct, own * 100 + i, own)
  for (const { watch, own } of spaces) {
    watch.finish()
    const marks: unknown[] = []
    for await (const event of watch) marks.push('flow' in event ? event.flow.mark : event.type)
    t.strictSame(marks, [own, own, own, own, own])
  }
})

t.test('a mirror equals the table after storms that lost events', { skip }, (t) => {
  const netns = namespace(t)
  using ct = open(netns)
  for (let i = 0; i < 20; i++) make(ct, i)
  const random = new Random(4)
  let overruns = 0
  for (let storm = 0; storm < 5; storm++) {
    using mirror = ct.flows.mirror({ receiveBuffer: 4096 })
    mirror.on('change', ({ type }) => {
      if (type === 'overrun') overruns++
    })
    const from = (storm + 1) * 100
    for (let i = from; i < from + 60; i++) make(ct, i, random.below(3))
    for (let i = from; i < from + 60; i += 10) remove(ct, i)
    ct.flows.update({ protocol: 'datagram', mark: 1 }, { mark: 5 })
    mirror.refresh()
    t.strictSame(contents(mirror.values()), contents(ct.flows.list()), `storm ${storm}`)
    t.equal(mirror.size, ct.flows.count())
  }
  t.ok(overruns >= 5, `${overruns} overruns`)
  t.end()
})

t.test('a mirror forgets entries of whose end the kernel tells nobody', { skip }, (t) => {
  const netns = namespace(t)
  using ct = open(netns)
  within(netns, 'sysctl', '-qw', 'net.netfilter.nf_conntrack_events=0')
  make(ct, 1)
  within(netns, 'sysctl', '-qw', 'net.netfilter.nf_conntrack_events=1')
  using mirror = ct.flows.mirror()
  const changes: MirrorChange<unknown>[] = []
  mirror.on('change', (change) => changes.push(change))
  t.equal(mirror.size, 1)
  remove(ct, 1)
  mirror.refresh()
  t.equal(mirror.size, 0)
  t.match(changes, [{ type: 'destroy' }, { type: 'resynced', destroy: 1 }])
  t.end()
})

t.test('a kernel that makes no events lets a watch wait, and end', { skip }, async (t) => {
  const netns = namespace(t)
  within(netns, 'sysctl', '-qw', 'net.netfilter.nf_conntrack_events=0')
  using ct = open(netns)
  const watch = ct.flows.watch()
  t.equal(watch.hasEvents, false, 'and says so')
  make(ct, 1)
  setTimeout(() => watch.close(), 50)
  for await (const event of watch) t.fail('an event', { event })
  t.pass('it has ended')
})

t.test('a watch lives on when the namespace has no name and no process any more', { skip }, async (t) => {
  const process = spawn('unshare', ['-n', 'sleep', '600'], { stdio: 'ignore' })
  const pid = process.pid as number
  const own = readlinkSync('/proc/self/ns/net')
  while (readlinkSync(`/proc/${pid}/ns/net`) === own) await new Promise((resolve) => setTimeout(resolve, 5))
  using ct = open(pid)
  const watch = ct.flows.watch({ receiveBuffer: 4096 })
  make(ct, 1)
  const ended = new Promise((resolve) => process.once('exit', resolve))
  process.kill('SIGKILL')
  await ended
  for (let i = 2; i < 40; i++) make(ct, i)
  const types = new Set<string>()
  for await (const { type } of watch) {
    types.add(type)
    if (type === 'resynced') break
  }
  t.strictSame([...types], ['new', 'overrun', 'resynced'])
})

t.test('opening and closing leaves nothing behind', { skip }, async (t) => {
  const netns = namespace(t)
  using ct = open(netns)
  // A first wait, for what the runtime opens once.
  const first = ct.flows.watch({ resync: false })
  setTimeout(() => first.close(), 20)
  for await (const event of first) t.fail('an event', { event })
  ct.flows.count()
  await new Promise((resolve) => setTimeout(resolve, 50))
  const before = descriptors()
  for (let i = 0; i < 1000; i++) {
    const watch = ct.flows.watch({ resync: false })
    if (i % 20 === 0) {
      // One that waits when it is closed.
      const end = watch[Symbol.asyncIterator]().next()
      watch.close()
      t.equal((await end).done, true)
    }
    watch.close()
  }
  // A thread of Bun's takes a moment to end.
  for (let i = 0; i < 200 && descriptors() > before; i++) await new Promise((resolve) => setTimeout(resolve, 10))
  t.ok(descriptors() <= before, `${descriptors()} descriptors, and ${before} before`)
})

t.test('who destroys an entry can have to wait for its event to be queued', { skip }, async (t) => {
  const netns = namespace(t)
  using ct = open(netns)
  const watch = ct.flows.watch({ events: ['destroy'], reliable: true, receiveBuffer: 4096, resync: false })
  for (let i = 0; i < 30; i++) make(ct, i)
  execFileSync('ip', ['netns', 'exec', netns, 'conntrack', '-F'], { stdio: 'ignore' })
  const seen = new Set<string>()
  for await (const event of watch) {
    if ('flow' in event) seen.add(event.flow.original.source)
    if (seen.size === 30) break
  }
  t.equal(seen.size, 30, 'every end is told, though the queue has room for few')
})
