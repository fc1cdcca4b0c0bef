import t from 'tap'
import { expectationVariants, flowVariants } from '../../core/src/tables/protocol.ts'
import { isDeepStrictEqual } from 'node:util'
import { entryOf, flowLayout, kernelFlows } from '../../core/test/entries.ts'
import { forAll } from '../../core/test/random.ts'
import { randomFields } from '../../core/src/conformance/fields.ts'
import { json, jsonReader, jsonRecord } from '../src/index.ts'
import { PROTOCOLS, printed, printedExpectation } from './printed.ts'

const read = jsonReader(PROTOCOLS)

t.test('a flow that was written as JSON is read as the object of the SDK', async (t) => {
  const encode = kernelFlows(PROTOCOLS)
  for (const { name, number, table } of flowVariants(PROTOCOLS).slice(0, -1)) {
    forAll(t, 30, number, (random) => {
      const family = random.pick(['ipv4', 'ipv6'] as const)
      const fields = randomFields(random, table, family)
      const body = encode({ protocol: name, ...fields, original: { ...(fields['original'] as object), protocolNumber: number } })
      const flow = entryOf(flowLayout(PROTOCOLS), body).decode({ version: 1, protocol: name, family })
      const again = read(printed(json(), body, family === 'ipv4' ? 2 : 10))
      if (!isDeepStrictEqual(again, flow)) throw new Error(printed(json(), body))
    })
  }
})

t.test('so is an expectation', async (t) => {
  const [{ table }] = expectationVariants(PROTOCOLS)
  forAll(t, 100, 1, (random) => {
    const fields = randomFields(random, table, 'ipv4')
    const expectation = { ...fields, tuple: { ...(fields['tuple'] as object), protocolNumber: 6 } }
    const again = read(printedExpectation(json(), expectation))
    if (!isDeepStrictEqual(again, { version: 1, protocol: 'tcp', family: 'ipv4', ...expectation })) throw new Error(JSON.stringify(again))
  })
})

t.test('times of events are bigints again, and the entry in them is what it was', async (t) => {
  const event = { version: 1, type: 'destroy', timestamp: '1800000000000000001', portId: 0, synthetic: false }
  t.strictSame(read(JSON.stringify({ ...event, flow: { protocol: 'udp', originalCounters: { packets: '1' } } })), {
    ...event,
    timestamp: 1800000000000000001n,
    flow: { protocol: 'udp', originalCounters: { packets: 1n } },
  })
  const overrun = { version: 1, type: 'overrun', timestamp: '2', since: '1', lost: 3, times: 1 }
  t.strictSame(read(JSON.stringify(overrun)), { ...overrun, timestamp: 2n, since: 1n })
})

t.test('bytes of a protocol that is not known are bytes again', async (t) => {
  const flow = {
    version: 1,
    protocol: 'unknown',
    original: { layer4: 'c0ffee' },
    labels: '00ff',
    originalCounters: { packets: '18446744073709551615' },
  }
  t.strictSame(read(JSON.stringify(flow)), {
    ...flow,
    original: { layer4: Uint8Array.of(0xc0, 0xff, 0xee) },
    labels: Uint8Array.of(0, 0xff),
    originalCounters: { packets: 18446744073709551615n },
  })
})

t.test('what it does not know it leaves as it is', async (t) => {
  t.strictSame(read(jsonRecord({ count: 7 })), { version: 1, count: 7 })
  t.strictSame(read('{"protocol":"tcp","later":"1","mark":7}'), { protocol: 'tcp', later: '1', mark: 7 })
  t.strictSame(read('{"protocol":"no such","labels":"00"}'), { protocol: 'no such', labels: '00' })
  t.strictSame(read('[1]'), [1])
  t.throws(() => read('{'), SyntaxError)
})
