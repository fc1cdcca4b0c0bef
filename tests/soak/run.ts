// The long run:  npm run soak -- [--flows 50000000] [--events 50000000]   on the runtime that runs it; npm run soak takes all three in turn.
import { parseArgs } from 'node:util'
import { soakEvents } from './events.ts'
import { type Soaked, soak, type Tell } from './soak.ts'

const { values } = parseArgs({
  options: { flows: { type: 'string', default: '50000000' }, events: { type: 'string', default: '50000000' } },
})
/** MiB that a heap may breathe. */
const BREATH = 128
const STRIDE = 5_000_000

async function run(what: string, work: (tell: Tell) => Promise<Soaked>): Promise<void> {
  const started = performance.now()
  let next = 0
  const { flows, begin, most, descriptors } = await work((count, memory) => {
    if (count < next) return
    next += STRIDE
    console.log(`${count} ${what}, ${memory.toFixed(0)} MiB, ${((performance.now() - started) / 1000).toFixed(0)} s`)
  })
  console.log(
    `${flows} ${what}: ${begin.toFixed(0)} MiB at first, ${most.toFixed(0)} MiB at most; descriptors ${descriptors.join(' and ')}`,
  )
  if (most - begin <= BREATH && descriptors[0] === descriptors[1]) return
  console.log('memory or descriptors are not flat')
  process.exitCode = 1
}

await run('flows', (tell) => soak(Number(values.flows), tell))
await run('events', (tell) => soakEvents(Number(values.events), tell))
