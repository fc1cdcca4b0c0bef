import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { libc } from '#libc'
import { openConntrack } from '../../src/conntrack.ts'
import { openDescriptor } from '../../src/transport/socket.ts'
import { type Thread, threads } from '../../src/transport/thread.ts'
import { datagram } from '../protocols.ts'
import { namespace, skipKernel as skip } from '../real-kernel.ts'

const EAGAIN = 11
const EBADF = 9

/** Enough flows for a dump of more datagrams than are received before a thread is asked for. */
const FLOWS = 100_000

const flow = (i: number) => {
  const original = { source: `10.0.0.${i % 200}`, destination: '10.0.1.1', sourcePort: 1 + Math.floor(i / 200), destinationPort: 53 }
  return { protocol: 'datagram', original, timeout: 600, mark: i } as const
}

function* flows(): Generator<ReturnType<typeof flow>> {
  for (let i = 0; i < FLOWS; i++) yield flow(i)
}

/** A thread that has started. */
async function ready(): Promise<Thread> {
  const thread = threads.borrow()
  if (thread === undefined) throw new Error('there is no thread')
  while (!thread.isReady) await setTimeout(1)
  return thread
}

/** Makes sure that whoever wants a thread has one at once: two are idle. */
async function readyThreads(): Promise<void> {
  for (const thread of [await ready(), await ready()]) threads.giveBack(thread)
}

t.test('a long dump is received ahead, and has every flow once', { skip }, async (t) => {
  await readyThreads()
  using ct = openConntrack({ protocols: [datagram], netns: namespace(t) })
  t.match(ct.flows.createAll(flows()), { created: FLOWS })
  t.equal(threads.idle, 2)
  const marks = new Set<unknown>()
  let seen = 0
  let helping = 0
  for (const { mark } of ct.flows.list()) {
    marks.add(mark)
    if (++seen === FLOWS - 5000) helping = 2 - threads.idle
  }
  t.strictSame([seen, marks.size, helping], [FLOWS, FLOWS, 1], 'with the help of one thread')
  t.equal(threads.idle, 2, 'which is free afterwards')

  seen = 0
  for (const _ of ct.flows.list()) if (++seen === FLOWS - 5000) break
  t.equal(threads.idle, 2, 'and when the list is left early')
  t.equal(ct.flows.count(), FLOWS, 'after which other questions are answered')
  t.equal([...ct.flows.list()].length, FLOWS)

  const deleted: unknown[] = []
  const outcome = ct.flows.deleteAll({}, { onEntry: (entry) => deleted.push(entry.decode().mark) })
  t.match(outcome, { matched: FLOWS, deleted: FLOWS, gone: 0, refused: {} }, 'one thread lists while another deletes')
  t.equal(new Set(deleted).size, FLOWS)
  t.equal(ct.flows.count(), 0)
  t.end()
})

t.test('flows are made while more are given, and each refusal is told by its flow', { skip }, async (t) => {
  await readyThreads()
  using ct = openConntrack({ protocols: [datagram], netns: namespace(t) })
  for (let i = 0; i < FLOWS; i += 1000) ct.flows.create(flow(i))
  const refused: unknown[] = []
  let settled = 0
  const outcome = ct.flows.createAll(flows(), {
    onRefusal: ({ index, entry }) => refused.push([index, entry.mark]),
    onProgress: (progress) => (settled = progress.settled),
  })
  t.match(outcome, { given: FLOWS, created: FLOWS - 100, refused: { EEXIST: 100 } })
  t.strictSame(
    refused,
    Array.from({ length: 100 }, (_, i) => [i * 1000, i * 1000]),
  )
  t.equal(settled, FLOWS)
  t.equal(ct.flows.count(), FLOWS)
  t.end()
})

t.test('when those who give flows fail, what was sent is told of, and it is all that was done', { skip }, async (t) => {
  await readyThreads()
  using ct = openConntrack({ protocols: [datagram], netns: namespace(t) })
  let told = { settled: 0, done: 0 }
  function* failing(): Generator<ReturnType<typeof flow>> {
    for (const one of flows()) {
      if (one.mark === FLOWS - 100) throw new Error('no more')
      yield one
    }
  }
  t.throws(() => ct.flows.createAll(failing(), { onProgress: (progress) => (told = { ...progress }) }), /no more/)
  t.equal(ct.flows.count(), told.done)
  t.ok(told.done > FLOWS / 2 && told.settled === told.done)
  t.end()
})

t.test('an error is what a call on this thread would have', { skip }, async (t) => {
  const thread = await ready()
  const into = new Uint8Array(65536)
  const sender = new Uint8Array(12)
  thread.receive(-1)
  t.equal(thread.take(into, sender), -EBADF)
  thread.send(-1, new Uint8Array(20))
  t.equal(thread.sent(), -EBADF)
  const { fd } = openDescriptor(libc(), {})
  thread.receive(fd)
  t.equal(thread.take(into, sender), -EAGAIN, 'nothing is in the queue')
  t.equal(thread.isReady, true)
  libc().close(fd)
  threads.giveBack(thread)
  t.end()
})

t.test('it is stopped whatever it does', { skip }, async (t) => {
  const thread = await ready()
  const netns = namespace(t)
  using ct = openConntrack({ protocols: [datagram], netns })
  const { fd } = openDescriptor(libc(), { netns, groups: [1] }) // NFNLGRP_CONNTRACK_NEW
  const into = new Uint8Array(65536)
  const sender = new Uint8Array(12).fill(1)
  for (const taken of [0, 1, 3]) {
    // More events than there are slots.
    for (let i = 0; i < 12; i++) ct.flows.create(flow(taken * 100 + i))
    thread.receive(fd)
    for (let i = 0; i < taken; i++) {
      const length = thread.take(into, sender)
      t.equal(new DataView(into.buffer).getUint32(0, true), length, 'a message in each datagram')
      t.strictSame([...sender.subarray(4, 8)], [0, 0, 0, 0], 'from the kernel')
    }
    thread.stop()
    t.equal(thread.isReady, true)
    while (libc().recvfrom(fd, into, 0x40, sender) >= 0); // MSG_DONTWAIT
  }
  libc().close(fd)
  threads.giveBack(thread)
  t.end()
})
