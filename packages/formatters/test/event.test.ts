import t from 'tap'
import type { EventFormatter, EventView, ProtocolVariant } from '../../core/src/plugin.ts'
import { Text } from '../../core/src/plugin.ts'
import { entryOf, flowLayout, kernelFlows } from '../../core/test/entries.ts'
import { eventJson, eventLine, line } from '../src/index.ts'
import { PROTOCOLS } from './printed.ts'
import { invalid } from './valid-json.ts'

const ends = { source: '10.0.0.1', destination: '10.0.0.2', protocolNumber: 17, sourcePort: 1, destinationPort: 2 }
const back = { source: '10.0.0.2', destination: '10.0.0.1', protocolNumber: 17, sourcePort: 2, destinationPort: 1 }
const entry = entryOf(flowLayout(PROTOCOLS), kernelFlows(PROTOCOLS)({ protocol: 'udp', original: ends, reply: back, timeout: 30 }))

/** A new flow of UDP that a program has made, as a formatter writes it. */
function printedEvent(formatter: EventFormatter<ProtocolVariant>, event: Partial<EventView<ProtocolVariant>> = {}): string {
  const text = new Text(1)
  formatter.compile(entry.shape)({ type: 'new', timestamp: 1_800_000_000_000_000_001n, portId: 7, synthetic: false, entry, ...event }, text)
  return text.toString()
}

const program = (): string => 'a\u001b[2J\n"b'

t.test('the JSON of an event is as the published schema says', async (t) => {
  for (const type of ['new', 'update', 'destroy'] as const) {
    const written = printedEvent(eventJson('flow', { program }), { type, synthetic: type === 'update' })
    t.equal(invalid(written), undefined)
    t.match(JSON.parse(written), { type, timestamp: '1800000000000000001', portId: 7, program: program(), flow: { protocol: 'udp' } })
  }
})

t.test('the name of a program cannot command a terminal', async (t) => {
  // oxlint-disable-next-line no-control-regex
  for (const formatter of [eventLine(line(), { program }), eventJson('flow', { program })])
    t.notMatch(printedEvent(formatter).trimEnd(), /[\0-\x1f\x7f-\x9f]/)
  t.match(printedEvent(eventLine(line(), { program })), 'progname=a\\u001b[2J\\u000a"b\n')
})
