import { libc } from '#libc'
import t from 'tap'
import type { BackgroundPoll, OpenPoll } from '../../src/transport/poll.ts'
import { Poller } from '../../src/transport/poller.ts'

const c = libc()
const ONE = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)

/** A descriptor that can be read when it was written to. */
const descriptor = (): number => c.eventfd(0)

t.test('readable() waits for each descriptor by itself', async (t) => {
  const poller = new Poller(c)
  poller.use()
  const [one, other] = [descriptor(), descriptor()]
  const order: string[] = []
  const first = poller.readable(one).then(() => order.push('one'))
  const second = poller.readable(other).then(() => order.push('other'))
  c.write(other, ONE)
  await second
  t.strictSame(order, ['other'])
  c.write(one, ONE)
  await first
  t.strictSame(order, ['other', 'one'])
  poller.release()
  for (const fd of [one, other]) c.close(fd)
})

t.test('what can be read already is told at once, and again', async (t) => {
  const poller = new Poller(c)
  poller.use()
  const fd = descriptor()
  c.write(fd, ONE)
  for (let i = 0; i < 50; i++) await poller.readable(fd)
  t.pass('50 times')
  poller.release()
  c.close(fd)
})

t.test('forget() ends a wait', async (t) => {
  const poller = new Poller(c)
  poller.use()
  const fd = descriptor()
  const waiting = poller.readable(fd)
  poller.forget(fd)
  await waiting
  poller.forget(fd)
  t.pass('and a second time it does nothing')
  poller.release()
  c.close(fd)
})

t.test('there is one wait at a time, and nothing is left after the last use', async (t) => {
  let [open, waiting] = [0, 0]
  const { openPoll } = await import('#poll')
  const counted: OpenPoll = (wake) => {
    const poll: BackgroundPoll = openPoll(wake)
    open++
    return {
      async wait(descriptors) {
        if (++waiting > 1) throw new Error('two waits at once')
        const ready = await poll.wait(descriptors)
        waiting--
        return ready
      },
      close() {
        open--
        poll.close()
      },
    }
  }
  const poller = new Poller(c, counted)
  for (let round = 0; round < 3; round++) {
    poller.use()
    poller.use()
    const fds = [descriptor(), descriptor(), descriptor()]
    const all = fds.map((fd) => poller.readable(fd))
    t.equal(open, 1)
    for (const fd of fds) c.write(fd, ONE)
    await Promise.all(all)
    poller.release()
    t.equal(open, 1, 'somebody uses it still')
    poller.release()
    for (const fd of fds) c.close(fd)
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
  t.equal(waiting, 0)
  t.equal(open, 0)
})

t.test('a thread that cannot be had is an error of the wait', async (t) => {
  const poller = new Poller(c, () => {
    throw new Error('no threads today')
  })
  poller.use()
  await t.rejects(poller.readable(0), /no threads today/)
  poller.release()
})
