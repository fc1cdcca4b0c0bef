import { libc } from '#libc'
import t from 'tap'
import { openConntrack } from '../../src/conntrack.ts'
import { errnoName, NetlinkError } from '../../src/errors.ts'
import type { Watch } from '../../src/events/watch.ts'
import type { Libc } from '../../src/transport/libc.ts'
import { Poller } from '../../src/transport/poller.ts'
import { openSocket } from '../../src/transport/socket.ts'
import { openSubscription } from '../../src/transport/subscription.ts'
import { failingLibc, faultsOf } from '../failing-libc.ts'
import { datagram, stream } from '../protocols.ts'
import { namespace, skipKernel } from '../real-kernel.ts'

const PROTOCOLS = [stream, datagram] as const
const CLONE_NEWNET = 0x40000000
const EAGAIN = 11
/** Waits in vain after which whoever watches gives up. */
const PATIENCE = 20

const flow = (sourcePort: number, mark: number) =>
  ({
    protocol: 'datagram',
    original: { source: '10.0.0.1', destination: '10.0.0.2', sourcePort, destinationPort: 53 },
    timeout: 600,
    mark,
  }) as const

/** What somebody who watches does. None of it walks the table, which takes a long time on a big machine. */
const WORKS: Readonly<Record<string, (watch: Watch<{ readonly type: string }>) => Promise<string[]>>> = {
  async 'until there is an event'(watch) {
    const types: string[] = []
    for await (const { type } of watch) {
      types.push(type)
      if (type === 'new') break
    }
    return types
  },
  async 'to the end of what was received'(watch) {
    const types: string[] = []
    watch.finish()
    for await (const { type } of watch) types.push(type)
    return types
  },
}

t.test(
  'every call of a watch fails in turn with every errno: a typed error, nothing left open, and no end of waiting',
  { skip: skipKernel },
  async (t) => {
    const netns = namespace(t)
    const real = libc()
    const home = real.open(new TextEncoder().encode('/proc/thread-self/ns/net\0'), 0o2000000)
    t.teardown(() => real.close(home))
    using witness = openConntrack({ protocols: PROTOCOLS, netns })
    let port = 1

    /** Watches with a C library of its own, while a flow is made. */
    const perform = async (work: (typeof WORKS)[string], own: Libc): Promise<string> => {
      let patience = PATIENCE
      const watches: Disposable[] = []
      const wait = (descriptors: readonly number[]): Promise<boolean[]> => {
        if (patience-- === 0) for (const one of watches) one[Symbol.dispose]()
        return Promise.resolve(descriptors.map(() => true))
      }
      const poller = new Poller(own, () => ({ wait, close() {} }))
      using ct = openConntrack({
        protocols: PROTOCOLS,
        socket: () => openSocket({ libc: own, netns }),
        subscribe: (options) => openSubscription({ ...options, libc: own, netns, poller }),
      })
      const watch = ct.flows.watch({ events: ['new'], filter: { mark: 7 }, reliable: true, resync: false, receiveBuffer: 1 << 20 })
      watches.push(watch)
      witness.flows.create(flow(port++, 7))
      return (await work(watch)).join()
    }

    for (const [title, work] of Object.entries(WORKS)) {
      const counted = failingLibc(real)
      t.equal(await perform(work, counted.libc), 'new', title)
      t.equal(counted.descriptors.size, 0, `${title}: nothing is left open where all goes well`)
      const calls = [...counted.calls]
      const codes = new Set<string>()
      const wrong: string[] = []
      const faults = faultsOf(calls)
      for (const fault of faults) {
        const { libc: own, descriptors } = failingLibc(real, fault)
        const found = await perform(work, own).catch((error: unknown) => error)
        if (real.setns(home, CLONE_NEWNET) !== 0) throw new Error('this thread is lost')
        const { at, errno, once } = fault
        const call = calls[at]
        const what = `${call}, call ${at}, ${errnoName(errno)}${once ? ' once' : ''}: ${String(found)}`
        if (found instanceof NetlinkError) codes.add(found.code)
        else if (found instanceof Error) wrong.push(what)
        // Where nothing is there to be received, there is nothing to tell; and a loss is told too.
        else if (!(call === 'recvmmsg' && errno === EAGAIN && found === '') && !/^(overrun,)*(new)?(,overrun)*$/.test(String(found)))
          wrong.push(what)
        else if (found === '' && call !== 'recvmmsg') wrong.push(what)
        // Those that did not get as far as to be closed.
        await Promise.resolve()
        if (descriptors.size > 0) wrong.push(`${what}, open: ${[...descriptors].join()}`)
      }
      t.same(wrong, [], `${title}: ${faults.length} faults of ${calls.length} calls`)
      t.ok(codes.size > 10, `${title}: ${[...codes].sort().join()}`)
    }
  },
)
