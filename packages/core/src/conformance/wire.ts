import { encoder } from '../schema/encode.ts'
import { layout } from '../schema/layout.ts'
import type { Row } from '../schema/table.ts'
import { expectationTable } from '../tables/expectation.ts'
import { flowTable } from '../tables/flow.ts'
import { expectationVariants, flowVariants, type Protocol } from '../tables/protocol.ts'
import { kernelEncoder } from '../testing/codec.ts'
import { type Check, must, same } from './check.ts'
import { entryOf, flowLayout } from './entries.ts'
import { type Fields, randomFields } from './fields.ts'
import { inAllCases } from './random.ts'

/** A tuple's fields, and those of the other direction. */
export type Opposites = readonly (readonly [tuple: Fields, opposite: Fields])[]

const FAMILIES = { ipv4: 2, ipv6: 10 } as const

/** What becomes of a protocol's fields on the way to the kernel and back. */
export function wire(protocol: Protocol, opposites: Opposites): Check[] {
  const { number, tuple, protoinfo, defaults } = protocol
  const table = flowTable(tuple, protoinfo)
  const layer4 = encoder(tuple)
  const sent = encoder(table)
  return [
    {
      name: 'the opposite of a tuple is known, and the opposite of that is the tuple',
      run() {
        must(opposites.length > 0, 'no tuple and its opposite are given')
        for (const [one, other] of opposites) {
          same(protocol.opposite(one), other, 'opposite')
          same(protocol.opposite(other), one, 'opposite of the opposite')
          for (const each of [one, other, defaults ?? {}]) layer4.encode(each)
        }
      },
    },
    {
      name: 'what is written is read, and what is read can be written',
      run() {
        const tables = flowLayout([protocol])
        const kernel = kernelEncoder(table)
        inAllCases(1000, number, (random) => {
          const family = random.pick(['ipv4', 'ipv6'] as const)
          const flow = numbered(randomFields(random, table, family), 'original', number)
          const entry = entryOf(tables, kernel.encode(flow), FAMILIES[family])
          must(entry.shape.variant.protocol === protocol, `it is taken for ${entry.shape.variant.name}`)
          const decoded = entry.decode()
          same(decoded, flow, 'flow')
          sent.encode(decoded)
        })
      },
    },
    {
      name: 'the same holds of its expectations',
      run() {
        const expectations = expectationTable(tuple)
        const tables = layout(expectationVariants([protocol]), 'tuple.protocolNumber')
        const kernel = kernelEncoder(expectations)
        const sent = encoder(expectations)
        inAllCases(300, number, (random) => {
          const given = numbered(randomFields(random, expectations, 'ipv4'), 'tuple', number)
          const decoded = entryOf(tables, kernel.encode(given)).decode()
          same(decoded, given, 'expectation')
          sent.encode(decoded)
        })
      },
    },
    {
      name: 'where it is not installed, nothing of its flows is lost',
      run() {
        const unknown = encoder(flowVariants([])[0].table)
        const [without, own] = [flowLayout([]), flowLayout([protocol])]
        inAllCases(300, number, (random) => {
          const isTold = (row: Row): boolean => 'fromKernel' in row
          const flow = numbered(randomFields(random, table, 'ipv4', isTold), 'original', number)
          const again = unknown.encode(entryOf(without, sent.encode(flow)).decode())
          same(entryOf(own, again).decode(), flow, 'flow')
        })
      },
    },
    {
      name: 'of a new flow, what was given stays as it is, and what is added can be sent',
      run() {
        const info = encoder(protoinfo)
        inAllCases(100, number, (random) => {
          const given = randomFields(random, protoinfo, 'ipv4')
          const completed = protocol.complete?.(given) ?? given
          same(
            Object.keys(given).filter((field) => !(field in completed)),
            [],
            'fields that are no more',
          )
          info.encode(completed)
        })
      },
    },
  ]
}

/** Fields with the protocol's number in the tuple that tells it. */
export function numbered(fields: Fields, tuple: string, protocolNumber: number): Fields {
  return { ...fields, [tuple]: { ...(fields[tuple] as Fields), protocolNumber } }
}
