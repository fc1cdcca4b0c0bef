import { inspect } from 'node:util'
import t from 'tap'
import { flowContext } from '../../src/commands/context.ts'
import { eventProgram } from '../../src/events/program.ts'
import { matcher } from '../../src/schema/match.ts'
import { requests } from '../../src/transport/request.ts'
import { openSubscription } from '../../src/transport/subscription.ts'
import { openConntrack } from '../../src/conntrack.ts'
import { messageOf } from '../entries.ts'
import { Entry } from '../../src/schema/entry.ts'
import { forAll } from '../random.ts'
import { randomFields } from '../random-flow.ts'
import { namespace, skipKernel } from '../real-kernel.ts'
import { flowBody, PROTOCOLS } from '../scripted-conntrack.ts'
import { message } from '../scripted-kernel.ts'
import { runProgram } from '../../src/testing/bpf.ts'
import { randomFilter } from '../random-filter.ts'

const none = requests(() => {
  throw new Error('nobody is asked')
})
const CONTEXT = flowContext(none, PROTOCOLS)
const LAYOUT = CONTEXT.layout
const NAMES = PROTOCOLS.map(({ name }) => name)
type Fields = Record<string, unknown>

/** An event's message with a flow. */
const eventOf = (flow: Fields & { protocol: string }): Uint8Array =>
  message({ type: 0x0100, sequence: 0, flags: 0x600, family: flow.family === 'ipv6' ? 10 : 2, body: flowBody(flow) })

const V4 = {
  protocol: 'stream',
  family: 'ipv4',
  original: { source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 1000, destinationPort: 443 },
}
const V6 = { ...V4, family: 'ipv6', original: { ...V4.original, source: 'fd00::1', destination: 'fd00::2' } }

t.test('a program lets on what the filter holds for, and little else', (t) => {
  const cases: [filter: Fields, v4: boolean, v6: boolean][] = [
    [{ protocol: 'stream' }, true, true],
    [{ protocol: 'datagram' }, false, false],
    [{ protocol: ['datagram', 'stream'] }, true, true],
    [{ family: 'ipv4' }, true, false],
    [{ original: { source: '10.0.0.1' } }, true, false],
    [{ original: { source: '10.0.0.0/8' } }, true, false],
    [{ original: { source: '11.0.0.0/8' } }, false, false],
    [{ original: { source: 'fd00::/16' } }, false, true],
    [{ original: { source: { not: '10.0.0.1' } } }, false, true],
    [{ original: { source: { not: 'fd00::1' } } }, true, false],
    [{ original: { source: { oneOf: ['10.0.0.1', 'fd00::1'] } } }, true, true],
    [{ protocol: 'stream', original: { destinationPort: 443 } }, true, true],
    [{ original: { destinationPort: 443 } }, true, true],
    [{ protocol: 'stream', original: { destinationPort: { from: 400, to: 500 } } }, true, true],
    [{ protocol: 'stream', original: { destinationPort: { not: { oneOf: [80, 443] } } } }, false, false],
    [{ mark: 0 }, true, true],
    [{ mark: 7 }, false, false],
    [{ zone: 0 }, true, true],
    [{ zone: 7 }, false, false],
    [{ status: { all: ['ASSURED'] } }, false, false],
    [{ status: { none: ['ASSURED'] } }, true, true],
    [{ helper: { name: 'ftp' } }, true, true], // a program cannot compare strings
  ]
  for (const [asked, v4, v6] of cases) {
    const program = eventProgram(CONTEXT, asked)
    const wanted = (flow: typeof V4): boolean => program === undefined || runProgram(program, eventOf(flow)) > 0
    t.strictSame([wanted(V4), wanted(V6)], [v4, v6], inspect(asked, { depth: 9 }))
  }
  t.equal(eventProgram(CONTEXT, {}), undefined, 'without conditions there is none')
  t.end()
})

t.test('a program never drops what the filter holds for', (t) => {
  const outcomes = { holds: 0, dropped: 0, passed: 0 }
  forAll(t, 2500, 5, (random) => {
    const { name, number } = random.pick(PROTOCOLS)
    const family = random.pick(['ipv4', 'ipv6'] as const)
    const { table } = LAYOUT.shape(number).variant
    const fields = randomFields(random, table, family)
    const flow = { ...fields, protocol: name, family, original: { ...(fields.original as Fields), protocolNumber: number } }
    const other = LAYOUT.shape(random.pick(PROTOCOLS).number).variant.table
    const asked = randomFilter(random, random.oneIn(3) ? other : table, flow, NAMES)
    const bytes = eventOf(flow)
    let holds: boolean
    try {
      holds = matcher(LAYOUT, asked)(new Entry(LAYOUT).load(messageOf(bytes.subarray(20), family === 'ipv4' ? 2 : 10)))
    } catch (error) {
      if (!(error instanceof RangeError) || !error.message.startsWith('unknown field')) throw error
      return
    }
    const program = eventProgram({ ...CONTEXT, relations: {} }, asked)
    const passes = program === undefined || runProgram(program, bytes) > 0
    if (holds) outcomes.holds++
    else outcomes[passes ? 'passed' : 'dropped']++
    if (holds && !passes) throw new Error(inspect({ flow, asked }, { depth: 9 }))
  })
  t.ok(outcomes.holds > 200 && outcomes.dropped > outcomes.passed * 4, JSON.stringify(outcomes))
  t.end()
})

t.test('the kernel runs programs as they are meant', { skip: skipKernel }, (t) => {
  const netns = namespace(t)
  using ct = openConntrack({ protocols: PROTOCOLS, netns })
  const flows = [V4, V6].flatMap((flow) =>
    [80, 443, 8080].flatMap((destinationPort) =>
      [0, 7].map((mark) => ({
        protocol: 'stream' as const,
        timeout: 60,
        mark,
        original: { ...flow.original, sourcePort: 1000 + mark, destinationPort },
      })),
    ),
  )
  const filters: Fields[] = [
    { protocol: 'stream' },
    { protocol: 'datagram' },
    { family: 'ipv6' },
    { original: { source: '10.0.0.0/8' } },
    { original: { source: { not: '10.0.0.1' } } },
    { protocol: 'stream', original: { destinationPort: { oneOf: [80, { from: 8000, to: 9000 }] } } },
    { mark: { value: 1, mask: 1 } },
    { mark: { not: 0 } },
    { status: { none: ['ASSURED'] }, original: { destination: 'fd00::2' } },
  ]
  const counts = filters.map((asked) => {
    const subscription = openSubscription({ groups: [1], netns, filter: eventProgram(CONTEXT, asked) })
    return { asked, subscription }
  })
  t.teardown(() => counts.forEach(({ subscription }) => subscription.close()))
  const everything = openSubscription({ groups: [1], netns })
  t.teardown(() => everything.close())
  for (const flow of flows) ct.flows.create(flow)
  const all: Uint8Array[] = []
  everything.receive((bytes, start, end) => all.push(bytes.slice(start, end)), 1000)
  t.equal(all.length, flows.length)
  for (const { asked, subscription } of counts) {
    const come: string[] = []
    subscription.receive((bytes, start, end) => come.push(Buffer.from(bytes.subarray(start, end)).toString('hex')), 1000)
    const matches = matcher(LAYOUT, asked)
    const expected = all.filter((bytes) => matches(new Entry(LAYOUT).load(messageOf(bytes.subarray(20), bytes[16]))))
    t.strictSame(
      come,
      expected.map((bytes) => Buffer.from(bytes).toString('hex')),
      inspect(asked, { depth: 9 }),
    )
  }
  t.end()
})
