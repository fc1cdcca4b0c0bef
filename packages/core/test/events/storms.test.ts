import t from 'tap'
import type { MirrorChange } from '../../src/events/mirror.ts'
import type { AnyFlow } from '../entries.ts'
import { forAll, type Random } from '../random.ts'
import { flowWithId, ScriptedEvents } from '../scripted-events.ts'

type Known = Map<number, unknown>

const shown = (flow: unknown): string => {
  const { mark, status, state } = flow as Record<string, unknown>
  return JSON.stringify({ mark, status, state })
}

const all = (flows: Iterable<[number, unknown]>): string[] => [...flows].map(([id, flow]) => `${id} ${shown(flow)}`).toSorted()

interface Ids {
  next: number
  /** Those that two flows had in turn. */
  readonly reused: Set<number>
}

/** One change of the table by chance. */
function change(random: Random, kernel: ScriptedEvents, ids: Ids): void {
  const { table } = kernel
  const some = (): number => random.pick([...table.keys()])
  const what = table.size === 0 ? 0 : random.below(10)
  if (what < 4) kernel.create(flowWithId(ids.next++, { mark: random.below(3), state: random.pick(['OPENING', 'OPEN']) }))
  else if (what < 6) kernel.update(some(), { mark: random.below(100) })
  else if (what < 7) kernel.update(some(), { state: random.pick(['OPENING', 'OPEN', 'CLOSED']) })
  else if (what < 8) kernel.update(some(), { status: ['SEEN_REPLY', 'CONFIRMED'] })
  else if (what < 9 || table.size < 3) kernel.destroy(some())
  else {
    // The same tuple again, under another id, and the same id again.
    const id = some()
    const flow = table.get(id)
    kernel.destroy(id)
    if (random.oneIn(2)) kernel.create({ ...(flow as AnyFlow), id: ids.next++ })
    else {
      ids.reused.add(id)
      kernel.create(flow as AnyFlow)
    }
  }
}

/** Follows what is told, as a consumer does who has nothing else. */
function follow(known: Known, reused: ReadonlySet<number>): (told: MirrorChange<unknown>) => void {
  return (told) => {
    if (!('entry' in told)) return
    const { type, id, entry } = told
    if (type === 'new') {
      if (known.has(id) && !reused.has(id)) throw new Error(`${id} is told to be new a second time`)
      known.set(id, entry)
    } else if (type === 'update') known.set(id, { ...(known.get(id) as object), ...(entry as object) })
    // Its creation can have been lost with it; then only its end is told.
    else known.delete(id)
  }
}

t.test('after any storm a mirror equals the table, and so does what was told', (t) => {
  const sum = { overruns: 0, synthetic: 0 }
  forAll(t, 200, 11, (random) => {
    const kernel = new ScriptedEvents()
    const ids: Ids = { next: 1, reused: new Set() }
    for (let i = random.below(20); i > 0; i--) change(random, kernel, ids)
    using mirror = kernel.conntrack.flows.mirror({ compareEvery: Number.POSITIVE_INFINITY })
    const told: Known = new Map(mirror)
    mirror.on('change', follow(told, ids.reused))
    mirror.on('change', (one) => {
      if (one.type === 'overrun') sum.overruns++
      if (one.type === 'resynced') sum.synthetic += one.new + one.update + one.destroy
    })
    for (let round = random.below(8) + 1; round > 0; round--) {
      kernel.capacity = random.pick([0, 1, 3, 10, 1000])
      // The table changes, and events are lost, while it is listed too, but not for ever.
      let left = random.below(20)
      kernel.whileListing = () => {
        if (left === 0 || !random.oneIn(8)) return
        left--
        kernel.capacity = random.pick([0, 2, 1000])
        change(random, kernel, ids)
      }
      for (let i = random.below(60); i > 0; i--) change(random, kernel, ids)
      if (random.oneIn(2)) mirror.refresh()
    }
    kernel.whileListing = () => {}
    kernel.capacity = 1000
    mirror.refresh()
    const table = all(kernel.table)
    if (all(mirror).join('\n') !== table.join('\n'))
      throw new Error(`the mirror differs:\n${all(mirror).join('\n')}\n---\n${table.join('\n')}`)
    if (all(told).join('\n') !== table.join('\n'))
      throw new Error(`what was told differs:\n${all(told).join('\n')}\n---\n${table.join('\n')}`)
  })
  t.ok(sum.overruns > 200 && sum.synthetic > 500, JSON.stringify(sum))
  t.end()
})
