import t from 'tap'
import { NetlinkError } from '../../src/errors.ts'
import { Batch } from '../../src/transport/batch.ts'
import { Connection } from '../../src/transport/connection.ts'
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_REQUEST } from '../../src/transport/message.ts'
import { type BatchObserver, type Request, requests } from '../../src/transport/request.ts'
import { ack, type Datagrams, done, error, message, type ScriptedKernel, type ScriptedRequest, scriptedKernel } from '../scripted-kernel.ts'

const NEW = 0x0100
const GET = 0x0101
const create: Request = { command: 'IPCTNL_MSG_CT_NEW', type: NEW, flags: NLM_F_CREATE, family: 2, body: new Uint8Array(80) }
const list: Request = { command: 'IPCTNL_MSG_CT_GET', type: GET, flags: NLM_F_DUMP, family: 0 }

/** A kernel, its requests by datagram, and what a batch of `count` requests tells. */
function send(
  count: number,
  answer: (request: ScriptedRequest, position: number) => Datagrams,
  { buffers, reply }: { buffers?: { send: number; receive: number } } & Pick<BatchObserver, 'reply'> = {},
): { settled: [number, string | undefined][]; asked: ScriptedRequest[]; sizes: number[]; kernel: ScriptedKernel } {
  const asked: ScriptedRequest[] = []
  const settled: [number, string | undefined][] = []
  const kernel = scriptedKernel((request) => {
    asked.push(request)
    return answer(request, asked.length - 1)
  }, buffers)
  const batch = requests(kernel).batch({ settled: (index, failure) => settled.push([index, failure?.code]), reply })
  for (let i = 0; i < count; i++) batch.add(create)
  batch.end()
  const ends = asked.flatMap(({ flags }, i) => (flags & NLM_F_ACK ? [i + 1] : []))
  return { settled, asked, sizes: ends.map((end, i) => end - (ends[i - 1] ?? 0)), kernel }
}

const yes = ({ sequence }: ScriptedRequest): Datagrams => [ack(sequence)]

t.test('a batch asks for one acknowledgement a datagram, from its last request', (t) => {
  const { settled, asked, sizes } = send(3, yes)
  t.strictSame(sizes, [3])
  t.strictSame(
    asked.map(({ flags, sequence }) => [flags, sequence]),
    [
      [NLM_F_REQUEST | NLM_F_CREATE, 1],
      [NLM_F_REQUEST | NLM_F_CREATE, 2],
      [NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK, 3],
    ],
  )
  t.strictSame(settled, [
    [0, undefined],
    [1, undefined],
    [2, undefined],
  ])
  t.end()
})

t.test('an empty batch asks nothing', (t) => {
  t.strictSame(send(0, yes).asked, [])
  t.end()
})

t.test('an error is told by its sequence number, the last request of a datagram included', (t) => {
  const { settled } = send(5, ({ sequence }, i) => [i % 2 === 0 ? error(sequence, 17) : ack(sequence)])
  t.strictSame(settled, [
    [0, 'EEXIST'],
    [1, undefined],
    [2, 'EEXIST'],
    [3, undefined],
    [4, 'EEXIST'],
  ])
  t.end()
})

t.test('a datagram is as long as the buffers of the socket bear it', (t) => {
  const bySend = send(10, yes, { buffers: { send: 332, receive: 212992 } })
  t.strictSame(bySend.sizes, [3, 3, 3, 1], '300 bytes hold three requests of 100')
  t.strictSame(
    bySend.settled,
    Array.from({ length: 10 }, (_, i) => [i, undefined]),
  )
  const byAnswers = send(10, yes, { buffers: { send: 212992, receive: 5120 } })
  t.strictSame(byAnswers.sizes, [4, 4, 2], 'an error takes 1280 bytes of what may wait')
  const byReplies = send(3, yes, { buffers: { send: 212992, receive: 16384 }, reply: () => {} })
  t.strictSame(byReplies.sizes, [2, 1], 'another answer takes 8192')
  t.strictSame(send(3, yes, { buffers: { send: 332, receive: 1 } }).sizes, [1, 1, 1], 'one at least')
  const usual = send(5000, yes).sizes
  t.ok(usual[0] > 100 && usual[0] < 212992 / 1280, 'and with the usual ones hundreds')
  t.end()
})

t.test('a request that is longer than the rest together is sent by itself', (t) => {
  const sizes: number[] = []
  const kernel = scriptedKernel(
    ({ bytes, sequence }) => {
      sizes.push(bytes.length)
      return [ack(sequence)]
    },
    { send: 400000, receive: 212992 },
  )
  const batch = requests(kernel).batch({ settled: () => {} })
  for (const length of [80, 200000, 80]) batch.add({ ...create, body: new Uint8Array(length) })
  batch.end()
  t.strictSame(sizes, [100, 200020, 100])
  t.end()
})

t.test('answers come before their request is settled, and after those before it', (t) => {
  const told: string[] = []
  const kernel = scriptedKernel(({ sequence, type }) =>
    type === GET ? [message({ type: NEW, sequence, flags: 0, body: new Uint8Array(8) }), ack(sequence)] : [ack(sequence)],
  )
  const batch = requests(kernel).batch({
    settled: (index) => told.push(`settled ${index}`),
    reply: (index, { at, end, type, family }) => told.push(`reply ${index}: ${end - at} bytes, ${type}, ${family}`),
  })
  for (const request of [create, { ...list, flags: 0 }, create]) batch.add(request)
  batch.end()
  t.strictSame(told, ['settled 0', 'reply 1: 8 bytes, 256, 2', 'settled 1', 'settled 2'])
  t.end()
})

t.test('who may not change tables is told once for a datagram, by its first request', (t) => {
  const settled: number[] = []
  const kernel = scriptedKernel(({ sequence }) => (sequence === 1 ? [error(sequence, 1)] : []))
  const batch = requests(kernel).batch({ settled: (index) => settled.push(index) })
  batch.add(create)
  batch.add(create)
  t.throws(() => batch.end(), new NetlinkError('IPCTNL_MSG_CT_NEW', 1))
  t.strictSame(settled, [])
  t.equal(kernel.sockets[0].closed, true)
  t.throws(() => batch.add(create), /over/)
  t.end()
})

t.test('where answers were lost a batch ends, since nobody knows what became of its requests', (t) => {
  const kernel = scriptedKernel(({ flags }) => (flags & NLM_F_ACK ? [new NetlinkError('recvfrom', 105)] : []))
  const batch = requests(kernel).batch({ settled: () => t.fail('settled') })
  batch.add(create)
  batch.add(create)
  t.throws(() => batch.end(), { code: 'ENOBUFS' })
  t.equal(kernel.sockets[0].closed, true)
  t.end()
})

t.test('what a callback throws ends a batch', (t) => {
  const kernel = scriptedKernel(yes)
  const batch = requests(kernel).batch({
    settled() {
      throw new Error('enough')
    },
  })
  batch.add(create)
  t.throws(() => batch.end(), /enough/)
  t.equal(kernel.sockets[0].closed, true)
  t.end()
})

t.test('a batch that was closed sends nothing more', (t) => {
  const asked: number[] = []
  const kernel = scriptedKernel(({ sequence }) => {
    asked.push(sequence)
    return [ack(sequence)]
  })
  const batch = requests(kernel).batch({ settled: () => t.fail('settled') })
  batch.add(create)
  batch.close()
  batch.end()
  t.strictSame(asked, [])
  t.end()
})

t.test('sequence numbers do not begin anew within a datagram', (t) => {
  const seen: number[] = []
  const connection = new Connection(
    scriptedKernel(({ sequence }) => {
      seen.push(sequence)
      return [sequence === 2 ? error(sequence, 17) : ack(sequence)]
    })(),
  )
  connection.sequence = 0xfffffffe
  const settled: (string | undefined)[] = []
  const batch = new Batch(connection, { settled: (_, failure) => settled.push(failure?.code) }, () => {})
  for (let i = 0; i < 3; i++) batch.add(create)
  batch.end()
  t.strictSame(
    [seen, settled],
    [
      [1, 2, 3],
      [undefined, 'EEXIST', undefined],
    ],
  )
  t.end()
})

t.test('a list is read while a batch is sent, each over a socket of its own', (t) => {
  const sockets = new Map<number, number[]>()
  const kernel = scriptedKernel((request) => {
    const { socket, type, sequence } = request
    sockets.set(socket, [...(sockets.get(socket) ?? []), type])
    if (type !== GET) return [ack(sequence)]
    return [
      ...Array.from({ length: 5 }, (_, i) => message({ type: NEW, sequence, body: Uint8Array.of(8, 0, 8, 0, 0, 0, 0, i) })),
      done(sequence),
    ]
  })
  const conversations = requests(kernel)
  const replies = conversations.ask(list)
  const batch = conversations.batch({ settled: () => {} })
  const marks: number[] = []
  while (replies.next()) {
    marks.push(replies.bytes[replies.at + 7])
    for (let i = 0; i < 1000; i++) batch.add(create)
  }
  batch.end()
  t.strictSame(marks, [0, 1, 2, 3, 4])
  t.strictSame([sockets.get(0), new Set(sockets.get(1)), sockets.get(1)?.length], [[GET], new Set([NEW]), 5000])
  t.end()
})

t.test('a datagram waits until those before are settled, where the answers to both find no room', (t) => {
  const told: string[] = []
  const kernel = scriptedKernel(yes, { send: 332, receive: 5120 })
  const opened = requests(() => {
    const socket = kernel()
    const send = (bytes: Uint8Array): true => {
      told.push('begun')
      socket.send(bytes.slice())
      return true
    }
    return Object.assign(socket, { sendAside: send, sent() {} })
  })
  const batch = opened.batch({ settled: (index) => told.push(`settled ${index}`) })
  for (let i = 0; i < 66 * 3; i++) batch.add(create)
  batch.end()
  t.strictSame(told.slice(192), [
    'begun',
    ...[192, 193, 194].map((i) => `settled ${i}`),
    'begun',
    ...[195, 196, 197].map((i) => `settled ${i}`),
  ])
  t.end()
})

t.test('a long batch is sent aside, and settled when the next datagram is full', (t) => {
  const told: string[] = []
  const kernel = scriptedKernel(yes, { send: 332, receive: 212992 })
  const opened = requests(() => {
    const socket = kernel()
    let begun: Uint8Array | undefined
    return Object.assign(socket, {
      sendAside(bytes: Uint8Array) {
        told.push('begun')
        begun = bytes.slice()
        return true
      },
      sent() {
        if (begun !== undefined) socket.send(begun)
        begun = undefined
      },
    })
  })
  const batch = opened.batch({ settled: (index) => told.push(`settled ${index}`) })
  const add = (count: number): void => {
    for (let i = 0; i < count; i++) batch.add(create)
  }
  add(64 * 3 + 1)
  t.equal(told.length, 192, 'the first datagrams are settled one by one')
  told.length = 0
  add(3)
  t.strictSame(told, ['begun'])
  add(3)
  t.strictSame(told, ['begun', 'begun', 'settled 192', 'settled 193', 'settled 194'], 'while the next is sent')
  told.length = 0
  batch.close()
  t.strictSame(told, ['settled 195', 'settled 196', 'settled 197'], 'what was sent is settled at the end, and nothing else is sent')
  t.end()
})
