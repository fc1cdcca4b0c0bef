// runtimes: node
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import t from 'tap'
import { UNTOLD_AT_END } from '../packages/core/src/plugin.ts'
import { invalid } from '../packages/formatters/test/valid-json.ts'
import { namespace, needsRoot, OURS } from './support/namespace.ts'
import { listeners, pause, watch } from './support/watching.ts'

// What -E tells of real events, in the formats that programs read.

const FLOW = '-s 10.9.0.1 -d 10.9.0.2 -t 3000'
const FTP = `-p tcp ${FLOW} --sport 40021 --dport 21`
const EXPECTED = '--tuple-src 10.9.0.1 --tuple-dst 10.9.0.2 --tuple-port-src 0 --tuple-port-dst 50001'
const MASK = '--mask-src 255.255.255.255 --mask-dst 255.255.255.255 --mask-port-src 0 --mask-port-dst 65535'

t.test('JSON, XML and CSV of events are what their readers expect, with names of labels', { skip: needsRoot }, async (t) => {
  using where = namespace()
  const directory = mkdtempSync(join(tmpdir(), 'conntrack-formats-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const map = join(directory, 'connlabel.conf')
  writeFileSync(map, '3 lbl3\n64 my label\n')
  const rules = 'table inet t { chain c { type filter hook output priority 0; udp dport 1 ct label set 1; }; }'
  t.equal(where.run('nft', [rules]).status, 0)
  for (const option of ['nf_conntrack_acct', 'nf_conntrack_timestamp']) where.run('sysctl', ['-qw', `net.netfilter.${option}=1`])

  const actions = [
    `-I -p udp ${FLOW} --sport 7 --dport 8 --label-add bit3,bit64,bit100`,
    `-I -p icmp ${FLOW} --icmp-type 8 --icmp-code 0 --icmp-id 77`,
    `-I -p gre ${FLOW} --srckey 1 --dstkey 2`,
    `-I -p 253 ${FLOW}`,
    `-I ${FTP} --state ESTABLISHED -u SEEN_REPLY,ASSURED --helper ftp --synproxy 1:2:3 --orig-seqadj 1:2:3`,
    '-U -p udp -m 5',
    `-I expect ${FTP} ${EXPECTED} ${MASK}`,
    '-F expect',
    '-F',
  ]
  const flows = 5 + 1 + 5
  const [json, xml, csv, timed, labelled, unlabelled, expectedJson, expectedXml] = [
    `-E -o json,labels --labelmap ${map} --count ${flows}`,
    `-E -o xml,labels --labelmap ${map} --count ${flows}`,
    `-E -o csv,labels --labelmap ${map} --count ${flows}`,
    `-E -o xml,timestamp,ktimestamp --count ${flows}`,
    `-E -l lbl3 --labelmap ${map} --count 2`,
    `-E -l !lbl3 -e NEW --labelmap ${map} --count 4`,
    '-E expect -o json --count 2',
    '-E expect -o xml,timestamp --count 2',
  ].map((line) => watch(where, OURS, line))
  const all = [json, xml, csv, timed, labelled, unlabelled, expectedJson, expectedXml]
  while (listeners(where) < all.length) await pause(50)
  const exits = all.map(({ child }) => new Promise<number | null>((resolve) => child.once('close', resolve)))
  for (const action of actions) t.equal(where.run(OURS, action.split(' ')).status, 0, action)
  t.strictSame(
    await Promise.all(exits),
    all.map(() => 0),
    all.map(({ err }) => err()).join(''),
  )

  const lines = json.out().trimEnd().split('\n')
  t.equal(lines.length, flows)
  for (const line of [...lines, ...expectedJson.out().trimEnd().split('\n')]) t.equal(invalid(line), undefined)
  const events = lines.map((line) => JSON.parse(line) as { type: string; flow: Record<string, unknown> })
  t.strictSame(
    events.map(({ type }) => type),
    [...Array<string>(5).fill('new'), 'update', ...Array<string>(5).fill('destroy')],
  )
  t.match(
    events[0].flow,
    { labels: '08000000000000000100000010000000', labelNames: ['lbl3', 'my label'] },
    'bytes tell of what has no name',
  )
  for (const { type, flow } of events) {
    if (type === 'destroy') for (const field of UNTOLD_AT_END) t.notOk(field in flow, `${field} is not told of a flow's end`)
    if (type === 'destroy') t.ok('originalCounters' in flow && 'timestamp' in flow)
  }
  t.match(events[4].flow, { helper: { name: 'ftp' }, synproxy: { initialSequence: 1 }, originalSequenceAdjustment: { offsetAfter: 3 } })
  t.match(
    expectedJson
      .out()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
    [{ type: 'new', expectation: { helper: 'ftp', master: { destinationPort: 21 } } }, { type: 'destroy' }],
  )

  const elements = (text: string, expression: string): string => {
    const { stdout, stderr, status } = spawnSync('xmllint', ['--xpath', expression, '-'], { input: text, encoding: 'utf8' })
    t.equal(status, 0, stderr)
    return stdout.trim()
  }
  t.equal(elements(xml.out(), 'count(/conntrack/flow[@type="new"])'), '5')
  t.equal(elements(xml.out(), 'count(/conntrack/flow[@type="destroy"]//counters)'), '10')
  t.equal(elements(xml.out(), 'string(//flow[1]//labels/label[2])'), 'my label')
  t.equal(elements(timed.out(), 'count(/conntrack/flow/when/year)'), String(flows))
  t.equal(elements(expectedXml.out(), 'concat(count(/expect/flow[@type="new"]), count(/expect/flow[@type="destroy"]/meta/when))'), '11')

  const rows: Record<string, string>[] = parse(csv.out(), { columns: true, record_delimiter: '\r\n' })
  t.equal(rows.length, flows)
  t.match(rows[0], { event: 'new', labels: '08000000000000000100000010000000', labelNames: 'lbl3,my label' })

  t.strictSame(labelled.out().match(/\[(?:NEW|UPDATE)\] \w+|labels=.*?(?= \[)/g), [
    '[NEW] udp',
    'labels=lbl3,my label',
    '[UPDATE] udp',
    'labels=lbl3,my label',
  ])
  t.match(labelled.err(), "WARNING: DESTROY events are not shown: the kernel does not tell what `-l' is about when a flow ends")
  t.strictSame(unlabelled.out().match(/\[NEW\] \w+/g), ['[NEW] icmp', '[NEW] gre', '[NEW] unknown', '[NEW] tcp'])
  t.notMatch(unlabelled.err(), 'WARNING')
})
