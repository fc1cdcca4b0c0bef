import t from 'tap'
import type { EventFormatter, EventView, ProtocolVariant } from '../../core/src/plugin.ts'
import { Text } from '../../core/src/plugin.ts'
import { entryOf, flowLayout, kernelFlows } from '../../core/test/entries.ts'
import { csv, eventJson, eventLine, eventRows, eventSave, eventXml, line, save, tableRows } from '../src/index.ts'
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

t.test('a line tells what has happened, when, and by whom', async (t) => {
  const flow = 'udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1'
  for (const [options, event, expected] of [
    [{}, { portId: 0 }, `    [NEW] ${flow}\n`],
    [{}, { portId: 0, type: 'update' }, ` [UPDATE] ${flow}\n`],
    [{}, { portId: 0, type: 'destroy' }, `[DESTROY] ${flow}\n`],
    [{}, {}, `    [NEW] ${flow} [USERSPACE] portid=7\n`],
    [{ program: () => 'conntrack' }, {}, `    [NEW] ${flow} [USERSPACE] portid=7 progname=conntrack\n`],
    [{ program: () => undefined }, {}, `    [NEW] ${flow} [USERSPACE] portid=7\n`],
    [{ userspace: false }, {}, `    [NEW] ${flow}\n`],
    [{}, { portId: 0, synthetic: true }, `    [NEW] ${flow} [SYNTHETIC]\n`],
    [{ timestamp: true }, { portId: 0 }, `[1800000000.000000]\t    [NEW] ${flow}\n`],
  ] as const)
    t.equal(printedEvent(eventLine(line(), options), event), expected)
})

t.test('a saved line is the command that does the same', async (t) => {
  for (const [type, command] of [
    ['new', '-A'],
    ['update', '-U'],
    ['destroy', '-D'],
  ] as const)
    t.match(
      printedEvent(
        eventSave((one) => save(one)),
        { type, portId: 0 },
      ),
      new RegExp(`^${command} .*-s 10\\.0\\.0\\.1 -d 10\\.0\\.0\\.2 .*\\n$`),
    )
  t.match(
    printedEvent(
      eventSave((one) => save(one)),
      {},
    ),
    / \[USERSPACE\] portid=7\n$/,
  )
})

t.test('an element tells the type, and when it was in the local time zone', async (t) => {
  const { head, tail } = eventXml()
  t.match(`${head}|${tail}`, '<conntrack>\n|</conntrack>\n')
  for (const type of ['new', 'update', 'destroy'] as const)
    t.match(printedEvent(eventXml(), { type }), new RegExp(`^<flow type="${type}"><meta direction="original">.*</meta></flow>\\n$`))
  const when =
    /<\/meta><when><hour>\d+<\/hour><min>\d\d<\/min><sec>\d\d<\/sec><wday>[1-7]<\/wday><day>\d+<\/day><month>\d+<\/month><year>2027<\/year><\/when>/
  t.match(printedEvent(eventXml({ timestamp: true })), when)
  t.notMatch(printedEvent(eventXml()), '<when>')
})

t.test('a row has as many cells as its head', async (t) => {
  for (const [formatter, separator, end] of [
    [eventRows(csv(PROTOCOLS), { separator: ',', end: '\r\n' }), ',', '\r\n'],
    [eventRows(tableRows(), { separator: '\t', end: '\n' }), '\t', '\n'],
  ] as const) {
    const rows = [formatter.head ?? '', printedEvent(formatter, { type: 'destroy', synthetic: true })]
    for (const row of rows) t.ok(row.endsWith(end))
    const [titles, cells] = rows.map((row) => row.slice(0, -end.length).split(separator))
    t.strictSame(titles.slice(0, 4), ['event', 'timestamp', 'portId', 'synthetic'])
    t.strictSame(cells.slice(0, 4), ['destroy', '1800000000000000001', '7', 'true'])
    if (separator === ',') t.equal(cells.length, titles.length)
  }
})
