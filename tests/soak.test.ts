import { openConntrack } from '@conntrack/core'
import { tcp } from '@conntrack/proto-tcp'
import t from 'tap'
import { realFlows } from '../packages/core/test/real-flows.ts'
import { done, message, scriptedKernel } from '../packages/core/test/scripted-kernel.ts'
import { LIST, soak } from './soak/soak.ts'

t.test(
  'a million and a half of flows, through everything that reads and writes them, leave memory and descriptors as they were',
  async (t) => {
    const { flows, begin, most, descriptors } = await soak(9 * LIST)
    t.equal(flows, 15 * LIST)
    // Were a hundred bytes kept of each, it would be as much.
    t.ok(most - begin < 128, `${begin.toFixed(0)} MiB, then ${most.toFixed(0)} MiB at most`)
    t.equal(descriptors[1], descriptors[0])
  },
)

t.test('an object outlives the messages after it, and a view that is kept too long shows another entry but harms nobody', async (t) => {
  const socket = scriptedKernel(({ sequence }) => [
    ...realFlows.map(({ family, body }) => message({ type: 0x0100, sequence, family, body })),
    done(sequence),
  ])
  const ct = openConntrack({ protocols: [tcp], socket })
  const objects: Record<string, unknown>[] = []
  const copies: unknown[] = []
  const views: { decode(): Record<string, unknown> }[] = []
  ct.flows.list().forEach((entry) => {
    views.push(entry)
    objects.push(entry.decode())
    copies.push(structuredClone(objects.at(-1)))
  })
  ct.close()
  t.same(objects, copies)
  for (const view of views) t.same(view.decode(), copies.at(-1), 'the last one, for which the view was filled last')
})
