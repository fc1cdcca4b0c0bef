// The long run:  npm run fuzz -- [--what answers|events] [--cases 5000000] [--seed N] [--from N]
// Case n of a seed is always the same. A worker makes the cases, so that one that never ends is told too, by its number.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { fuzzEvents } from './events.ts'
import { type Fuzz, fuzz, tally } from './fuzz.ts'

const { values } = parseArgs({
  options: {
    what: { type: 'string', default: 'answers' },
    cases: { type: 'string', default: '5000000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    from: { type: 'string', default: '0' },
    worker: { type: 'boolean', default: false },
  },
})
const KINDS: Readonly<Record<string, Fuzz>> = { answers: fuzz, events: fuzzEvents }
if (!Object.hasOwn(KINDS, values.what)) throw new Error(`there is nothing to fuzz called ${values.what}: ${Object.keys(KINDS).join(', ')}`)
const perform = KINDS[values.what]
const [cases, seed, from] = [values.cases, values.seed, values.from].map(Number)

/** Cases between two signs of life. */
const STRIDE = 10_000
/** Seconds without a sign of life that are a hang: a thousand times what so many cases take. */
const PATIENCE = 600

async function work(): Promise<void> {
  const sums = tally()
  for (let at = from; at < from + cases; at += STRIDE) {
    await perform(seed, at, Math.min(STRIDE, from + cases - at), sums)
    console.log(`at ${Math.min(at + STRIDE, from + cases)}`)
  }
  for (const [title, counts] of [
    ['read', sums.fine],
    ['refused', sums.refused],
  ] as const) {
    for (const [name, count] of counts) console.log(`${title} ${count} times: ${name}`)
  }
}

async function watch(): Promise<number> {
  console.log(`seed ${seed}, cases ${from} to ${from + cases}`)
  const started = performance.now()
  const own = process.argv[1] ?? ''
  const options = ['--worker', '--what', values.what, '--cases', String(cases), '--seed', String(seed), '--from', String(from)]
  const worker = spawn(process.execPath, [...process.execArgv, own, ...options], { stdio: ['ignore', 'pipe', 'inherit'] })
  let reached = from
  const hang = (): void => {
    console.log(`hang: between cases ${reached} and ${reached + STRIDE} of seed ${seed}`)
    worker.kill('SIGKILL')
  }
  let timer = setTimeout(hang, PATIENCE * 1000)
  createInterface({ input: worker.stdout }).on('line', (text) => {
    if (!text.startsWith('at ')) return console.log(text)
    reached = Number(text.slice(3))
    clearTimeout(timer)
    timer = setTimeout(hang, PATIENCE * 1000)
    if (reached % 500_000 === 0) console.log(`${reached} after ${((performance.now() - started) / 1000).toFixed(0)} s`)
  })
  const status = await new Promise<number | null>((resolve) => worker.on('close', resolve))
  clearTimeout(timer)
  const isWhole = status === 0 && reached === from + cases
  console.log(
    `${isWhole ? 'all of' : 'failed:'} ${reached - from} cases of seed ${seed} in ${((performance.now() - started) / 1000).toFixed(0)} s`,
  )
  return isWhole ? 0 : 1
}

if (values.worker) await work()
else process.exitCode = await watch()
