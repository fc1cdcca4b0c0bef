import { libc } from '#libc'
import t from 'tap'
import { type Conntrack, openConntrack } from '../../src/conntrack.ts'
import { errnoName, NetlinkError } from '../../src/errors.ts'
import type { Libc } from '../../src/transport/libc.ts'
import { openSocket } from '../../src/transport/socket.ts'
import { failingLibc, faultsOf } from '../failing-libc.ts'
import { datagram, stream } from '../protocols.ts'
import { namespace, skipKernel } from '../real-kernel.ts'

const PROTOCOLS = [stream, datagram] as const
const CLONE_NEWNET = 0x40000000
const ENOENT = 2

const flow = (sourcePort: number) =>
  ({
    protocol: 'datagram',
    original: { source: '10.0.0.1', destination: '10.0.0.2', sourcePort, destinationPort: 53 },
    timeout: 600,
  }) as const

type Ct = Conntrack<(typeof PROTOCOLS)[number]>

/** What the SDK does, of which each call may fail. None of it walks the table, which takes a long time on a big machine. */
const WORKS: Readonly<Record<string, (ct: Ct) => unknown>> = {
  'counting and asking': ({ flows }) => [flows.count() > 0, flows.get(flow(1))?.family, flows.get(flow(9))],
  'making and asking': ({ flows }) => [flows.create(flow(2), { existing: 'update' }), flows.get(flow(2))?.family],
  'making many': ({ flows }) => flows.createAll([3, 4, 5].map(flow), { existing: 'update' }).created,
  'listing and deleting': ({ expectations }) => [[...expectations.list()], expectations.delete({})],
  'a list that is left': ({ expectations }) => {
    for (const one of expectations.list()) return one
    return undefined
  },
}

t.test('every call fails in turn with every errno: a typed error, nothing left open, and no end of waiting', { skip: skipKernel }, (t) => {
  const netns = namespace(t)
  const real = libc()
  const home = real.open(new TextEncoder().encode('/proc/thread-self/ns/net\0'), 0o2000000)
  t.teardown(() => real.close(home))
  using witness = openConntrack({ protocols: PROTOCOLS, netns })
  witness.flows.create(flow(1))

  const perform = (work: (ct: Ct) => unknown, own: Libc): unknown => {
    using ct = openConntrack({ protocols: PROTOCOLS, socket: () => openSocket({ libc: own, netns, receiveBuffer: 1 << 20 }) })
    return work(ct)
  }

  for (const [title, work] of Object.entries(WORKS)) {
    const counted = failingLibc(real)
    const right = JSON.stringify(perform(work, counted.libc))
    t.equal(counted.descriptors.size, 0, `${title}: nothing is left open where all goes well`)
    const codes = new Set<string>()
    const wrong: string[] = []
    const faults = faultsOf(counted.calls)
    for (const fault of faults) {
      const { libc: own, descriptors } = failingLibc(real, fault)
      const found = outcome(() => perform(work, own))
      if (real.setns(home, CLONE_NEWNET) !== 0) throw new Error('this thread is lost')
      const { at, errno, once } = fault
      const what = `${counted.calls[at]}, call ${at}, ${errnoName(errno)}${once ? ' once' : ''}: ${String(found)}`
      if (found instanceof NetlinkError) codes.add(found.code)
      else if (found instanceof Error) wrong.push(what)
      // A flow that there is not is undefined, and so is one whose answer was ENOENT.
      else if (JSON.stringify(found) !== right && errno !== ENOENT) wrong.push(what)
      if (descriptors.size > 0) wrong.push(`${what}, open: ${[...descriptors].join()}`)
    }
    t.same(wrong, [], `${title}: ${faults.length} faults of ${counted.calls.length} calls`)
    t.ok(codes.size > 10, `${title}: ${[...codes].sort().join()}`)
  }
  t.equal(witness.flows.count() >= 1, true, 'the table is there all the same')
  t.end()
})

function outcome(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

t.test('when there are no descriptors left, that is said, and those that come free are used', { skip: skipKernel }, (t) => {
  const netns = namespace(t)
  const { libc: real, descriptors } = failingLibc(libc())
  let left = 5
  const sparing: Libc = {
    ...real,
    open: (path, flags) => (left > 0 ? taken(real.open(path, flags)) : -24),
    socket: (domain, type, protocol) => (left > 0 ? taken(real.socket(domain, type, protocol)) : -24),
    close: (fd) => {
      left++
      return real.close(fd)
    },
  }
  const taken = (fd: number): number => {
    if (fd >= 0) left--
    return fd
  }
  using ct = openConntrack({ protocols: PROTOCOLS, socket: () => openSocket({ libc: sparing, netns }) })
  for (const port of [1, 2, 3]) ct.flows.create(flow(port))
  const readers = [...'abcdef'].map(() => ct.flows.list()[Symbol.iterator]())
  const found = readers.map((reader) => outcome(() => reader.next()))
  const refused = found.filter((one): one is NetlinkError => one instanceof NetlinkError)
  t.ok(refused.length >= 1 && refused.length < 6, `${refused.length} of 6 lists at once`)
  for (const { code, command } of refused) t.match({ code, command }, { code: 'EMFILE', command: /^(open|socket)$/ })
  for (const reader of readers) reader.return()
  t.equal([...ct.flows.list()].length, 3)
  ct.close()
  t.equal(descriptors.size, 0)
  t.end()
})
