import { inspect, isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { flowVariants } from '../../core/src/tables/protocol.ts'
import { attribute, concat, hex, nested } from '../../core/test/bytes.ts'
import { entryOf, flowLayout, kernelFlows } from '../../core/test/entries.ts'
import { forAll } from '../../core/test/random.ts'
import { randomFields } from '../../core/test/random-flow.ts'
import { realDestroy, realFlows } from '../../core/test/real-flows.ts'
import { JSON_VERSION, json } from '../src/index.ts'
import { PROTOCOLS, printed, printedFlow } from './printed.ts'

/** A value as JSON has it: a 64-bit number as decimal digits, bytes as hexadecimal ones. */
function asJson(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Uint8Array) return hex(value)
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, asJson(one)]))
}

/** What is not as it should be in the JSON of a message, if anything. */
function difference(body: Uint8Array, family: number): string | undefined {
  const text = printed(json(), body, family)
  if (!/^[^\n]*\n$/.test(text)) return `it is not one line: ${JSON.stringify(text)}`
  const entry = entryOf(flowLayout(PROTOCOLS), body, family)
  const flow = entry.decode({ version: JSON_VERSION, protocol: entry.shape.variant.name, family: family === 10 ? 'ipv6' : 'ipv4' })
  const parsed: unknown = JSON.parse(text)
  if (!isDeepStrictEqual(parsed, asJson(flow))) return inspect({ parsed, flow }, { depth: 9 })
  // The order is the same as well.
  return JSON.stringify(parsed) === JSON.stringify(asJson(flow)) ? undefined : `another order: ${text}`
}

t.test('a flow is an object on a line', (t) => {
  const flow = {
    protocol: 'tcp',
    original: { sourcePort: 1000, destinationPort: 80 },
    reply: { sourcePort: 80, destinationPort: 1000 },
    timeout: 300,
    state: 'ESTABLISHED',
    flagsReply: { flags: ['SACK_PERM'], mask: [] },
    status: ['SEEN_REPLY', 'ASSURED', 'bit20'],
    mark: 0,
    originalCounters: { packets: 18446744073709551615n, bytes: 0n },
    labels: Uint8Array.of(0, 0xff),
    id: 7,
  }
  t.equal(
    printedFlow(json(), flow),
    '{"version":1,"protocol":"tcp","family":"ipv4",' +
      '"original":{"source":"10.0.0.1","destination":"10.0.0.2","protocolNumber":6,"sourcePort":1000,"destinationPort":80},' +
      '"reply":{"source":"10.0.0.2","destination":"10.0.0.1","protocolNumber":6,"sourcePort":80,"destinationPort":1000},' +
      '"timeout":300,"state":"ESTABLISHED","flagsReply":{"flags":["SACK_PERM"],"mask":[]},' +
      '"status":["SEEN_REPLY","ASSURED","bit20"],"mark":0,' +
      '"originalCounters":{"packets":"18446744073709551615","bytes":"0"},"labels":"00ff","id":7}\n',
  )
  t.end()
})

t.test('what a kernel listed is the same in JSON as in the SDK', (t) => {
  for (const { body, family, line } of realFlows) t.equal(difference(body, family), undefined, line)
  t.equal(difference(realDestroy, 2), undefined)
  t.end()
})

t.test('whatever a kernel may send is the same in JSON as in the SDK', (t) => {
  const encode = kernelFlows(PROTOCOLS)
  for (const { name, number, table } of flowVariants(PROTOCOLS).slice(0, -1)) {
    forAll(t, 150, number, (random) => {
      const family = random.pick(['ipv4', 'ipv6'] as const)
      const fields = randomFields(random, table, family)
      const body = encode({ protocol: name, ...fields, original: { ...(fields.original as object), protocolNumber: number } })
      const wrong = difference(body, family === 'ipv6' ? 10 : 2)
      if (wrong !== undefined) throw new Error(wrong)
    })
  }
  t.end()
})

t.test('of a protocol that is not known, the bytes are there', (t) => {
  const own = attribute(99, [1, 2, 3, 4])
  t.match(JSON.parse(printed(json(), nested(1, nested(2, concat(attribute(1, [253]), own))))), {
    protocol: 'unknown',
    original: { layer4: hex(own), protocolNumber: 253 },
    reply: {},
  })
  t.end()
})

t.test('a helper or security context can have any name', (t) => {
  for (const name of ['ftp', '"', '\\', '"},{"', '{', '\n', '\u0001\u001f\u007f', '</a>', 'é€𝄞\u2028', '']) {
    const text = printedFlow(json(), { helper: { name }, securityContext: { name } })
    const { helper, securityContext } = JSON.parse(text)
    t.ok(helper.name === name && securityContext.name === name)
    // oxlint-disable-next-line no-control-regex
    t.notMatch(text.slice(0, -1), /[\0-\u001f]/)
  }
  const invalid = printed(json(), nested(5, attribute(1, [0xff, 0xc0, 0x41, 0])))
  t.match(JSON.parse(invalid), { helper: { name: '\ufffd\ufffdA' } }, 'what is no UTF-8 is replaced')
  t.end()
})

t.test('there is neither head nor tail: each line stands for itself', (t) => {
  t.strictSame([json().head, json().tail], [undefined, undefined])
  t.end()
})
