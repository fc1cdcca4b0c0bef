import { parse } from 'csv-parse/sync'
import t from 'tap'
import { expectationVariants, flowVariants } from '../../core/src/tables/protocol.ts'
import { forAll } from '../../core/test/random.ts'
import { randomFields } from '../../core/test/random-flow.ts'
import { realFlows } from '../../core/test/real-flows.ts'
import { csv, expectationCsv, json } from '../src/index.ts'
import { PROTOCOLS, printed, printedExpectation, printedFlow } from './printed.ts'

const flows = csv(PROTOCOLS)
const expectations = expectationCsv(PROTOCOLS)

/** Rows as objects by the header's names; the parser refuses rows that are shorter or longer than it. */
function read(text: string): Record<string, string>[] {
  return parse(text, { columns: true, record_delimiter: '\r\n' })
}
const row = (formatter: { readonly head?: string }, line: string): Record<string, string> => read(`${formatter.head}${line}`)[0] ?? {}

/** The leaves of the JSON of an entry, by their paths, as CSV has them. */
function leaves(value: unknown, path = ''): [string, string][] {
  if (Array.isArray(value)) return [[path, value.join(',')]]
  if (typeof value !== 'object' || value === null) return [[path, String(value)]]
  // A kind with a form of its own: TCP's flags.
  if ('flags' in value && 'mask' in value && Array.isArray(value.mask)) return [[path, `${String(value.flags)}/${String(value.mask)}`]]
  return Object.entries(value).flatMap(([name, one]) => leaves(one, path === '' ? name : `${path}.${name}`))
}

const NEVER_TOLD = /^(version|markMask|statusMask|labelsMask|sourceNat\..*|destinationNat\..*|filter\..*|.*Counters\..*32)$/

/** What of the JSON of an entry is not the same in its row. */
function differences(line: string, cells: Record<string, string>): string[] {
  const told = leaves(JSON.parse(line)).filter(([path, value]) => !NEVER_TOLD.test(path) && value !== '')
  const missing = told.filter(([path, value]) => cells[path] !== value).map(([path, value]) => `${path}: ${value}, not ${cells[path]}`)
  const paths = new Set(told.map(([path]) => path))
  const strange = Object.entries(cells).filter(([path, value]) => value !== '' && !paths.has(path))
  return [...missing, ...strange.map(([path, value]) => `${path}: unexpected ${value}`)]
}

t.test('the columns are the fields of the SDK, by their paths', async (t) => {
  const columns = flows.head?.trimEnd().split(',') ?? []
  t.equal(new Set(columns).size, columns.length, 'each once')
  t.strictSame(columns.slice(0, 4), ['protocol', 'family', 'original.source', 'original.destination'])
  t.match(
    columns.filter((one) => one.startsWith('original.')).join(' '),
    /sourcePort original.destinationPort original.type original.code original.id original.sourceKey original.destinationKey .*zone$/,
  )
  for (const path of ['state', 'role', 'verificationTagReply', 'originalCounters.packets', 'helper.name', 'id'])
    t.ok(columns.includes(path), path)
  t.notMatch(columns.join(' '), /Mask|Nat|filter/, 'what the kernel never tells has none')
  t.notOk(csv(PROTOCOLS.slice(1, 2)).head?.includes('role'), 'and what no protocol of these has, neither')
  t.match(expectations.head, /^protocol,family,master.source,/)
})

t.test('whatever a kernel may send is the same as in JSON', async (t) => {
  for (const { name, number, table } of flowVariants(PROTOCOLS).slice(0, -1)) {
    forAll(t, 30, number, (random) => {
      const family = random.pick(['ipv4', 'ipv6'] as const)
      const flow = { protocol: name, family, ...randomFields(random, table, family) }
      const numbered = { ...flow, original: { ...(flow as { original?: object }).original, protocolNumber: number } }
      const wrong = differences(printedFlow(json(), numbered), row(flows, printedFlow(flows, numbered)))
      if (wrong.length > 0) throw new Error(wrong.join('\n'))
    })
  }
})

t.test('so are expectations', async (t) => {
  const [{ table }] = expectationVariants(PROTOCOLS)
  forAll(t, 50, 1, (random) => {
    const fields = randomFields(random, table, 'ipv6')
    const expectation = { ...fields, tuple: { ...(fields['tuple'] as object), protocolNumber: 6 } }
    const wrong = differences(
      printedExpectation(json(), expectation, 'tcp', 10),
      row(expectations, printedExpectation(expectations, expectation, 'tcp', 10)),
    )
    if (wrong.length > 0) throw new Error(wrong.join('\n'))
  })
})

t.test('flows of all protocols make one table', async (t) => {
  const rows = read(flows.head + realFlows.map(({ body, family }) => printed(flows, body, family)).join(''))
  t.equal(rows.length, realFlows.length)
  for (const [i, { body, family, line }] of realFlows.entries())
    t.strictSame(differences(printed(json(), body, family), rows[i] ?? {}), [], line)
})

t.test('commas and quotes are quoted; line ends cannot be', async (t) => {
  const helper = (name: string): string | undefined => row(flows, printedFlow(flows, { helper: { name } }))['helper.name']
  for (const name of ['ftp', 'a,b', '"', 'a "b", c', ' ', 'é€', '=1']) t.equal(helper(name), name)
  t.equal(helper('a\r\nb\u001b'), 'a\\u000d\\u000ab\\u001b')
  t.match(printedFlow(flows, { status: ['ASSURED'] }), ',ASSURED,')
  t.match(printedFlow(flows, { status: ['SEEN_REPLY', 'ASSURED'] }), ',"SEEN_REPLY,ASSURED",')
  t.match(printedFlow(flows), /^udp,ipv4,10\.0\.0\.1,10\.0\.0\.2,17,.*\r\n$/)
})
