// The long run:  npm run soak -- [--flows 50000000]   on the runtime that runs it; npm run soak takes all three in turn.
import { parseArgs } from 'node:util'
import { soak } from './soak.ts'

const { values } = parseArgs({ options: { flows: { type: 'string', default: '50000000' } } })
const started = performance.now()
let next = 0
const result = soak(Number(values.flows), (flows, memory) => {
  if (flows < next) return
  next += 5_000_000
  console.log(`${flows} flows, ${memory.toFixed(0)} MiB, ${((performance.now() - started) / 1000).toFixed(0)} s`)
})
const { flows, begin, most, descriptors } = result
console.log(`${flows} flows: ${begin.toFixed(0)} MiB at first, ${most.toFixed(0)} MiB at most; descriptors ${descriptors.join(' and ')}`)
/** MiB that a heap may breathe. */
const BREATH = 128
if (most - begin > BREATH || descriptors[0] !== descriptors[1]) {
  console.log('memory or descriptors are not flat')
  process.exitCode = 1
}
