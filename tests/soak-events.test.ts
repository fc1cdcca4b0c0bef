import t from 'tap'
import { LIFE, soakEvents } from './soak/events.ts'

t.test('a quarter of a million events, followed in every way, leave memory and descriptors as they were', async (t) => {
  const { begin, most, descriptors } = await soakEvents(8 * LIFE)
  // Were half a kilobyte kept of each, it would be as much.
  t.ok(most - begin < 128, `${begin.toFixed(0)} MiB, then ${most.toFixed(0)} MiB at most`)
  t.equal(descriptors[1], descriptors[0])
})
