// What hurt users of other programs and libraries of this field, each as a test of its own. `see` names the public thread.
import { createCli } from '@conntrack/cli'
import { NetlinkError, openConntrack } from '@conntrack/core'
import { printer, Text } from '@conntrack/core/plugin'
import { json, line, save, xml } from '@conntrack/formatters'
import { sctp } from '@conntrack/proto-sctp'
import { tcp } from '@conntrack/proto-tcp'
import { udp } from '@conntrack/proto-udp'
import t, { type Test } from 'tap'
import { formats, kept } from '../packages/cli/test/program.ts'
import { flowMessages } from '../packages/core/src/tables/messages.ts'
import { type AnyFlow, entryOf, flowLayout, kernelFlows } from '../packages/core/test/entries.ts'
import { realDestroy, realFlows } from '../packages/core/test/real-flows.ts'
import { namespace, skipKernel } from '../packages/core/test/real-kernel.ts'
import { ack, datagram, done, error, message, scriptedKernel, type ScriptedRequest } from '../packages/core/test/scripted-kernel.ts'

const protocols = [tcp, udp, sctp] as const
const LAYOUT = flowLayout(protocols)
const encode = kernelFlows(protocols)
const DUMP = 0x300
const NUMBERS: Readonly<Record<string, number>> = Object.fromEntries(protocols.map(({ name, number }) => [name, number]))

/** The attributes of a flow from 10.0.0.1 to 10.0.0.2, of TCP but for what is given. */
function body({ protocol = 'tcp', original, reply, ...fields }: Partial<AnyFlow>): Uint8Array {
  const numbered = (source: string, destination: string, more: unknown): object => {
    return { source, destination, protocolNumber: NUMBERS[protocol], sourcePort: 1, destinationPort: 2, ...(more as object) }
  }
  const [here, there] = fields.family === 'ipv6' ? ['fd00::1', 'fd00::2'] : ['10.0.0.1', '10.0.0.2']
  return encode({ protocol, original: numbered(here, there, original), reply: numbered(there, here, reply), ...fields })
}

const flowMessage = ({ sequence }: ScriptedRequest, flow: Partial<AnyFlow>): Uint8Array =>
  message({ type: flowMessages.new.type, sequence, family: flow.family === 'ipv6' ? 10 : 2, body: body(flow) })

/** Connection tracking over a kernel that lists these flows, whatever it is asked for, and says to all else what `answer` says. */
function over(flows: readonly Partial<AnyFlow>[], answer: (request: ScriptedRequest) => Uint8Array = ({ sequence }) => ack(sequence)) {
  const asked: ScriptedRequest[] = []
  const socket = scriptedKernel((request) => {
    asked.push(request)
    if ((request.flags & DUMP) !== DUMP) return [answer(request)]
    return [...flows.map((flow) => flowMessage(request, flow)), done(request.sequence)]
  })
  return { ...openConntrack({ protocols, socket }), asked }
}

/** What every format makes of a flow. */
function everyFormat(attributes: Uint8Array): Record<string, string> {
  const all = { line: line({ extended: true, id: true, kernelTimestamp: true }), xml: xml(), save: save(), json: json() }
  return Object.fromEntries(
    Object.entries(all).map(([name, formatter]) => {
      const text = new Text()
      printer(formatter)(entryOf(LAYOUT, attributes), text)
      return [name, text.toString()]
    }),
  )
}

t.test('a DESTROY of TCP that has only the state is read like any other (see ti-mo/conntrack#28)', async (t) => {
  const flow = entryOf(LAYOUT, realDestroy).decode()
  t.match(flow, { state: 'TIME_WAIT', timeout: 118, original: { sourcePort: 40021 } })
  t.notOk('windowScaleOriginal' in flow, 'what was not sent is not there')
  const { line, json, xml, save } = everyFormat(realDestroy)
  t.match(line, /^ipv4     2 tcp      6 118 TIME_WAIT src=127\.0\.0\.1 /)
  t.equal(JSON.parse(json).state, 'TIME_WAIT')
  t.match(xml, /<state>TIME_WAIT<\/state>/)
  t.match(save, / --state TIME_WAIT\n$/)
})

t.test('states have the names of their own protocol, SYN_SENT2 too (see pyroute2#989)', async (t) => {
  const states = ['NONE', 'SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE', 'SYN_SENT2']
  for (const state of states) t.equal(entryOf(LAYOUT, body({ state })).decode().state, state)
  t.match(everyFormat(body({ protocol: 'sctp', state: 'COOKIE_WAIT' })).xml, /<state>COOKIE_WAIT<\/state>/)
})

t.test('a flow that was offloaded has neither timeout nor state, and is listed (see vyos-1x#3150, luci#5909, pyroute2#1198)', async (t) => {
  for (const [bit, word] of [
    ['OFFLOAD', '[OFFLOAD]'],
    ['HW_OFFLOAD', '[HW_OFFLOAD]'],
  ]) {
    const flow = { status: ['SEEN_REPLY', 'ASSURED', 'CONFIRMED', 'OFFLOAD', bit] }
    const { flows } = over([flow])
    const [found] = [...flows.list()]
    t.match(found, { protocol: 'tcp', original: { sourcePort: 1 } })
    t.notOk('timeout' in found || 'state' in found)
    const texts = everyFormat(body(flow))
    t.ok(texts.line.startsWith('ipv4     2 tcp      6 src=10.0.0.1 '), texts.line)
    t.ok(texts.line.includes(`${word}\n`))
    t.equal(JSON.parse(texts.json).timeout, undefined)
    t.notMatch(texts.save, / -t | --state /)
    t.equal([...flows.list({ protocol: 'tcp', state: 'ESTABLISHED' })].length, 0, 'it has no state to be looked for')
    t.equal([...flows.list({ status: { all: ['OFFLOAD'] } })].length, 1)
  }
})

t.test('the last message of a datagram may be out of line (see mdlayher/netlink#280)', async (t) => {
  const socket = scriptedKernel((request) => {
    const last = flowMessage(request, { mark: 2, helper: { name: 'ab' } })
    // CTA_HELP_NAME is 4 + 3 bytes; the kernel may leave out the padding where the datagram ends.
    return [datagram(flowMessage(request, { mark: 1 }), last), done(request.sequence)]
  })
  const cut = openConntrack({ protocols, socket })
  t.same(
    [...cut.flows.list()].map(({ mark }) => mark),
    [1, 2],
  )
  const real = realFlows[0].body
  for (let rest = 1; rest <= 3; rest++) {
    // A last attribute of type 0x3fff and odd length, unpadded.
    const odd = Uint8Array.from([...real, 4 + rest, 0, 0xff, 0x3f, ...new Uint8Array(rest)])
    const unaligned = scriptedKernel(({ sequence }) => [message({ type: 0x0100, sequence, body: odd }), done(sequence)])
    t.equal([...openConntrack({ protocols, socket: unaligned }).flows.list()].length, 1, `${rest} bytes`)
  }
})

t.test('a flow that was kept is what it was after all others were read (see mdlayher/netlink#284)', async (t) => {
  const flows = Array.from({ length: 50 }, (_, i) => ({
    mark: i,
    helper: { name: `helper${i}`, info: new Uint8Array(8).fill(i) },
    labels: new Uint8Array(16).fill(i),
    originalCounters: { packets: BigInt(i), bytes: 2n },
  }))
  const { flows: table } = over(flows)
  const keptOnes = []
  const copies = []
  for (const flow of table.list()) {
    keptOnes.push(flow)
    copies.push(structuredClone(flow))
  }
  t.same(keptOnes, copies)
  t.equal(new Set(keptOnes.map(({ labels }) => labels?.buffer)).size, 50, 'no two share their bytes')
})

t.test(
  'a delete goes to the entry of its zone, and its twin lives (see ovn-kubernetes#5778, vishvananda/netlink#1134)',
  { skip: skipKernel },
  async (t) => {
    const netns = namespace(t)
    using ct = openConntrack({ protocols, netns })
    const original = { source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 1, destinationPort: 2 }
    for (const zone of [undefined, 5, 6]) ct.flows.create({ protocol: 'udp', original, timeout: 600, zone })
    t.same(zones(ct), [0, 5, 6])
    t.equal(ct.flows.delete({ zone: 5 }).deleted, 1)
    t.same(zones(ct), [0, 6])
    t.equal(ct.flows.delete({ protocol: 'udp', zone: 0 }).deleted, 1)
    t.same(zones(ct), [6])
    t.equal(ct.flows.update({ zone: 6 }, { mark: 9 }).updated, 1)
    t.same(
      [...ct.flows.list()].map(({ zone, mark }) => [zone, mark]),
      [[6, 9]],
    )
  },
)

const zones = (ct: { readonly flows: { list(): Iterable<{ readonly zone?: number }> } }): number[] =>
  [...ct.flows.list()].map(({ zone = 0 }) => zone).sort((a, b) => a - b)

const [ENOENT, EBUSY] = [2, 16]

t.test('an entry that goes between the list and its delete is no error, and not counted (see felix#1006)', async (t) => {
  let deletes = 0
  const { flows } = over([{ mark: 1 }, { mark: 2 }, { mark: 3 }], ({ sequence }) =>
    deletes++ === 1 ? error(sequence, ENOENT) : ack(sequence),
  )
  t.match(flows.deleteAll({}), { matched: 3, deleted: 2, gone: 1, refused: {} })
  const { io, stderr } = kept()
  const gone = scriptedKernel((request) => {
    if ((request.flags & DUMP) === DUMP) return [flowMessage(request, {}), done(request.sequence)]
    return [error(request.sequence, ENOENT)]
  })
  const cli = createCli({ protocols, formats, version: 'conntrack', open: () => openConntrack({ protocols, socket: gone }) })
  t.equal(await cli(['-D'], io), 1, 'nothing was deleted, which is 1 to the shell')
  t.equal(stderr(), 'conntrack: 0 flow entries have been deleted.\n', 'and no error in words')
})

t.test('what cannot be deleted is counted, and does not pile up (see vishvananda/netlink#1058)', async (t) => {
  const socket = scriptedKernel((request) => ((request.flags & DUMP) === DUMP ? crowd(request) : [error(request.sequence, EBUSY)]))
  const { flows } = openConntrack({ protocols, socket })
  const { matched, deleted, refused, refusals } = flows.deleteAll({})
  t.same({ matched, deleted, refused }, { matched: 20_000, deleted: 0, refused: { EBUSY: 20_000 } })
  t.ok(refusals.length <= 10, 'a few are told one by one')
  t.ok(refusals[0].error instanceof NetlinkError)
  t.throws(() => flows.delete({}), { code: 'EBUSY' })
})

/** A table of 20,000 flows. */
function* crowd(request: ScriptedRequest): Generator<Uint8Array> {
  const one = flowMessage(request, {})
  for (let i = 0; i < 20_000; i++) yield one
  yield done(request.sequence)
}

t.test('a condition on IPv4 hides no IPv6 but where it says so (see ti-mo/conntrack#53, #46)', async (t) => {
  const { flows } = over([{ mark: 1 }, { family: 'ipv6', mark: 2 }, { mark: 3, original: { source: '10.9.9.9' } }])
  const marks = (filter: Parameters<typeof flows.list>[0]): unknown[] => [...flows.list(filter)].map(({ mark }) => mark)
  t.same(marks({ original: { source: { not: '10.0.0.1' } } }), [2, 3], 'who is not 10.0.0.1 may be IPv6')
  t.same(marks({ original: { source: '10.0.0.0/8' } }), [1, 3])
  t.same(marks({ original: { source: { oneOf: ['10.0.0.1', 'fd00::1'] } } }), [1, 2])
  t.same(marks({ original: { destination: { not: 'fd00::/16' } } }), [1, 3])
})

t.test('a condition on the tuple does not put mark and zone aside, whatever the kernel filters (see pyroute2)', async (t) => {
  const { flows } = over([
    { mark: 1, zone: 5 },
    { mark: 2, zone: 5 },
    { mark: 1, zone: 6 },
    { mark: 1, zone: 5, original: { sourcePort: 9 } },
  ])
  const filter = { protocol: 'tcp', original: { sourcePort: 1 }, mark: 1, zone: 5 } as const
  t.equal([...flows.list(filter)].length, 1)
  t.match(flows.deleteAll(filter), { matched: 1, deleted: 1 })
})

t.test('labels have sixteen bytes, and all of them count', async (t) => {
  const labels = Uint8Array.from({ length: 16 }, (_, i) => (i === 15 ? 0x80 : 0))
  const { flows } = over([{ labels, mark: 1 }, { labels: new Uint8Array(16), mark: 2 }, { mark: 3 }])
  const [first] = [...flows.list()]
  t.same(first.labels, labels)
  const marks = (filter: Parameters<typeof flows.list>[0]): unknown[] => [...flows.list(filter)].map(({ mark }) => mark)
  t.same(marks({ labels: { value: labels, mask: labels } }), [1])
  t.same(marks({ labels }), [1])
  t.match(everyFormat(body({ labels })).json, /"labels":.*80/)
})

t.test('CTA_TIMESTAMP_EVENT, which only kernels since 6.14 send, is read and confuses nobody', async (t) => {
  const at = 1_795_478_227_907_107_000n
  const flow = entryOf(LAYOUT, body({ eventTimestamp: at, mark: 7 })).decode()
  t.match(flow, { eventTimestamp: at, mark: 7 })
  t.equal(JSON.parse(everyFormat(body({ eventTimestamp: at })).json).eventTimestamp, String(at))
})

t.test('XML has nothing outside of its elements (see conntrack-tools e77aa74)', async (t: Test) => {
  const { flows } = over([{ mark: 1 }, { mark: 2 }])
  let text = ''
  flows.list().print(xml(), (chunk) => {
    text += new TextDecoder().decode(chunk)
  })
  t.match(text, /^<\?xml[^>]*\?>\n<conntrack>\n(<flow>.*<\/flow>\n){2}<\/conntrack>\n$/)
  t.equal(text.replaceAll(/<[^>]*>[^<]*/g, '').trim(), '')
})
