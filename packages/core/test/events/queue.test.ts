import t from 'tap'
import { coalesce, dropUpdates } from '../../src/events/compaction.ts'
import { eventType } from '../../src/events/message.ts'
import { EventQueue } from '../../src/events/queue.ts'
import { Random } from '../random.ts'
import { flowBody } from '../scripted-conntrack.ts'
import { flowWithId } from '../scripted-events.ts'
import { message } from '../scripted-kernel.ts'
import { FLOW_KEYS } from '../../src/events/source.ts'

const HEADERS = { new: { type: 0x0100, flags: 0x600 }, update: { type: 0x0100, flags: 0 }, destroy: { type: 0x0102, flags: 0 } } as const

const event = (type: keyof typeof HEADERS, id: number, more: Record<string, unknown> = {}): Uint8Array =>
  message({ ...HEADERS[type], sequence: 0, body: flowBody(flowWithId(id, more)) })

const push = (queue: EventQueue, bytes: Uint8Array, time = 1n): void => queue.push(bytes, 0, bytes.length, time)

/** What is left in a queue: types with the last byte of the id and of the mark. */
function contents(queue: EventQueue): string[] {
  const all: string[] = []
  while (queue.next()) all.push(queue.mark === 'message' ? eventType(queue.bytes, queue.start) : queue.mark)
  return all
}

t.test('messages come out as they went in, with their times, marks among them', (t) => {
  const queue = new EventQueue(2 ** 20, FLOW_KEYS, undefined)
  const random = new Random(3)
  const expected: string[] = []
  let seen = 0
  for (let i = 0; i < 3000; i++) {
    if (random.oneIn(20)) {
      const mark = random.pick(['overrun', 'listed'] as const)
      queue.pushMark(mark, BigInt(i))
      expected.push(`${i} ${mark}`)
    } else {
      const bytes = new Uint8Array(20 + random.below(300)).map((_, at) => at + i)
      new DataView(bytes.buffer).setUint32(0, bytes.length, true)
      push(queue, bytes, BigInt(i))
      expected.push(`${i} ${Buffer.from(bytes).toString('hex')}`)
    }
    while (random.oneIn(3) && queue.next()) {
      const shown = queue.mark === 'message' ? Buffer.from(queue.bytes.subarray(queue.start, queue.end)).toString('hex') : queue.mark
      if (`${queue.time} ${shown}` !== expected[seen++]) throw new Error(`record ${seen - 1} is another`)
    }
  }
  t.ok(seen > 500)
  while (queue.next()) seen++
  t.equal(seen, 3000)
  t.ok(queue.isEmpty)
  t.ok(queue.bytes.length < 2 ** 22, 'memory is used again')
  t.end()
})

t.test('a full queue blocks, and has room again when something was taken', (t) => {
  const queue = new EventQueue(1000, FLOW_KEYS, undefined)
  let pushed = 0
  while (!queue.isFull()) {
    push(queue, event('new', pushed))
    pushed++
  }
  t.ok(pushed >= 3 && pushed < 10, String(pushed))
  for (let i = 0; i < 3; i++) queue.next()
  t.notOk(queue.isFull())
  t.equal(queue.takeGaveWay(), undefined)
  t.end()
})

t.test('a queue that drops updates keeps all else', (t) => {
  const queue = new EventQueue(2000, FLOW_KEYS, dropUpdates)
  push(queue, event('new', 1))
  for (let i = 0; i < 20; i++) push(queue, event('update', 1, { mark: i }))
  queue.pushMark('overrun', 5n)
  push(queue, event('destroy', 1))
  t.notOk(queue.isFull())
  t.strictSame(queue.takeGaveWay(), { updates: 20, coalesced: 0 })
  t.equal(queue.takeGaveWay(), undefined, 'is told once')
  t.equal(queue.overruns, 1)
  t.strictSame(contents(queue), ['new', 'overrun', 'destroy'])
  t.equal(queue.overruns, 0)
  t.end()
})

t.test('a queue that coalesces makes one event of the updates of an entry', (t) => {
  const records = [
    event('new', 1),
    event('update', 1, { mark: 5 }),
    event('update', 2, { mark: 1, status: ['SEEN_REPLY'] }),
    event('new', 3),
    event('update', 2, { mark: 2 }),
    event('destroy', 1),
    event('new', 1),
    event('update', 1, { mark: 9 }),
  ].map((bytes) => ({ bytes, mark: 0, time: 1n }))
  const { records: left, coalesced } = coalesce(records, FLOW_KEYS)
  t.equal(coalesced, 3)
  t.strictSame(
    left.map(({ bytes }) => eventType(bytes, 0)),
    ['new', 'new', 'update', 'destroy', 'new'],
  )
  const hex = Buffer.from(left[0].bytes).toString('hex')
  t.match(hex, '0800080000000005', 'CTA_MARK 5 in the creation')
  t.end()
})

t.test('what was before a loss stays before it', (t) => {
  const records = [event('update', 1), new Uint8Array(0), event('update', 1)].map((bytes) => ({
    bytes,
    mark: bytes.length > 0 ? 0 : 1,
    time: 1n,
  }))
  t.equal(coalesce(records, FLOW_KEYS).records.length, 3)
  t.end()
})

t.test('entries with the same id and other tuples are not taken for one', (t) => {
  const records = [event('update', 1), message({ ...HEADERS.update, sequence: 0, body: flowBody({ ...flowWithId(2), id: 1 }) })]
  t.equal(
    coalesce(
      records.map((bytes) => ({ bytes, mark: 0, time: 1n })),
      FLOW_KEYS,
    ).records.length,
    2,
  )
  t.end()
})
