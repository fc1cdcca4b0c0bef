import { inspect } from 'node:util'
import t from 'tap'
import { kernelFilter } from '../../src/commands/plan.ts'
import { STATUS_BITS } from '../../src/tables/flow.ts'
import { matcher } from '../../src/schema/match.ts'
import { hex } from '../bytes.ts'
import { entryOf, flowLayout, kernelFlows } from '../entries.ts'
import { stream } from '../protocols.ts'
import { forAll, type Random } from '../random.ts'

/** CTA_MARK and CTA_MARK_MASK, CTA_STATUS and CTA_STATUS_MASK, CTA_ZONE. */
const MARK = (mark: string, mask: string): string => `08000800${mark}08001500${mask}`
const STATUS = (status: string, mask: string): string => `08000300${status}08001a00${mask}`
const ZONE = (zone: string): string => `06001200${zone}0000`

t.test('the kernel filters by mark, status and zone', (t) => {
  for (const [filter, attributes] of [
    [{}, ''],
    [{ mark: 5 }, MARK('00000005', 'ffffffff')],
    [{ mark: 0 }, MARK('00000000', 'ffffffff')],
    [{ mark: { value: 0x10, mask: 0xf0 } }, MARK('00000010', '000000f0')],
    [{ mark: { value: 0, mask: 0 } }, MARK('00000000', '00000000')],
    [{ status: ['ASSURED'] }, STATUS('00000004', '00000004')],
    [{ status: { all: ['ASSURED', 'SEEN_REPLY'] } }, STATUS('00000006', '00000006')],
    [{ status: { none: ['SEEN_REPLY'] } }, STATUS('00000000', '00000002')],
    [{ status: { all: ['ASSURED'], none: ['DYING'] } }, STATUS('00000004', '00000204')],
    [{ zone: 5 }, ZONE('0005')],
    [{ mark: 1, zone: 2, status: ['ASSURED'] }, `${ZONE('0002')}0800030000000004${MARK('00000001', 'ffffffff')}08001a0000000004`],
  ] as const) {
    t.equal(hex(kernelFilter(filter)), attributes, JSON.stringify(filter))
  }
  t.end()
})

t.test('what the kernel would do otherwise than we is left to us', (t) => {
  for (const filter of [
    { zone: 0 }, // it would leave out flows with a zone in one direction
    { zone: { from: 1, to: 5 } },
    { zone: { oneOf: [1, 2] } },
    { zone: { not: 1 } },
    { status: [] }, // it refuses a mask of 0
    { status: {} },
    { status: { all: [], none: [] } },
    { status: { not: ['ASSURED'] } },
    { status: { oneOf: [['ASSURED'], ['DYING']] } },
    { mark: { not: 5 } },
    { mark: { from: 1, to: 5 } },
    { mark: { oneOf: [1, 2] } },
    { original: { zone: 5, source: '10.0.0.1' } },
    { protocol: 'stream', family: 'ipv4', timeout: 5, state: 'OPEN' },
  ]) {
    t.equal(kernelFilter(filter).length, 0, JSON.stringify(filter))
  }
  t.end()
})

type Fields = Readonly<Record<string, unknown>>

/** Whether kernel 6.18 lists a flow for these attributes. */
function isListed(flow: Fields, { mark, markMask, status = [], statusMask, zone }: Fields): boolean {
  const bits = (names: unknown): number => (names as string[]).reduce((sum, name) => sum | (1 << STATUS_BITS.indexOf(name as 'DYING')), 0)
  const masked = (value: number, mask: number): number => (value & mask) >>> 0
  if (mark !== undefined && masked((flow.mark ?? 0) as number, markMask as number) !== mark) return false
  if (statusMask !== undefined && masked(bits(flow.status ?? []), bits(statusMask)) !== bits(status)) return false
  const zones = [flow.zone, (flow.original as Fields).zone, (flow.reply as Fields).zone]
  return zone === undefined || zones.includes(zone)
}

const small = (random: Random): number => random.below(4)
const some = (random: Random): string[] => random.some(['SEEN_REPLY', 'ASSURED', 'DYING', 'OFFLOAD'])

function anyFlow(random: Random): Fields {
  const zone = random.pick([{}, { zone: small(random) }, { original: { zone: small(random) } }, { reply: { zone: small(random) } }])
  const mark = random.oneIn(3) ? {} : { mark: small(random) }
  return { original: {}, reply: {}, ...zone, ...mark, ...(random.oneIn(3) ? {} : { status: some(random) }) }
}

function anyFilter(random: Random): Fields {
  const number = (): unknown =>
    random.pick([
      small(random),
      { value: small(random), mask: small(random) },
      { not: small(random) },
      { oneOf: [small(random)] },
      { from: 0, to: small(random) },
    ])
  const bits = (): unknown =>
    random.pick([
      some(random),
      { all: some(random) },
      { none: some(random) },
      { all: some(random), none: some(random) },
      { not: some(random) },
    ])
  return Object.fromEntries(random.some(['mark', 'zone', 'status']).map((name) => [name, name === 'status' ? bits() : number()]))
}

t.test('the kernel never keeps back what a filter wants', (t) => {
  const layout = flowLayout([stream])
  const encode = kernelFlows([stream])
  let kept = 0
  forAll(t, 10000, 10, (random) => {
    const flow = anyFlow(random)
    const filter = anyFilter(random)
    const wanted = matcher(layout, filter)(entryOf(layout, encode({ protocol: 'stream', ...flow })))
    const asked = entryOf(layout, kernelFilter(filter)).decode()
    const isThere = isListed(flow, asked)
    if (wanted && !isThere) throw new Error(inspect({ flow, filter, asked }, { depth: 9 }))
    if (!isThere) kept++
  })
  t.ok(kept > 1000, `it kept back ${kept} flows`)
  t.end()
})
