import t from 'tap'
import { matcher } from '../../src/schema/match.ts'
import { natRelations } from '../../src/tables/nat.ts'
import { entryOf, flowLayout, kernelFlows } from '../entries.ts'
import { echo, stream } from '../protocols.ts'

const LAYOUT = flowLayout([stream, echo])
const encode = kernelFlows([stream, echo])
const DONE = ['SRC_NAT_DONE', 'DST_NAT_DONE'] // as of every flow that NAT has looked at

type End = readonly [address: string, port: number]

/** A flow between two ends, and the ends that its replies show. */
function flow(
  [source, sourcePort]: End,
  [destination, destinationPort]: End,
  [from, fromPort]: End,
  [to, toPort]: End,
  status: readonly string[] = DONE,
) {
  const original = { source, destination, protocolNumber: 6, sourcePort, destinationPort }
  const reply = { source: from, destination: to, protocolNumber: 6, sourcePort: fromPort, destinationPort: toPort }
  return entryOf(LAYOUT, encode({ protocol: 'stream', original, reply, status }), source.includes(':') ? 10 : 2)
}

const A: End = ['10.0.0.1', 1024]
const B: End = ['10.0.0.2', 80]
const plain = flow(A, B, B, A)
const source = flow(A, B, B, ['192.0.2.1', 1024])
const sourcePort = flow(A, B, B, ['10.0.0.1', 5000])
const destination = flow(A, B, ['192.0.2.2', 80], A)
const destinationPort = flow(A, B, ['10.0.0.2', 8080], A)
const both = flow(A, B, ['192.0.2.2', 8080], ['192.0.2.1', 5000])
const six = flow(['fd00::1', 1024], ['fd00::2', 80], ['fd00::2', 80], ['2001:db8::1', 1024])
const FLOWS = { plain, source, sourcePort, destination, destinationPort, both, six }

/** The names of the flows for which a condition holds. */
const names = (filter: object): string[] => {
  const matches = matcher(LAYOUT, filter as Record<string, unknown>, natRelations)
  return Object.entries(FLOWS).flatMap(([name, entry]) => (matches(entry) ? [name] : []))
}

t.test('true is any translation of address or port', (t) => {
  t.strictSame(names({ sourceNat: true }), ['source', 'sourcePort', 'both', 'six'])
  t.strictSame(names({ destinationNat: true }), ['destination', 'destinationPort', 'both'])
  t.strictSame(names({ anyNat: true }), ['source', 'sourcePort', 'destination', 'destinationPort', 'both', 'six'])
  t.strictSame(names({ sourceNat: true, destinationNat: true }), ['both'])
  t.strictSame(names({ sourceNat: {} }), names({ sourceNat: true }), 'and so is no condition on either')
  t.strictSame(names({ sourceNat: { address: undefined, port: undefined } }), names({ sourceNat: true }))
  t.end()
})

t.test('the address is the one after translation', (t) => {
  t.strictSame(names({ sourceNat: { address: '192.0.2.1' } }), ['source', 'both'])
  t.strictSame(names({ sourceNat: { address: '192.0.2.0/24' } }), ['source', 'both'])
  t.strictSame(names({ sourceNat: { address: '10.0.0.1' } }), [], 'where it is another than before')
  t.strictSame(names({ destinationNat: { address: '192.0.2.2' } }), ['destination', 'both'])
  t.strictSame(names({ anyNat: { address: '192.0.2.0/24' } }), ['source', 'destination', 'both'])
  t.strictSame(names({ sourceNat: { address: '2001:db8::1' } }), ['six'])
  t.strictSame(names({ sourceNat: { address: '2001:db8::2' } }), [])
  t.strictSame(names({ anyNat: { address: { not: '192.0.2.1' } } }), ['destination', 'both', 'six'])
  t.end()
})

t.test('the port is the one after translation', (t) => {
  t.strictSame(names({ sourceNat: { port: 5000 } }), ['sourcePort', 'both'])
  t.strictSame(names({ sourceNat: { port: 1024 } }), [], 'where it is another than before')
  t.strictSame(names({ destinationNat: { port: { from: 8000, to: 9000 } } }), ['destinationPort', 'both'])
  t.strictSame(names({ anyNat: { port: 8080 } }), ['destinationPort', 'both'])
  t.strictSame(names({ sourceNat: { address: '192.0.2.1', port: 5000 } }), ['both'])
  t.strictSame(names({ sourceNat: { address: '192.0.2.1', port: 5001 } }), [])
  t.end()
})

t.test('not one of these is every other flow, translated or not', (t) => {
  t.strictSame(names({ sourceNat: { not: true } }), ['plain', 'destination', 'destinationPort'])
  t.strictSame(names({ sourceNat: { not: { address: '192.0.2.1' } } }), ['plain', 'sourcePort', 'destination', 'destinationPort', 'six'])
  t.strictSame(names({ anyNat: { not: {} } }), ['plain'])
  t.strictSame(names({ anyNat: { not: { not: { port: 8080 } } } }), names({ anyNat: { port: 8080 } }))
  t.throws(() => names({ anyNat: { not: 5 } }), RangeError)
  t.end()
})

t.test('there is none before the kernel says that it is done', (t) => {
  const matches = matcher(LAYOUT, { sourceNat: true }, natRelations)
  t.notOk(matches(flow(A, B, B, ['192.0.2.1', 1024], ['SRC_NAT', 'DST_NAT_DONE'])))
  t.ok(matches(flow(A, B, B, ['192.0.2.1', 1024], ['SRC_NAT_DONE'])))
  t.end()
})

t.test('a protocol without ports is translated by address alone', (t) => {
  const ping = (to: string) =>
    entryOf(
      LAYOUT,
      encode({
        protocol: 'echo',
        original: { source: '10.0.0.1', destination: '10.0.0.2', protocolNumber: 1, id: 1 },
        reply: { source: '10.0.0.2', destination: to, protocolNumber: 1, id: 2 },
        status: DONE,
      }),
    )
  const matches = (condition: unknown, to: string): boolean => matcher(LAYOUT, { sourceNat: condition }, natRelations)(ping(to))
  t.ok(matches(true, '192.0.2.1'))
  t.notOk(matches(true, '10.0.0.1'))
  t.notOk(matches({ port: 2 }, '192.0.2.1'))
  t.notOk(matches({ port: { not: 2 } }, '192.0.2.1'))
  t.end()
})

t.test('a condition that cannot be is an error, not one that holds for all', (t) => {
  for (const name of ['sourceNat', 'destinationNat', 'anyNat']) {
    const error = (condition: unknown) => () => names({ [name]: condition })
    for (const condition of [false, null, 5, []])
      t.throws(error(condition), new RangeError(`${name}: expected true, an object of address and port, or not one of those`))
    t.throws(error({ adress: '10.0.0.1' }), new RangeError(`unknown field '${name}.adress'`))
    t.throws(error({ address: 'localhost' }), new RangeError(`${name}.address: 'localhost' is not an ipv4 address`))
    t.throws(error({ port: 70000 }), new RangeError(`${name}.port: 70000 is not a whole number from 0 to 65535`))
    t.throws(error('10.0.0.1'), RangeError)
  }
  t.end()
})
