import { conformance, kernelConformance, type KernelFlows, type Opposites } from '@conntrack/core/conformance'
import t from 'tap'
import { csv, json, line, save, tableRows, xml } from '../../../formatters/src/index.ts'
import { attribute, type Kind, type Protocol, u8 } from '../../src/plugin.ts'
import { datagram, stream } from '../protocols.ts'

const formatters = { line: line(), json: json(), save: save(), xml: xml(), csv: csv([stream, datagram]), table: tableRows() }
const opposites: Opposites = [
  [
    { sourcePort: 1, destinationPort: 2 },
    { sourcePort: 2, destinationPort: 1 },
  ],
]

/** Whether a protocol fails this check of the suite. */
function fails(protocol: Protocol, check: string, facts = { opposites, formatters }): boolean {
  const found = conformance(protocol, facts).find(({ name }) => name === `${protocol.name}: ${check}`)
  if (found === undefined) throw new Error(`no check is called '${check}'`)
  try {
    found.run()
    return false
  } catch {
    return true
  }
}

t.test('protocols that are right pass', (t) => {
  for (const protocol of [stream, datagram])
    for (const { name, run } of conformance(protocol, { opposites, formatters })) t.doesNotThrow(run, name)
  t.end()
})

const state = (kind: Kind<unknown>) =>
  ({ ...stream, protoinfo: { ...stream.protoinfo, state: { ...stream.protoinfo.state, kind } } }) as Protocol
const option = (change: object, at = stream.options.length - 1) =>
  ({ ...stream, options: stream.options.map((one, i) => (i === at ? { ...one, ...change } : one)) }) as Protocol
const good = stream.protoinfo.state.kind as Kind<unknown>

const VOCABULARY = 'it has a name and a number, and a word for every field of its tuple'
const FIELDS = 'its fields are no other fields of a flow'
const OPTIONS = 'its options are about fields that exist, each under names of its own'
const NEEDS = 'what a command needs, it can be told: both ends of a pair, and every field that is required'
const OPPOSITE = 'the opposite of a tuple is known, and the opposite of that is the tuple'
const WIRE = 'what is written is read, and what is read can be written'
const COMPLETE = 'of a new flow, what was given stays as it is, and what is added can be sent'
const LINE = 'a line has all that the object has, under the words for it'
const JSON_FIELDS = 'JSON has the very fields of the object'
const XML = 'XML has an element for each field of its tuple, and for its state'
const CSV = 'CSV has a column for each of its fields, with what the option of it takes'
const TABLE = 'a table shows its tuple and its state'
const SAVE = 'what is saved is read by its options, and says the same'

const faults: readonly (readonly [what: string, protocol: Protocol, check: string])[] = [
  ['a name with a capital', { ...stream, name: 'Stream' }, VOCABULARY],
  ['a number that no packet has', { ...stream, number: 256 }, VOCABULARY],
  ['a field of the tuple without a word', { ...stream, labels: { sourcePort: 'sport' } }, VOCABULARY],
  ['one word for two fields', { ...stream, labels: { sourcePort: 'port', destinationPort: 'port' } }, VOCABULARY],
  ['a state that is no field', { ...stream, state: 'phase' }, VOCABULARY],
  [
    'a field that every flow has',
    { ...stream, protoinfo: { mark: attribute(1, 'X', u8) }, state: undefined, options: datagram.options },
    FIELDS,
  ],
  ['an option about no field', option({ sets: 'phase' }), OPTIONS],
  ['an option that no command takes', option({ use: {} }), OPTIONS],
  ['help with a full stop', option({ help: 'the state of it.' }), OPTIONS],
  ['a name twice', option({ names: ['sport'] }), OPTIONS],
  ['half a pair', option({ use: {} }, 1), NEEDS],
  ['an opposite that is the tuple', { ...stream, opposite: (tuple: object) => tuple }, OPPOSITE],
  ['a kind that writes what it does not read', state({ ...good, write: (bytes, at) => ((bytes[at] = 1), 1) }), WIRE],
  ['a complete() that forgets', { ...stream, complete: () => ({}) }, COMPLETE],
  ['a kind that prints something else', state({ ...good, print: (text) => text.string('?') }), '--state takes what is shown'],
  ['a kind whose JSON is something else', state({ ...good, json: (text) => text.string('"?"') }), JSON_FIELDS],
  ['a kind that takes anything', state({ ...good, parse: () => 'OPEN' }), '--state takes what is shown'],
  [
    'a kind that takes one for another',
    state({ ...good, parse: (argument) => good.parse(argument === 'OPEN' ? 'OPENING' : argument) }),
    SAVE,
  ],
]

for (const [what, protocol, check] of faults)
  t.test(`${what} is found`, (t) => {
    t.ok(fails(protocol, check), check)
    t.end()
  })

t.test('a formatter that leaves something out is found', (t) => {
  const silent = { name: 'silent', compile: () => (_: unknown, text: { string(value: string): void }) => text.string('{}\n') }
  t.ok(fails(stream, LINE, { opposites, formatters: { ...formatters, line: silent } }))
  t.ok(fails(stream, JSON_FIELDS, { opposites, formatters: { ...formatters, json: silent } }))
  t.ok(fails(stream, SAVE, { opposites, formatters: { ...formatters, save: silent } }))
  t.ok(fails(stream, XML, { opposites, formatters: { ...formatters, xml: silent } }))
  const unended = { name: 'unended', compile: () => (_: unknown, text: { string(value: string): void }) => text.string('<flow><meta>\n') }
  t.ok(fails(datagram, XML, { opposites, formatters: { ...formatters, xml: unended } }))
  t.ok(fails(stream, CSV, { opposites, formatters: { ...formatters, csv: { ...silent, head: 'protocol,original.sourcePort\n' } } }))
  t.ok(fails(stream, TABLE, { opposites, formatters: { ...formatters, table: silent } }))
  t.ok(fails(stream, OPPOSITE, { opposites: [], formatters }))
  t.end()
})

t.test('a kernel that does not do what it is told fails the checks of the kernel', (t) => {
  const [layer4] = opposites
  const deaf: KernelFlows = {
    list: () => [],
    get: () => undefined,
    create: () => {},
    update: () => ({ matched: 0, updated: 0 }),
    delete: () => ({ matched: 0, deleted: 0 }),
    flush: () => {},
    count: () => 0,
  }
  const checks = kernelConformance(datagram, { layer4 })
  t.equal(checks.length, 9)
  for (const { name, run } of checks) t.throws(() => run(deaf), name)
  t.equal(kernelConformance(datagram, { layer4, zones: false, families: ['ipv4'] }).length, 5)
  t.end()
})
