import { inspect } from 'node:util'
import t from 'tap'
import { matcher } from '../../src/schema/match.ts'
import type { ProtocolVariant } from '../../src/tables/protocol.ts'
import { entryOf, flowLayout, kernelFlows } from '../entries.ts'
import { datagram, echo, keyed, stream } from '../protocols.ts'
import { forAll } from '../random.ts'
import { randomFilter } from '../random-filter.ts'
import { randomFields } from '../random-flow.ts'
import { matchesNaively } from './match-naively.ts'

const PROTOCOLS = [stream, datagram, echo, keyed]
const NAMES = PROTOCOLS.map(({ name }) => name)
const LAYOUT = flowLayout(PROTOCOLS)
const encode = kernelFlows(PROTOCOLS)

type Fields = Record<string, unknown>

t.test('a filter holds for bytes where it holds for the flow that they stand for', (t) => {
  const outcomes = { holds: 0, fails: 0, refused: 0 }
  forAll(t, 12000, 8, (random) => {
    const { name, number } = random.pick(PROTOCOLS)
    const family = random.pick(['ipv4', 'ipv6'] as const)
    const { table } = LAYOUT.shape(number).variant
    const fields = randomFields(random, table, family)
    const flow = { ...fields, protocol: name, family, original: { ...(fields.original as Fields), protocolNumber: number } }
    const entry = entryOf(LAYOUT, encode(flow), family === 'ipv4' ? 2 : 10)

    const other = LAYOUT.shape(random.pick(PROTOCOLS).number).variant.table
    const asked = randomFilter(random, random.oneIn(3) ? other : table, flow, NAMES)
    let matches: ReturnType<typeof matcher<ProtocolVariant>>
    try {
      matches = matcher(LAYOUT, asked)
    } catch (error) {
      // Such as a protocol with the fields of another.
      if (!(error instanceof RangeError) || !error.message.startsWith('unknown field')) throw error
      outcomes.refused++
      return
    }
    const expected = matchesNaively(flow, asked, (path) => !entry.shape.fields.has(path))
    outcomes[expected ? 'holds' : 'fails']++
    if (matches(entry) !== expected) throw new Error(inspect({ flow, asked, expected }, { depth: 9 }))
  })
  t.ok(outcomes.holds > 1500 && outcomes.fails > 1500, JSON.stringify(outcomes))
  t.end()
})
