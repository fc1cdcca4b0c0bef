import t, { type Test } from 'tap'
import { type Conntrack, openConntrack } from '../../src/conntrack.ts'
import { createKernel, type TestingKernel } from '../../src/testing/index.ts'
import type { NetlinkSocket } from '../../src/transport/socket.ts'
import { concat } from '../bytes.ts'
import { datagram, stream } from '../protocols.ts'
import { namespace, skipKernel } from '../real-kernel.ts'

const PROTOCOLS = [stream, datagram] as const
type Kernel = TestingKernel<(typeof PROTOCOLS)[number]>
type Program = Conntrack<(typeof PROTOCOLS)[number]>

const CTA_STATUS = 3
const CTA_MARK = 8
const CTA_FILTER = 25
const DELETE = 0x0102

/** What is told a kernel, as one hears it that does not know some of the attributes. */
function deaf(unknown: readonly number[], socket: NetlinkSocket): NetlinkSocket {
  return {
    portId: socket.portId,
    send: (bytes) => socket.send(concat(...split(bytes).map((message) => without(message, unknown)))),
    receive: (into) => socket.receive(into),
    buffers: () => socket.buffers(),
    close: () => socket.close(),
    [Symbol.dispose]: () => socket.close(),
  }
}

/** The parts of a buffer that each begin with their length, of so many bytes. */
function split(bytes: Uint8Array, lengthOf = (view: DataView, at: number) => view.getUint32(at, true)): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += (lengthOf(view, at) + 3) & ~3) parts.push(bytes.slice(at, at + ((lengthOf(view, at) + 3) & ~3)))
  return parts
}

function without(message: Uint8Array, unknown: readonly number[]): Uint8Array {
  if ((message[4] | (message[5] << 8)) !== DELETE) return message
  const attributes = split(message.subarray(20), (view, at) => view.getUint16(at, true))
  const known = concat(message.subarray(0, 20), ...attributes.filter((one) => !unknown.includes((one[2] | (one[3] << 8)) & 0x3fff)))
  new DataView(known.buffer).setUint32(0, known.length, true)
  return known
}

/** A program on a kernel in memory that takes no notice of some attributes in a delete. */
function start(...unknown: readonly number[]): { kernel: Kernel; ct: Program } {
  const kernel = createKernel({ protocols: PROTOCOLS })
  const ct = openConntrack({ protocols: PROTOCOLS, socket: () => deaf(unknown, kernel.socket()) })
  return { kernel, ct }
}

const V4 = { source: '10.0.0.1', destination: '10.0.0.2', destinationPort: 443 }
const V6 = { source: 'fd00::1', destination: 'fd00::2', destinationPort: 443 }

/** Makes flows of both protocols and families, half of them with a reply, marked 0 to 2. */
function fill({ flows }: Program): void {
  for (let i = 0; i < 24; i++) {
    const original = { ...(i % 4 < 2 ? V4 : V6), sourcePort: 1 + i }
    const status = i % 8 < 4 ? (['SEEN_REPLY'] as const) : []
    flows.create({
      protocol: i % 2 === 0 ? 'stream' : 'datagram',
      original,
      timeout: 600,
      mark: i % 3,
      status,
      zone: i === 20 ? 9 : undefined,
    })
  }
}

const FILTERS = [
  { mark: 1 },
  { mark: { value: 0, mask: 1 } },
  { family: 'ipv6' },
  { family: 'ipv4', mark: 2 },
  { status: { all: ['SEEN_REPLY'], none: ['ASSURED'] } },
  { status: { none: ['SEEN_REPLY'] }, protocol: 'stream' },
  { original: { source: '10.0.0.1' }, protocol: 'datagram' },
  { original: { source: 'fd00::1' } },
  { protocol: 'stream', original: { source: '10.0.0.1', sourcePort: 5 } },
  { protocol: 'stream', family: 'ipv6', original: { sourcePort: 3 } },
  { zone: 9 },
  { timeout: { from: 0, to: 1000 }, mark: 0 },
  { mark: 77 },
] as const

/** Flushes by each filter, and looks whether what is gone is what a list with the filter showed. */
function flushesRight(t: Test, open: () => Program, filters: readonly (typeof FILTERS)[number][] = FILTERS): void {
  for (const filter of filters) {
    const ct = open()
    fill(ct)
    const ids = (): (number | undefined)[] => [...ct.flows.list()].map(({ id }) => id)
    const meant = [...ct.flows.list(filter)].map(({ id }) => id)
    const before = ids()
    ct.flows.flush(filter)
    t.strictSame(
      ids(),
      before.filter((id) => !meant.includes(id)),
      JSON.stringify(filter),
    )
    ct.close()
  }
}

t.test('a flush with conditions deletes those flows and no others, whatever the kernel knows', (t) => {
  t.test('all of it', (t) => {
    flushesRight(t, () => start().ct)
    t.end()
  })
  t.test('no filter at all (before 5.8)', (t) => {
    flushesRight(t, () => start(CTA_FILTER, CTA_MARK, CTA_STATUS).ct)
    t.end()
  })
  t.test('the tuple only', (t) => {
    flushesRight(t, () => start(CTA_MARK, CTA_STATUS).ct)
    t.end()
  })
  t.test('tuple and mark (before 5.18)', (t) => {
    flushesRight(t, () => start(CTA_STATUS).ct)
    t.end()
  })
  t.end()
})

t.test('it takes one message where the kernel has shown that it honours a filter, and is asked that once', (t) => {
  const { kernel, ct } = start()
  fill(ct)
  const count = (): number => kernel.requests('IPCTNL_MSG_CT_DELETE')
  ct.flows.flush({ family: 'ipv4' })
  const first = count()
  ct.flows.flush({ family: 'ipv6', mark: 1 })
  t.equal(count() - first, 1)
  ct.flows.flush({ mark: 2 })
  t.equal(count() - first, 3, 'one for each family where both are meant')
  t.equal(kernel.requests('IPCTNL_MSG_CT_GET'), 4, 'nothing was listed; four canaries were looked for')
  t.end()
})

t.test('canaries leave nothing behind, and a kernel that knows no filter is asked once too', (t) => {
  for (const unknown of [[], [CTA_FILTER], [CTA_MARK], [CTA_STATUS]]) {
    const { kernel, ct } = start(...unknown)
    fill(ct)
    ct.flows.flush({ mark: 77 })
    t.equal(ct.flows.count(), 24)
    const asked = kernel.requests('IPCTNL_MSG_CT_NEW')
    ct.flows.flush({ mark: 78 })
    t.equal(kernel.requests('IPCTNL_MSG_CT_NEW'), asked)
    ct.close()
  }
  t.end()
})

t.test('where no canary can be made, flows are listed and deleted', (t) => {
  const { kernel, ct } = start()
  fill(ct)
  kernel.refuse('IPCTNL_MSG_CT_NEW', 'ENOMEM', { times: 10 })
  ct.flows.flush({ mark: 1 })
  t.equal(ct.flows.count(), 16)
  t.end()
})

t.test('without conditions it is one message, and a filter that cannot be is an error before anything is asked', (t) => {
  const { kernel, ct } = start()
  fill(ct)
  t.throws(() => ct.flows.flush({ mrak: 1 } as never), new RangeError("unknown field 'mrak'"))
  t.throws(() => ct.flows.flush({ family: 'ipx' as never }), RangeError)
  t.equal(kernel.requests('IPCTNL_MSG_CT_DELETE'), 0)
  ct.flows.flush({ mark: undefined })
  t.equal(kernel.requests('IPCTNL_MSG_CT_DELETE'), 1)
  t.equal(ct.flows.count(), 0)
  t.end()
})

t.test('the real kernel flushes what is meant', { skip: skipKernel }, (t) => {
  const netns = namespace(t)
  flushesRight(t, () => {
    const ct = openConntrack({ protocols: PROTOCOLS, netns })
    ct.flows.flush()
    return ct
  }, [FILTERS[0], FILTERS[2], FILTERS[5], FILTERS[8]])
  t.end()
})
