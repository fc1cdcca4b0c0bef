import {
  cpuStatisticsTable,
  expectationStatisticsTable,
  expectationVariants,
  flowVariants,
  type JsonSchema,
  type Protocol,
  type ProtocolVariant,
  type Row,
  type Table,
  u32,
  u64,
} from '@conntrack/core/plugin'
import { JSON_VERSION } from './json.ts'

/**
 * The JSON Schema (draft 2020-12) of every line of JSON that is written of these protocols: entries, events, counts, statistics and errors.
 * It follows from the tables, so that there is a property for each of their fields, with the kernel's name as its description.
 * Fields may be added without a new version, so none is forbidden.
 */
export function jsonSchema(protocols: readonly Protocol[]): JsonSchema {
  const shared = new Definitions()
  const flows = entries('Flow', flowVariants(protocols), shared, { labelNames })
  const expectations = entries('Expectation', expectationVariants(protocols), shared, {})
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `urn:conntrack-ts:json:${JSON_VERSION}`,
    title: 'A line of JSON of conntrack.ts',
    description:
      'Numbers of 64 bits are strings of decimal digits, bytes are strings of hexadecimal ones, times are nanoseconds since 1970.',
    type: 'object',
    required: ['version'],
    anyOf: ['flow', 'expectation', ...Object.keys(records())].map(reference),
    $defs: {
      flow: { oneOf: Object.keys(flows).map(reference) },
      expectation: { oneOf: Object.keys(expectations).map(reference) },
      ...records(),
      ...flows,
      ...expectations,
      ...shared.all,
    },
  }
}

const reference = (name: string): JsonSchema => ({ $ref: `#/$defs/${name}` })

const version: JsonSchema = { const: JSON_VERSION, description: 'changes when a name or a type does; stands in every line, once' }
const cpu: JsonSchema = { type: 'integer', minimum: 0, description: 'number of the CPU that counted' }

const labelNames: JsonSchema = {
  type: 'array',
  items: { type: 'string' },
  description: 'names of the labels that have one in connlabel.conf, where they were asked for',
}

const error: JsonSchema = {
  type: 'object',
  required: ['message', 'code', 'status'],
  properties: {
    message: { type: 'string', description: 'for people' },
    code: {
      type: 'string',
      description: "the kernel's name of the error, such as ENOENT; USAGE for a wrong command line, FAILED for others",
    },
    status: { type: 'integer', minimum: 1, maximum: 255, description: 'exit status of the program' },
  },
}

const record = (properties: JsonSchema, required: readonly string[]): JsonSchema => ({
  type: 'object',
  required,
  properties: { version, ...properties },
})

/** What is no entry, or has one in it. */
const records = (): Record<string, JsonSchema> => ({
  count: record({ count: { type: 'integer', minimum: 0, description: 'entries that there are' } }, ['count']),
  cpuStatistics: record({ cpu, ...propertiesOf(cpuStatisticsTable, rowSchema) }, ['cpu']),
  expectationCpuStatistics: record({ cpu, ...propertiesOf(expectationStatisticsTable, rowSchema) }, ['cpu']),
  error: record({ error }, ['error']),
  flowEvent: event('flow'),
  expectationEvent: event('expectation'),
  overrun: report('overrun', {
    lost: counter('messages that the kernel had no room for'),
    times: counter('times that this has happened, this one included'),
  }),
  dropped: report('dropped', {
    updates: counter('updates that were dropped by a queue of our own that was full'),
    coalesced: counter('updates that became part of an earlier event'),
  }),
  resynced: report('resynced', {
    new: counter('entries found that had not been told of'),
    update: counter('changes found'),
    destroy: counter('entries found gone'),
  }),
})

const counter = (description: string): JsonSchema => ({ type: 'integer', minimum: 0, description })
const time = (description: string): JsonSchema => ({ ...u64.schema, description: `${description}, in nanoseconds since 1970` })

/** What has happened to an entry, with the entry in it. */
const event = (entry: 'flow' | 'expectation'): JsonSchema =>
  record(
    {
      type: { enum: ['new', 'update', 'destroy'] },
      timestamp: time('when it happened'),
      portId: { ...u32.schema, description: 'of the netlink socket by which a program made the change; 0 is the kernel' },
      synthetic: { type: 'boolean', description: "whether the kernel's own event was lost and this one found by comparing tables" },
      program: { type: 'string', description: 'name of the program behind the port id' },
      [entry]: reference(entry),
    },
    ['type', 'timestamp', 'portId', 'synthetic', entry],
  )

/** What there is to tell of the events themselves. */
const report = (type: string, counters: Readonly<Record<string, JsonSchema>>): JsonSchema => {
  const since = type === 'resynced' ? {} : { since: time('when all was still told') }
  return record({ type: { const: type }, timestamp: time('when it was noticed'), ...since, ...counters }, [
    'type',
    'timestamp',
    ...Object.keys(since),
    ...Object.keys(counters),
  ])
}

/** The entries of each protocol: `tcpFlow`. */
function entries(what: string, variants: readonly ProtocolVariant[], shared: Definitions, others: JsonSchema): Record<string, JsonSchema> {
  return Object.fromEntries(
    variants.map(({ name, table }) => {
      const properties = propertiesOf(table, (row) => shared.rowSchema(row, name))
      const own = { version, protocol: { const: name }, family: { enum: ['ipv4', 'ipv6'] } }
      const required = ['protocol', 'family', ...requiredOf(table)]
      return [`${name}${what}`, { type: 'object', required, properties: { ...own, ...properties, ...others } }]
    }),
  )
}

/** What stands in more than one place: the tuples of each protocol, and what is the same for all. */
class Definitions {
  readonly all: Record<string, JsonSchema> = {}

  rowSchema(row: Row, protocol: string): JsonSchema {
    if (row.row === 'perFamily') return rowSchema(row)
    const isTuple = row.row === 'nest' && 'protocolNumber' in row.table
    const description = nameOf(row.path)
    const name = SHARED.get(description) ?? (isTuple ? `${protocol}Tuple` : undefined)
    if (name !== undefined) {
      this.all[name] ??= row.row === 'nest' ? nestSchema(row.table, rowSchema) : row.kind.schema
      return { ...reference(name), description }
    }
    return row.row === 'nest' ? { ...nestSchema(row.table, (inner) => this.rowSchema(inner, protocol)), description } : rowSchema(row)
  }
}

/** Rows that are the same for all protocols, and large. */
const SHARED: ReadonlyMap<string, string> = new Map([
  ['CTA_COUNTERS_ORIG', 'counters'],
  ['CTA_COUNTERS_REPLY', 'counters'],
  ['CTA_NAT_SRC', 'nat'],
  ['CTA_NAT_DST', 'nat'],
  ['CTA_TUPLE_MASTER', 'masterTuple'],
  ['CTA_EXPECT_MASTER', 'masterTuple'],
  ['CTA_SEQ_ADJ_ORIG', 'sequenceAdjustment'],
  ['CTA_SEQ_ADJ_REPLY', 'sequenceAdjustment'],
  ['CTA_STATUS', 'status'],
  ['CTA_STATUS_MASK', 'status'],
])

const nestSchema = (table: Table, schemaOf: (row: Row) => JsonSchema): JsonSchema => ({
  type: 'object',
  required: requiredOf(table),
  properties: propertiesOf(table, schemaOf),
})

const requiredOf = (table: Table): string[] => Object.keys(table).filter((field) => 'always' in table[field])

function propertiesOf(table: Table, schemaOf: (row: Row) => JsonSchema): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(table).map(([field, row]) => [field, schemaOf(row)]))
}

function rowSchema(row: Row): JsonSchema {
  if (row.row === 'attribute') return { ...row.kind.schema, description: nameOf(row.path) }
  if (row.row === 'nest') return { ...nestSchema(row.table, rowSchema), description: nameOf(row.path) }
  const { alternatives } = row
  return {
    anyOf: alternatives.map(({ kind }) => kind.schema),
    description: alternatives.map(({ path }) => nameOf(path)).join(' or '),
  }
}

/** The kernel's name of an attribute; of the whole of a nest it has none. */
const nameOf = (path: readonly { readonly name: string }[]): string => path.at(-1)?.name ?? 'all of it, as it came'
