// A flush with conditions on a kernel that knows some of them alone: of others it takes no notice, and must not be asked.
import assert from 'node:assert/strict'
import { check, ours } from './checks.ts'
import type { Tracking } from './guest.ts'

const ADDRESSES = [
  ['10.0.0.1', '10.0.1.1'],
  ['10.0.0.2', '10.0.1.2'],
  ['2001:db8::1', '2001:db8:1::1'],
] as const

/** Flows that differ in each of the things that a flush may be about. */
function fill({ flows }: Tracking): void {
  for (const [source, destination] of ADDRESSES)
    for (const mark of [0, 5, 7])
      for (const status of [[], ['SEEN_REPLY', 'ASSURED']] as const) {
        const original = { source, destination, sourcePort: 1000 + status.length, destinationPort: 440 + mark }
        const common = { original, mark, status, timeout: 600 }
        flows.create({ protocol: 'dccp', ...common, state: 'OPEN', role: mark === 5 ? 'client' : 'server' })
        flows.create({ protocol: 'udplite', ...common })
      }
}

type Filter = NonNullable<Parameters<Tracking['flows']['flush']>[0]>

const FILTERS: readonly Filter[] = [
  { family: 'ipv6' },
  { family: 'ipv4' },
  { mark: 5 },
  { mark: { value: 4, mask: 5 } },
  { status: ['ASSURED'] },
  { status: { none: ['SEEN_REPLY'] } },
  { original: { source: '10.0.0.1' } },
  { original: { source: '2001:db8::1' } },
  { reply: { source: '10.0.1.0/24' } },
  { protocol: 'dccp' },
  { protocol: 'dccp', original: { destinationPort: 445 } },
  { protocol: 'dccp', state: 'OPEN', role: 'client', mark: 5 },
  { protocol: 'udplite', family: 'ipv6', original: { sourcePort: 1000 }, status: { none: ['ASSURED'] } },
  { protocol: 'gre' },
  { original: { source: '192.0.2.1' } },
]

/** What is deleted is what a list with the same conditions shows, no more and no less. */
export async function flush(ct: Tracking): Promise<void> {
  const { flows } = ct
  const ids = (filter: Filter = {}): number[] => [...flows.list(filter)].map(({ id }) => id ?? 0).toSorted((a, b) => a - b)
  for (const filter of FILTERS)
    await check(`a flush with ${JSON.stringify(filter)} deletes what a list with it shows`, () => {
      fill(ct)
      const meant = new Set(ids(filter))
      const others = ids().filter((id) => !meant.has(id))
      flows.flush(filter)
      assert.deepEqual(ids(), others)
      flows.flush()
    })
  await check('so does -F', () => {
    fill(ct)
    const { length } = ids({ protocol: 'dccp', role: 'client', mark: 5 })
    const all = flows.count()
    assert.ok(length > 0 && length < all)
    ours('-F', '-p', 'dccp', '--role', 'client', '-m', '5')
    assert.equal(flows.count(), all - length)
    flows.flush()
  })
}
