import { inspect, isDeepStrictEqual } from 'node:util'
import type { Test } from 'tap'
import { encoder } from '../src/schema/encode.ts'
import type { Attribute } from '../src/schema/table.ts'
import { Text } from '../src/schema/text.ts'
import { flowTable } from '../src/tables/flow.ts'
import { expectationRow, flowRow, flowVariants, type Option, type Protocol } from '../src/tables/protocol.ts'
import { entryOf, flowLayout, kernelEncoder } from './entries.ts'
import { missingFrom, sameAsHeader, skipHeaders as skip } from './kernel-headers.ts'
import { forAll } from './random.ts'
import { randomFields, randomValue } from './random-flow.ts'

type Fields = Readonly<Record<string, unknown>>

/** What differs from protocol to protocol. */
export interface Conformance {
  /** Tuples, and what their opposites are. */
  readonly opposites: readonly (readonly [tuple: Fields, opposite: Fields])[]
  /** The enum of linux/netfilter/nfnetlink_conntrack.h that `protoinfo` is, if any. */
  readonly protoinfo?: string
}

/** The field that an option is about: of flows, or of expectations if it is for them alone. */
function rowOf(protocol: Protocol, { sets, use }: Option): unknown {
  return (Object.keys(use).length > 0 ? flowRow : expectationRow)(protocol, sets)
}

/** The tests that every protocol passes. */
export function conforms(t: Test, protocol: Protocol, { opposites, protoinfo: enumeration }: Conformance): void {
  const { name, number, tuple, protoinfo, labels, state, options } = protocol
  const table = flowTable(tuple, protoinfo)

  t.test(`${name}: the attributes have the kernel's numbers`, { skip }, (t) => {
    sameAsHeader(t, tuple)
    if (enumeration === undefined) t.strictSame(protoinfo, {})
    else {
      sameAsHeader(t, protoinfo)
      t.strictSame(missingFrom(protoinfo, enumeration), [], 'and none is missing')
    }
    t.end()
  })

  t.test(`${name}: it has a name, a number, and a word for every field of the tuple`, (t) => {
    t.match(name, /^[a-z][a-z0-9]*$/)
    t.ok(Number.isInteger(number) && number >= 0 && number <= 255)
    t.strictSame(Object.keys(labels).sort(), Object.keys(tuple).sort())
    for (const label of Object.values(labels)) t.match(label, /^[a-z]+$/)
    t.equal(new Set(Object.values(labels)).size, Object.keys(labels).length)
    if (state !== undefined) t.ok(Object.hasOwn(protoinfo, state))
    t.end()
  })

  t.test(`${name}: its fields are no other fields of a flow`, (t) => {
    const common = flowTable({}, {})
    t.strictSame(
      Object.keys(protoinfo).filter((field) => field in common || ['protocol', 'family', 'nat'].includes(field)),
      [],
    )
    t.strictSame(
      Object.keys(tuple).filter((field) => field in common.original.table),
      [],
    )
    t.end()
  })

  t.test(`${name}: its options are about fields that exist, each under names of its own`, (t) => {
    const names = options.flatMap((option) => option.names)
    t.equal(new Set(names).size, names.length)
    for (const one of names) t.match(one, /^[a-z][a-z0-9]*(-[a-z0-9]+)+$|^[a-z]{3,}$/)
    for (const option of options) {
      const { sets, help, argument, use, expectation } = option
      t.ok(rowOf(protocol, option), sets)
      t.match(help, /^\S.{5,60}[^. ]$/)
      t.match(argument, /^[A-Z]+$/)
      t.ok(Object.keys({ ...use, ...expectation }).length > 0)
    }
    const about = new Set(options.map(({ sets }) => sets))
    t.strictSame(
      Object.keys(tuple).filter((field) => !about.has(`original.${field}`)),
      [],
      'and there is one for every field of the tuple',
    )
    t.end()
  })

  for (const option of options) {
    t.test(`${name}: --${option.names[0]} takes what a line shows`, (t) => {
      const { kind } = rowOf(protocol, option) as Attribute<unknown>
      forAll(t, 300, number, (random) => {
        const payload = new Uint8Array(kind.size ?? 64)
        kind.write(payload, 0, randomValue(random, kind))
        const text = new Text()
        kind.print(text, payload, 0, payload.length)
        const again = new Uint8Array(payload.length)
        kind.write(again, 0, kind.parse(text.toString()))
        const shown = new Text()
        kind.print(shown, again, 0, again.length)
        // Unknown states are all shown by the first name, so that what is shown is compared.
        if (shown.toString() !== text.toString()) throw new Error(`${text.toString()} is taken for ${shown.toString()}`)
      })
      t.throws(() => kind.parse('no such value'), RangeError)
      t.throws(() => kind.parse(''), RangeError)
      t.end()
    })
  }

  t.test(`${name}: the opposite of a tuple is known, and the opposite of that is the tuple`, (t) => {
    t.ok(opposites.length > 0)
    for (const [one, other] of opposites) {
      t.strictSame(protocol.opposite(one), other)
      t.strictSame(protocol.opposite(other), one)
    }
    t.end()
  })

  t.test(`${name}: what is written is read, and what is read can be written`, (t) => {
    const layout = flowLayout([protocol])
    const kernel = kernelEncoder(table)
    forAll(t, 1000, number, (random) => {
      const family = random.pick(['ipv4', 'ipv6'] as const)
      const fields = randomFields(random, table, family)
      const flow = { ...fields, original: { ...(fields.original as Fields), protocolNumber: number } }
      const entry = entryOf(layout, kernel.encode(flow), family === 'ipv4' ? 2 : 10)
      const decoded = entry.decode()
      if (entry.shape.variant.protocol !== protocol) throw new Error(`it is taken for ${entry.shape.variant.name}`)
      if (!isDeepStrictEqual(decoded, flow)) throw new Error(inspect({ flow, decoded }, { depth: 9 }))
      encoder(table).encode(decoded)
    })
    t.end()
  })

  t.test(`${name}: where it is not installed, nothing of its flows is lost`, (t) => {
    const layout = flowLayout([])
    const own = flowLayout([protocol])
    const [unknown] = flowVariants([])
    forAll(t, 300, number, (random) => {
      const fields = randomFields(random, table, 'ipv4', (row) => 'fromKernel' in row)
      const flow = { ...fields, original: { ...(fields.original as Fields), protocolNumber: number } }
      const body = encoder(table).encode(flow)
      const again = encoder(unknown.table).encode(entryOf(layout, body).decode())
      const decoded = entryOf(own, again).decode()
      if (!isDeepStrictEqual(decoded, flow)) throw new Error(inspect({ flow, decoded }, { depth: 9 }))
    })
    t.end()
  })
}
