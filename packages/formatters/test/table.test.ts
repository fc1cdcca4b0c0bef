import t from 'tap'
import { expectationTableColumns, expectationTableRows, tableColumns, type TableOptions, tableRows } from '../src/index.ts'
import { duration, short } from '../src/table-cells.ts'
import { printedExpectation, printedFlow, stopClock } from './printed.ts'

/** The cells of a flow that are not empty, by their column. */
function cells(flow: Parameters<typeof printedFlow>[1], options: TableOptions = {}): Record<string, string> {
  const row = printedFlow(tableRows(options), flow).replace(/\n$/, '').split('\t')
  return Object.fromEntries(tableColumns(options).flatMap(({ title }, i) => (row[i] === '' ? [] : [[title, row[i]]])))
}

t.test('a flow is a row of cells', async (t) => {
  stopClock(t, 1_800_000_100_000_000_000n)
  t.strictSame(
    cells({
      protocol: 'tcp',
      original: { sourcePort: 1000, destinationPort: 80 },
      reply: { sourcePort: 80, destinationPort: 1000 },
      state: 'ESTABLISHED',
      status: ['SEEN_REPLY', 'ASSURED'],
      timeout: 431999,
      mark: 7,
      zone: 3,
      originalCounters: { packets: 4n, bytes: 12345678n },
      replyCounters: { packets: 3n, bytes: 228n },
      timestamp: { start: 1_800_000_000_000_000_000n },
      helper: { name: 'ftp' },
      id: 5,
    }),
    {
      PROTO: 'tcp',
      STATE: 'ESTABLISHED',
      SOURCE: '10.0.0.1:1000',
      DESTINATION: '10.0.0.2:80',
      STATUS: 'ASSURED',
      TIMEOUT: '4d23h',
      AGE: '1m40s',
      PACKETS: '4/3',
      BYTES: '12.3M/228',
      MARK: '7',
      ZONE: '3',
      HELPER: 'ftp',
    },
  )
  t.match(cells({ id: 5 }, { id: true }), { ID: '5' })
})

t.test('what most flows have, and what a flow has not, is an empty cell', async (t) => {
  t.strictSame(cells({ mark: 0 }), { PROTO: 'udp', SOURCE: '10.0.0.1', DESTINATION: '10.0.0.2' })
})

t.test('IPv6 stands in brackets before a port', async (t) => {
  const ends = { original: { sourcePort: 1, destinationPort: 2 }, reply: { sourcePort: 2, destinationPort: 1 } }
  t.match(cells({ family: 'ipv6', ...ends }), { SOURCE: '[fd00::1]:1', DESTINATION: '[fd00::2]:2' })
  t.match(cells({ family: 'ipv6', protocol: 'icmpv6' }), { SOURCE: 'fd00::1', DESTINATION: 'fd00::2' })
})

t.test('what is in place of ports has its words, and a protocol that is not known its number', async (t) => {
  t.match(cells({ protocol: 'icmp', original: { type: 8, code: 0, id: 77 } }), { DETAIL: 'type=8 code=0 id=77' })
  t.match(cells({ protocol: 'gre', original: { sourceKey: 16, destinationKey: 0 } }), { DETAIL: 'srckey=0x10 dstkey=0x0' })
  t.match(cells({ protocol: 'unknown', original: { protocolNumber: 253 } }), { PROTO: '253' })
})

t.test('a translation shows the ends that packets really have', async (t) => {
  const flow = (source: string, sourcePort: number, destination: string, destinationPort: number) =>
    cells({
      original: { sourcePort: 1, destinationPort: 2 },
      reply: { source, sourcePort, destination, destinationPort },
    })['NAT']
  t.equal(flow('10.0.0.2', 2, '10.0.0.1', 1), undefined)
  t.equal(flow('10.0.0.2', 2, '192.0.2.1', 1), 'src=192.0.2.1:1')
  t.equal(flow('10.0.0.2', 8080, '10.0.0.1', 1), 'dst=10.0.0.2:8080')
  t.equal(flow('192.0.2.9', 2, '192.0.2.1', 99), 'src=192.0.2.1:99 dst=192.0.2.9:2')
})

t.test('zones of one direction say which', async (t) => {
  t.match(cells({ original: { zone: 5 } }), { ZONE: 'orig=5' })
  t.match(cells({ original: { zone: 5 }, reply: { zone: 6 } }), { ZONE: 'orig=5,reply=6' })
})

t.test('how far a flow has come', async (t) => {
  const status = (...bits: string[]): string | undefined => cells({ status: bits })['STATUS']
  t.equal(status('SEEN_REPLY', 'ASSURED', 'HW_OFFLOAD', 'OFFLOAD'), 'HW_OFFLOAD')
  t.equal(status('SEEN_REPLY', 'ASSURED', 'OFFLOAD'), 'OFFLOAD')
  t.equal(status('SEEN_REPLY'), undefined)
  t.equal(status(), 'UNREPLIED')
})

t.test('labels are shown by their names, where those are known', async (t) => {
  const labels = Uint8Array.of(0b1011, 0, 0, 0)
  t.match(cells({ labels }, { labels: ['zero', 'my label'] }), { LABELS: 'zero,my label' })
  t.notOk('LABELS' in cells({ labels }))
})

t.test('an expectation is a row too', async (t) => {
  const ends = (sourcePort: number, destinationPort: number) => ({
    source: '10.0.0.1',
    destination: '10.0.0.2',
    protocolNumber: 6,
    sourcePort,
    destinationPort,
  })
  const row = printedExpectation(expectationTableRows(), {
    tuple: ends(0, 50001),
    mask: { ...ends(0, 65535), source: '255.255.255.255' },
    master: ends(40021, 21),
    timeout: 296,
    helper: 'ftp',
    flags: ['PERMANENT', 'INACTIVE'],
  })
  t.strictSame(
    row.trimEnd().split('\t'),
    'tcp|10.0.0.1:0|10.0.0.2:50001||4m56s|ftp|PERMANENT,INACTIVE||10.0.0.1:40021|10.0.0.2:21|255.255.255.255:0|10.0.0.2:65535'.split('|'),
  )
  t.equal(row.split('\t').length, expectationTableColumns().length)
  t.equal(
    expectationTableRows().head,
    `${expectationTableColumns()
      .map(({ title }) => title)
      .join('\t')}\n`,
  )
})

t.test('a name with control characters stays in its cell', async (t) => {
  t.match(cells({ helper: { name: 'a\tb\nc\u001b[2J' } }), { HELPER: 'a\\u0009b\\u000ac\\u001b[2J' })
})

t.test('durations are told in two units', async (t) => {
  for (const [seconds, text] of [
    [0, '0s'],
    [59, '59s'],
    [60, '1m'],
    [125, '2m5s'],
    [3600, '1h'],
    [3661, '1h1m'],
    [431999, '4d23h'],
    [4294967295, '49710d6h'],
  ] as const)
    t.equal(duration(seconds), text)
})

t.test('large numbers are told in three digits', async (t) => {
  for (const [number, text] of [
    [0n, '0'],
    [9999n, '9999'],
    [10000n, '10.0K'],
    [999_499n, '999K'],
    [999_500n, '1.00M'],
    [12_345_678n, '12.3M'],
    [18446744073709551615n, '18.4E'],
  ] as const)
    t.equal(short(number), text)
})
