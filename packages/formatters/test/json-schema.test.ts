import t from 'tap'
import { cpuStatisticsTable, expectationStatisticsTable } from '../../core/src/plugin.ts'
import { expectationVariants, flowVariants } from '../../core/src/tables/protocol.ts'
import { forAll } from '../../core/test/random.ts'
import { randomFields } from '../../core/src/conformance/fields.ts'
import { realFlows } from '../../core/test/real-flows.ts'
import { json, jsonRecord, jsonSchema } from '../src/index.ts'
import { PROTOCOLS, printed, printedExpectation, printedFlow } from './printed.ts'
import { invalid, publishedSchema } from './valid-json.ts'

t.test('the published schema is the one that follows from the tables: `npm run generate` writes it', async (t) => {
  t.strictSame(publishedSchema, JSON.parse(JSON.stringify(jsonSchema(PROTOCOLS))))
})

t.test('it knows whatever can be in a flow of each protocol', async (t) => {
  for (const { name, number, table } of flowVariants(PROTOCOLS).slice(0, -1)) {
    forAll(t, 12, number + 1, (random) => {
      const family = random.pick(['ipv4', 'ipv6'] as const)
      const wrong = invalid(printedFlow(json(), { protocol: name, family, ...numbered(randomFields(random, table, family), number) }))
      if (wrong !== undefined) throw new Error(wrong)
    })
  }
})

t.test('and in an expectation', async (t) => {
  for (const { name, number, table } of expectationVariants(PROTOCOLS).slice(0, -1)) {
    forAll(t, 12, number + 2, (random) => {
      const family = random.pick(['ipv4', 'ipv6'] as const)
      const fields = numbered(randomFields(random, table, family), number)
      const wrong = invalid(printedExpectation(json(), fields, name, family === 'ipv4' ? 2 : 10))
      if (wrong !== undefined) throw new Error(wrong)
    })
  }
})

/** The entry with its protocol's number in every tuple. */
function numbered(fields: Record<string, unknown>, number: number): Record<string, unknown> {
  const tuple = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && 'protocolNumber' in value ? { ...value, protocolNumber: number } : value
  return Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, tuple(value)]))
}

t.test('what a kernel listed is valid', async (t) => {
  for (const { body, family, line } of realFlows) t.equal(invalid(printed(json(), body, family)), undefined, line)
})

t.test('so are counts, statistics and errors', async (t) => {
  const counters = (table: object): object => Object.fromEntries(Object.keys(table).map((field) => [field, 4294967295]))
  for (const record of [
    { count: 0 },
    { cpu: 0, ...counters(cpuStatisticsTable) },
    { cpu: 127, ...counters(expectationStatisticsTable) },
    { error: { message: 'no such flow', code: 'ENOENT', status: 1 } },
  ])
    t.equal(invalid(jsonRecord(record)), undefined)
})

t.test('and events with what is told of them', async (t) => {
  const flow = JSON.parse(printedFlow(json(), { protocol: 'tcp', state: 'CLOSE' })) as { version?: number }
  const { version: _, ...nested } = flow
  const event = { type: 'new', timestamp: 1_800_000_000_000_000_001n, portId: 0, synthetic: false, flow: nested }
  t.equal(invalid(jsonRecord(event)), undefined)
  t.equal(invalid(jsonRecord({ ...event, program: 'conntrack' })), undefined)
  t.match(invalid(jsonRecord({ ...event, type: 'old' })), String)
  t.match(invalid(jsonRecord({ ...event, flow: { ...nested, protocol: 'udp' } })), String)
  t.equal(invalid(jsonRecord({ type: 'overrun', timestamp: 2n, since: 1n, lost: 3, times: 1 })), undefined)
  t.equal(invalid(jsonRecord({ type: 'dropped', timestamp: 2n, since: 1n, updates: 3, coalesced: 1 })), undefined)
  t.equal(invalid(jsonRecord({ type: 'resynced', timestamp: 2n, new: 1, update: 2, destroy: 3 })), undefined)
  t.match(invalid(jsonRecord({ type: 'resynced', timestamp: 2n, since: 1n, new: 1, update: 2, destroy: 3 })), String)
})

t.test('what is wrong is not valid', async (t) => {
  const line = printedFlow(json(), { protocol: 'tcp', state: 'CLOSE', timeout: 1, mark: 7, originalCounters: { packets: 1n, bytes: 2n } })
  t.equal(invalid(line), undefined)
  for (const [right, wrong] of [
    ['"version":1', '"version":2'],
    ['"version":1,', ''],
    ['"protocol":"tcp"', '"protocol":"udp"'],
    ['"family":"ipv4"', '"family":"ipv5"'],
    ['"timeout":1', '"timeout":"1"'],
    ['"timeout":1', '"timeout":-1'],
    ['"timeout":1', '"time":1'],
    ['"mark":7', '"mark":4294967296'],
    ['"packets":"1"', '"packets":1'],
    ['"packets":"1"', '"packets":"01"'],
    ['"packets":"1",', ''],
    ['"CLOSE"', '"CLOSED"'],
    ['"10.0.0.1"', '"10.0.0.256"'],
    ['"original"', '"originale"'],
  ] as const) {
    t.ok(line.includes(right), right)
    t.match(invalid(line.replace(right, wrong)), String, wrong)
  }
})
