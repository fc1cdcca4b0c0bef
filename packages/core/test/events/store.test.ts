import t from 'tap'
import { MessageView } from '../../src/events/message.ts'
import { FLOW_KEYS } from '../../src/events/source.ts'
import { Store } from '../../src/events/store.ts'
import { Random } from '../random.ts'
import { flowBody } from '../scripted-conntrack.ts'
import { flowWithId } from '../scripted-events.ts'
import { message } from '../scripted-kernel.ts'

/** A message about a flow; its labels make it of any length. */
function about(id: number, tuple: number, labels = 0): MessageView {
  const flow = { ...flowWithId(tuple), id, labels: new Uint8Array(labels).fill(tuple) }
  const bytes = message({ type: 0x0100, sequence: 0, flags: 0, body: flowBody(flow) })
  return new MessageView().load(bytes, 0, bytes.length)
}

const hex = ({ bytes, start, end }: MessageView): string => Buffer.from(bytes.subarray(start, end)).toString('hex')

t.test('a store finds what it was given, as a Map does', (t) => {
  const store = new Store(FLOW_KEYS)
  const known = new Map<string, { readonly view: MessageView; readonly slot: number }>()
  const random = new Random(9)
  for (let i = 0; i < 20000; i++) {
    // Few ids, so that many entries have the same.
    const [id, tuple] = [random.below(300), random.below(20)]
    const key = `${id} ${tuple}`
    const view = about(id, tuple, random.below(4) * 40)
    const slot = store.find(view)
    const before = known.get(key)
    if (slot !== (before?.slot ?? -1)) throw new Error(`${key} is in slot ${slot}, and was put in ${before?.slot}`)
    if (before === undefined) known.set(key, { view, slot: store.add(view) })
    else if (random.oneIn(2)) {
      store.remove(slot)
      known.delete(key)
    } else {
      store.replace(slot, view.bytes, view.start, view.end)
      known.set(key, { view, slot })
    }
  }
  t.equal(store.size, known.size)
  const view = new MessageView()
  t.strictSame(
    [...store.slots()].map((slot) => hex(store.load(slot, view))).toSorted(),
    [...known.values()].map((one) => hex(one.view)).toSorted(),
  )
  for (const { view: one } of known.values()) if (store.find(one) < 0) throw new Error('lost')
  t.end()
})

t.test('ids are found whatever their highest bit is', (t) => {
  const store = new Store(FLOW_KEYS)
  for (const id of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
    const slot = store.add(about(id, 1))
    t.equal(store.findId(id), slot)
  }
  t.equal(store.findId(2), -1)
  t.end()
})

t.test('a slot that is free is used again, with nothing noted of it', (t) => {
  const store = new Store(FLOW_KEYS)
  const slot = store.add(about(1, 1))
  store.flags[slot] = 7
  store.remove(slot)
  t.equal(store.add(about(2, 2)), slot)
  t.equal(store.flags[slot], 0)
  t.end()
})
