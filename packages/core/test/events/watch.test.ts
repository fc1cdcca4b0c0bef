import t from 'tap'
import { flowWithId, ScriptedEvents } from '../scripted-events.ts'

/** What a watch has to tell until it is closed, in short. */
async function told(watch: AsyncIterable<{ readonly type: string }>, enough = Number.POSITIVE_INFINITY): Promise<string[]> {
  const all: string[] = []
  for await (const event of watch) {
    const { type, synthetic, flow } = event as { type: string; synthetic?: boolean; flow?: { id?: number; mark?: number } }
    all.push(flow === undefined ? type : `${type} ${flow.id} mark=${flow.mark}${synthetic ? ' synthetic' : ''}`)
    if (all.length === enough) break
  }
  return all
}

t.test('events come as objects, in their order', async (t) => {
  const kernel = new ScriptedEvents()
  const watch = kernel.conntrack.flows.watch()
  kernel.create(flowWithId(1))
  kernel.update(1, { mark: 7 })
  kernel.destroy(1)
  t.strictSame(await told(watch, 3), ['new 1 mark=0', 'update 1 mark=7', 'destroy 1 mark=7'])
  t.ok(kernel.subscriptions[0].closed, 'leaving the loop closes the socket')
})

t.test('only the groups that are asked for are joined', (t) => {
  const kernel = new ScriptedEvents()
  kernel.conntrack.flows.watch({ events: ['destroy', 'new'] })
  kernel.conntrack.flows.watch()
  t.strictSame(
    kernel.subscriptions.map(({ groups }) => groups),
    [
      [1, 3],
      [1, 2, 3],
    ],
  )
  kernel.conntrack.close()
  t.ok(
    kernel.subscriptions.every(({ closed }) => closed),
    'and left with the connection',
  )
  t.end()
})

t.test('a filter holds for events', async (t) => {
  const kernel = new ScriptedEvents()
  const watch = kernel.conntrack.flows.watch({ filter: { mark: 1 } })
  for (const id of [1, 2, 3]) kernel.create(flowWithId(id, { mark: id % 2 }))
  t.strictSame(await told(watch, 2), ['new 1 mark=1', 'new 3 mark=1'])
})

t.test('an abort ends a watch that waits, and one that has not begun', async (t) => {
  const kernel = new ScriptedEvents()
  const abort = new AbortController()
  const waiting = told(kernel.conntrack.flows.watch({ signal: abort.signal }))
  await Promise.resolve()
  abort.abort()
  t.strictSame(await waiting, [])
  t.strictSame(await told(kernel.conntrack.flows.watch({ signal: abort.signal })), [])
  t.ok(kernel.subscriptions.every(({ closed }) => closed))
})

t.test('a watch that finishes tells what was received, and what the kernel has queued, and no more', async (t) => {
  const kernel = new ScriptedEvents()
  const watch = kernel.conntrack.flows.watch()
  for (const id of [1, 2]) kernel.create(flowWithId(id))
  watch.finish()
  kernel.create(flowWithId(3))
  t.strictSame(await told(watch), ['new 1 mark=0', 'new 2 mark=0'])
  t.ok(kernel.subscriptions[0].closed)
  watch.finish()

  const waiting = kernel.conntrack.flows.watch()
  const end = told(waiting)
  await Promise.resolve()
  waiting.finish()
  t.strictSame(await end, [], 'one that waits ends')

  const losing = kernel.conntrack.flows.watch()
  kernel.capacity = 1
  for (const id of [4, 5]) kernel.create(flowWithId(id))
  losing.finish()
  t.strictSame(await told(losing), ['new 4 mark=0', 'overrun', 'new 5 mark=0 synthetic', 'resynced'], 'what was lost is found first')
})

t.test('an overrun is told where it was, and what it has cost is found', async (t) => {
  const kernel = new ScriptedEvents()
  for (const id of [1, 2, 3]) kernel.create(flowWithId(id))
  const watch = kernel.conntrack.flows.watch()
  kernel.capacity = 1
  kernel.create(flowWithId(4))
  kernel.create(flowWithId(5))
  kernel.update(2, { mark: 9 })
  kernel.destroy(3)
  kernel.create(flowWithId(6))
  kernel.destroy(6)
  kernel.capacity = 100
  t.strictSame(await told(watch, 6), [
    'new 4 mark=0',
    'overrun',
    'update 2 mark=9 synthetic',
    'destroy 3 mark=0 synthetic',
    'new 5 mark=0 synthetic',
    'resynced',
  ])
  t.equal(kernel.listed, 2, 'in the beginning and after the overrun')
})

t.test('without resync nothing is listed, and the overrun is told', async (t) => {
  const kernel = new ScriptedEvents()
  const watch = kernel.conntrack.flows.watch({ resync: false })
  kernel.capacity = 1
  for (const id of [1, 2, 3]) kernel.create(flowWithId(id))
  const all: unknown[] = []
  for await (const event of watch) {
    all.push(event)
    if (event.type === 'overrun') break
  }
  t.equal(all.length, 2)
  t.match(all[1], { type: 'overrun', lost: 2, times: 1 })
  t.equal(kernel.listed, 0)
})

t.test('what happens while the table is listed is told once', async (t) => {
  const kernel = new ScriptedEvents()
  for (const id of [1, 2, 3]) kernel.create(flowWithId(id))
  const watch = kernel.conntrack.flows.watch()
  kernel.capacity = 0
  kernel.create(flowWithId(4))
  kernel.capacity = 100
  let once = true
  kernel.whileListing = () => {
    if (!once) return
    once = false
    kernel.create(flowWithId(5))
    kernel.destroy(2)
    kernel.destroy(4)
  }
  const all = await told(watch, 5)
  // 4 has gone before it was listed: that it was there is known only by its end.
  t.strictSame(all, ['overrun', 'new 5 mark=0', 'destroy 2 mark=0', 'destroy 4 mark=0', 'resynced'])
})

t.test('a creation that was lost is told before what follows it', async (t) => {
  const kernel = new ScriptedEvents()
  const watch = kernel.conntrack.flows.watch()
  kernel.capacity = 0
  kernel.create(flowWithId(1))
  kernel.capacity = 100
  kernel.whileListing = () => {
    kernel.whileListing = () => {}
    kernel.update(1, { mark: 5 })
  }
  t.strictSame(await told(watch, 4), ['overrun', 'new 1 mark=0 synthetic', 'update 1 mark=5', 'resynced'])
})

t.test('updates give way where the caller wants it, and that is told', async (t) => {
  for (const [onFull, expected] of [
    ['drop updates', { updates: 1000, coalesced: 0 }],
    ['coalesce', { updates: 0, coalesced: 1000 }],
  ] as const) {
    const kernel = new ScriptedEvents()
    const watch = kernel.conntrack.flows.watch({ onFull, queue: 2000, resync: false })
    kernel.create(flowWithId(1))
    for (let i = 1; i <= 1000; i++) kernel.update(1, { mark: i })
    kernel.destroy(1)
    const all: Record<string, unknown>[] = []
    for await (const event of watch) {
      all.push({ ...event })
      if (event.type === 'destroy') break
    }
    const gave = all.filter(({ type }) => type === 'dropped')
    const sum = (key: string): number => gave.reduce((total, one) => total + (one[key] as number), 0)
    t.ok(sum('updates') + sum('coalesced') > 500, onFull)
    t.equal(sum('updates') === 0, expected.updates === 0)
    t.equal(all.filter(({ type }) => type === 'update').length + sum('updates') + sum('coalesced'), 1000, 'none is unaccounted for')
    t.equal(all.find(({ type }) => type !== 'dropped')?.type, 'new')
  }
})

t.test('a watch that is not told of ends forgets them', async (t) => {
  const kernel = new ScriptedEvents()
  const watch = kernel.conntrack.flows.watch({ events: ['new'] })
  const count = 9000
  for (let id = 1; id <= count; id++) {
    kernel.create(flowWithId(id))
    kernel.table.delete(id)
  }
  let seen = 0
  for await (const _ of watch) if (++seen === count) break
  t.equal(seen, count)
  t.ok(kernel.listed >= 2 && kernel.listed < 5, `listed ${kernel.listed} times`)
})

t.test('an error of the kernel ends the loop, and the watch is closed', async (t) => {
  const kernel = new ScriptedEvents()
  const watch = kernel.conntrack.flows.watch()
  kernel.capacity = 0
  kernel.create(flowWithId(1))
  kernel.whileListing = () => {
    throw new Error('the kernel is out of order')
  }
  await t.rejects(told(watch), /out of order/)
  t.ok(kernel.subscriptions[0].closed)
})
