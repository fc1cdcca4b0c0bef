import t from 'tap'
import { MalformedMessageError } from '../../src/errors.ts'
import { Entry, type Formatter, printer } from '../../src/schema/entry.ts'
import { Text } from '../../src/schema/text.ts'
import type { ProtocolVariant } from '../../src/tables/protocol.ts'
import { attribute, concat, nested, unhex } from '../bytes.ts'
import { entryOf, flowLayout, messageOf } from '../entries.ts'
import { datagram, echo, stream } from '../protocols.ts'

const LAYOUT = flowLayout([stream, datagram, echo])
const tuple = (number: number): Uint8Array => nested(1, nested(2, attribute(1, [number]), attribute(2, unhex('0400'))))
const mark = attribute(8, unhex('00000007'))

t.test('load() looks at another message and forgets the one before', (t) => {
  const entry = new Entry(LAYOUT)
  t.equal(entry.load(messageOf(concat(tuple(6), mark))), entry)
  t.equal(entry.shape.variant.name, 'stream')
  t.ok(entry.offset('mark') > 0)
  entry.load(messageOf(tuple(17), 10))
  t.equal(entry.shape.variant.name, 'datagram')
  t.equal(entry.offset('mark'), 0)
  t.equal(entry.message.family, 10)
  t.strictSame(entry.decode(), { original: { protocolNumber: 17, sourcePort: 1024 }, reply: {} })
  t.end()
})

t.test('a message without a protocol number is of the unknown protocol', (t) => {
  t.equal(entryOf(LAYOUT, mark).shape.variant.name, 'unknown')
  t.equal(entryOf(LAYOUT, tuple(99)).shape.variant.name, 'unknown')
  t.equal(entryOf(LAYOUT, nested(2, nested(2, attribute(1, [6])))).shape.variant.name, 'unknown', "the reply's number does not count")
  t.end()
})

t.test('offset() is where the payload of a field begins, 0 where there is none', (t) => {
  const entry = entryOf(LAYOUT, concat(tuple(6), mark))
  t.equal(entry.bytes[entry.offset('mark') + 3], 7)
  t.equal(entry.bytes[entry.offset('original.protocolNumber')], 6)
  t.equal(entry.offset('zone'), 0)
  t.equal(entry.offset('original.type'), 0, 'nor is there one of another protocol')
  t.equal(entry.offset('no.such.field'), 0)
  t.end()
})

t.test('a message that is malformed is an error', (t) => {
  t.throws(() => entryOf(LAYOUT, unhex('0300 0800 00000000')), MalformedMessageError)
  t.end()
})

t.test('decode() adds to the object that it is given', (t) => {
  const value = { protocol: 'stream' }
  t.equal(entryOf(LAYOUT, mark).decode(value), value)
  t.strictSame(value, { protocol: 'stream', original: {}, reply: {}, mark: 7 })
  t.end()
})

t.test('printer() compiles a formatter once for each protocol that comes', (t) => {
  const compiled: string[] = []
  const formatter: Formatter<ProtocolVariant> = {
    name: 'names',
    compile({ variant: { name } }) {
      compiled.push(name)
      return (entry, text) => text.string(`${name} ${entry.offset('mark') > 0} `)
    },
  }
  const text = new Text()
  const print = printer(formatter)
  t.strictSame(compiled, [])
  for (const body of [tuple(6), concat(tuple(6), mark), tuple(99), tuple(6), tuple(98)]) print(entryOf(LAYOUT, body), text)
  t.equal(text.toString(), 'stream false stream true unknown false stream false unknown false ')
  t.strictSame(compiled, ['stream', 'unknown'])
  t.end()
})
