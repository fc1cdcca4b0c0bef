import t from 'tap'
import { flow, tuple } from '../sample-flows.ts'
import { openConntrack } from '../../src/conntrack.ts'
import { Queue } from '../../src/commands/many.ts'
import { datagram } from '../protocols.ts'
import { namespace, skipKernel as skip } from '../real-kernel.ts'
import { scriptedConntrack, sent } from '../scripted-conntrack.ts'
import { ack, error, type ScriptedRequest } from '../scripted-kernel.ts'

const NEW = 0x0100
const GET = 0x0101

/** Says no to the flows of some ports. */
const refusing =
  (errnoOf: (port: number) => number) =>
  (request: ScriptedRequest): Uint8Array[] | undefined => {
    if (request.type === GET) return undefined
    const errno = errnoOf((sent(request).original as { sourcePort: number }).sourcePort)
    return [errno === 0 ? ack(request.sequence) : error(request.sequence, errno)]
  }

const ports = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)
const given = (port: number) => ({ protocol: 'stream', original: tuple(port), timeout: 60 }) as const

t.test('createAll() sums refusals by code, and names the first few with the flow that was given', (t) => {
  const { flows } = scriptedConntrack(
    [],
    refusing((port) => (port % 2 === 0 ? 17 : port === 5 ? 28 : 0)),
  )
  const all = ports(40).map(given)
  const { refusals, ...sum } = flows.createAll(all)
  t.strictSame(sum, { given: 40, created: 19, gone: 0, refused: { EEXIST: 20, ENOSPC: 1 } })
  t.strictSame(
    refusals.map(({ index, error: { code }, entry }) => [index, code, entry]),
    [1, 3, 4, 5, 7, 9, 11, 13, 15, 17].map((index) => [index, index === 4 ? 'ENOSPC' : 'EEXIST', all[index]]),
  )
  t.end()
})

t.test('ENOENT for a flow that is made is a refusal: it was not listed', (t) => {
  const { flows } = scriptedConntrack(
    [],
    refusing(() => 2),
  )
  t.match(flows.createAll([given(1)]), { created: 0, gone: 0, refused: { ENOENT: 1 } })
  t.end()
})

t.test('createAll() takes flows as it sends them, and tells how far it is', (t) => {
  let taken = 0
  let ahead = 0
  const { flows } = scriptedConntrack([])
  function* endless() {
    for (const port of ports(5000)) {
      taken++
      yield given(port)
    }
  }
  const steps: number[] = []
  const result = flows.createAll(endless(), {
    onProgress({ settled, done }) {
      steps.push(done)
      ahead = Math.max(ahead, taken - settled)
    },
  })
  t.match(result, { given: 5000, created: 5000 })
  t.strictSame(steps, [1024, 2048, 3072, 4096, 5000])
  t.ok(ahead < 1000, 'not all at once')
  t.end()
})

t.test('a flow that cannot be ends createAll(), and is named; those before it are made', (t) => {
  const { flows, asked } = scriptedConntrack([])
  t.throws(
    () => flows.createAll([given(1), given(2), { protocol: 'stream', original: tuple(3) }, given(4)]),
    new RangeError('flow 2: timeout: the seconds that a new flow lives are missing'),
  )
  t.equal(asked.length, 2)
  t.end()
})

t.test('deleteAll() and updateAll() go on behind a refusal, and know who has gone meanwhile', (t) => {
  const listed = ports(6).map((port) => flow(port))
  const answer = refusing((port) => (port === 2 ? 2 : port === 4 ? 16 : 0))
  const { flows } = scriptedConntrack(listed, answer)
  const deleted: number[] = []
  const onEntry = (entry: { decode(): Record<string, unknown> }): void => {
    deleted.push((entry.decode().original as { sourcePort: number }).sourcePort)
  }
  const expected = { matched: 6, gone: 1, refused: { EBUSY: 1 }, refusals: [{ index: 3, error: { code: 'EBUSY' }, entry: listed[3] }] }
  t.match(flows.deleteAll({}, { onEntry }), { ...expected, deleted: 4 })
  t.strictSame(deleted, [1, 3, 5, 6])
  t.match(flows.updateAll({}, { mark: 5 }), { ...expected, updated: 4 })
  t.end()
})

t.test('updateAll() counts the same with and without onEntry', (t) => {
  const { flows, asked } = scriptedConntrack(
    ports(3).map((port) => flow(port)),
    (request) => (request.type === NEW ? refusing((port) => (port === 2 ? 16 : 0))(request) : undefined),
  )
  const plain = flows.updateAll({}, { mark: 5 })
  asked.length = 0
  const shown = flows.updateAll({}, { mark: 5 }, { onEntry: () => {} })
  t.match(shown, { matched: 3, updated: 2, refused: { EBUSY: 1 }, refusals: [{ index: 1 }] })
  t.match(plain, { matched: 3, updated: 2, refused: { EBUSY: 1 }, refusals: [{ index: 1 }] })
  t.end()
})

t.test('a queue gives back what was put in, however much waits', (t) => {
  const queue = new Queue()
  const message = (i: number) => ({ bytes: new Uint8Array(50000).fill(i), at: 20, end: 50000, type: 1, flags: 2, family: 3, portId: i })
  for (const round of [1, 2]) {
    for (let i = 0; i < 10; i++) queue.push(message(i))
    for (let i = 0; i < 10; i++) {
      const { bytes, at, end, portId } = queue.shift()
      t.strictSame([portId, end - at, new Set(bytes.subarray(at, end))], [i, 49980, new Set([i])], `round ${round}`)
    }
  }
  t.end()
})

t.test('the kernel takes thousands at a time, and tells which it did not', { skip }, (t) => {
  using ct = openConntrack({ protocols: [datagram], netns: namespace(t) })
  const { flows } = ct
  const all = ports(3000).map((port) => ({ protocol: 'datagram', original: tuple(port), timeout: 600, mark: port % 3 }) as const)
  t.match(flows.createAll(all), { given: 3000, created: 3000, refused: {}, refusals: [] })
  const again = flows.createAll([...all.slice(0, 20), { ...all[0], original: tuple(3001) }])
  t.match(again, { given: 21, created: 1, refused: { EEXIST: 20 } })
  t.strictSame(
    again.refusals.map(({ index }) => index),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  )
  t.match(flows.createAll(all, { existing: 'update' }), { created: 3000, refused: {} })
  let seen = 0
  t.match(flows.updateAll({ mark: 1 }, { mark: 7 }, { onEntry: (entry) => (seen += entry.decode().mark === 7 ? 1 : 0) }), {
    matched: 1001,
    updated: 1001,
  })
  t.equal(seen, 1001)
  t.match(flows.deleteAll({ mark: 7 }), { matched: 1001, deleted: 1001, gone: 0 })
  t.equal(flows.count(), 2000)
  // A list that is being read, and batches meanwhile.
  let listed = 0
  for (const _ of flows.list())
    if (listed++ % 500 === 0) flows.deleteAll({ protocol: 'datagram', mark: 2, original: { sourcePort: 2 + 3 * Math.floor(listed / 500) } })
  t.ok(listed >= 1990 && listed <= 2000)
  t.equal(flows.count(), 1996)
  t.end()
})
