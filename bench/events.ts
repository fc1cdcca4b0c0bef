// What is measured of -E: rows of contestants that watch the same things happen.
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Conntrack, openConntrack, type PreparedFlow } from '@conntrack/core'
import { udp } from '@conntrack/proto-udp'
import { sleep, watcher } from './watcher.ts'

/** Who watches: the original, or ours on a runtime. */
export const WATCHERS = ['C', 'bun', 'node', 'deno'] as const
export type WatcherName = (typeof WATCHERS)[number]

/** Where events happen, and where output may be kept. */
export interface Scene {
  readonly namespace: string
  readonly directory: string
}

/** A row of the results: what is told of each that watches. */
export interface EventRow {
  readonly name: string
  readonly title: string
  /** How it is measured. */
  readonly note: string
  readonly columns: readonly string[]
  readonly measure: (name: WatcherName, scene: Scene) => Promise<readonly string[]>
}

type Kernel = Conntrack<typeof udp>
const open = (netns: string): Kernel => openConntrack({ protocols: [udp], netns })

function* flows(count: number) {
  for (let i = 0; i < count; i++) {
    const source = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`
    yield { protocol: 'udp' as const, original: { source, destination: '192.0.2.1', sourcePort: 1024, destinationPort: 53 }, timeout: 3600 }
  }
}

const number = (value: number): string => Math.round(value).toLocaleString('en')
const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(2)

const BURST = 1_000_000
/** Made once, so that encoding does not slow down those who make the flows. */
let prepared: readonly PreparedFlow[] | undefined

/** Flows at the kernel's full speed, while -E -e NEW writes to a file. */
async function burst(name: WatcherName, { namespace, directory }: Scene): Promise<string[]> {
  using kernel = open(namespace)
  prepared ??= [...flows(BURST)].map((flow) => kernel.flows.prepare(flow))
  const file = join(directory, name)
  const output = openSync(file, 'w')
  const one = await watcher(name, namespace, ['-e', 'NEW'], output)
  const begin = performance.now()
  const { created } = kernel.flows.createAll(prepared)
  const produced = performance.now()
  const done = await stillness(file)
  const memory = one.memory()
  await one.end()
  closeSync(output)
  const { shown, synthetic } = lines(file)
  kernel.flows.flush()
  return [seconds(produced - begin), seconds(done - begin), number(created - (shown - synthetic)), number(synthetic), number(memory)]
}

/** When a file was written to last, once it is not any more. */
async function stillness(file: string): Promise<number> {
  let [size, written] = [-1, performance.now()]
  for (let still = 0; still < 50; still++) {
    await sleep(100)
    const now = statSync(file).size
    if (now === size) continue
    written = performance.now()
    size = now
    still = 0
  }
  return written
}

const SYNTHETIC = Buffer.from(' [SYNTHETIC]')

/** How many lines a file has, and how many of them tell what was found by comparing. */
function lines(file: string): { readonly shown: number; readonly synthetic: number } {
  let [shown, synthetic] = [0, 0]
  const bytes = readFileSync(file)
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) {
    shown++
    if (bytes.subarray(at - SYNTHETIC.length, at).equals(SYNTHETIC)) synthetic++
  }
  return { shown, synthetic }
}

const SOME = 20_000
/** Updates that are asked for with one call. */
const CHUNK = 1000

/** Updates of some flows at a rate, for a time. Gives how many there were, and how many of them a watcher did not show. */
async function updates(
  name: WatcherName,
  { namespace }: Scene,
  rate: number,
  time: number,
): Promise<{ readonly rate: number; readonly changed: number; readonly lost: number }> {
  using kernel = open(namespace)
  const changes = [1, 2].map((mark) => [...flows(SOME)].map((flow) => kernel.flows.prepare({ ...flow, mark }, { existing: 'update' })))
  const nowhere = openSync('/dev/null', 'w')
  const one = await watcher(name, namespace, ['-e', 'UPDATES'], nowhere)
  // Only now: where nf_conntrack_events is 2, flows that are older than the first listener make no events.
  kernel.flows.createAll([...flows(SOME)].map((flow) => kernel.flows.prepare(flow)))
  const begin = performance.now()
  let changed = 0
  for (let i = 0; performance.now() - begin < time * 1000; i++) {
    const all = changes[Math.floor((i * CHUNK) / SOME) % 2]
    const from = (i * CHUNK) % SOME
    changed += kernel.flows.createAll(all.slice(from, from + CHUNK)).created
    const early = (changed / rate) * 1000 - (performance.now() - begin)
    if (early > 1) await sleep(early)
  }
  const took = (performance.now() - begin) / 1000
  const shown = await one.end()
  closeSync(nowhere)
  kernel.flows.flush()
  return { rate: changed / took, changed, lost: changed - shown }
}

/** Updates a second that are tried, from the highest on; the first is more than this kernel takes. */
const RATES = [1_000_000, 150_000, 125_000, 100_000, 75_000, 50_000, 25_000, 10_000, 5000, 1000]
const TRY = 10
const LONG = 60

/** The highest of some rates at which nothing is lost in a minute. */
async function sustained(name: WatcherName, scene: Scene): Promise<string[]> {
  const full = await updates(name, scene, RATES[0], TRY)
  const share = ((full.lost / full.changed) * 100).toFixed(1)
  const first = full.lost === 0 ? RATES : RATES.slice(1)
  for (const rate of first) {
    if (rate !== RATES[0] && (rate > full.rate || (await updates(name, scene, rate, TRY)).lost > 0)) continue
    const whole = await updates(name, scene, rate, LONG)
    if (whole.lost === 0) return [number(full.rate), `${share} %`, number(whole.rate), number(whole.changed)]
  }
  return [number(full.rate), `${share} %`, 'none', '']
}

const NEWLINE = 10
const EVENTS = 5000
const IDLE = 10_000

/** From the kernel's time of an event until its line was read from a pipe, and what a watcher uses while nothing happens. */
async function latency(name: WatcherName, { namespace }: Scene): Promise<string[]> {
  using kernel = open(namespace)
  const one = await watcher(name, namespace, ['-o', 'timestamp', '-e', 'NEW'], 'pipe')
  const delays: number[] = []
  const clock = (): number => performance.timeOrigin + performance.now()
  one.child.stdout?.on('data', (chunk: Buffer) => {
    const now = clock()
    for (const byte of chunk) if (byte === NEWLINE) delays.push(now - (made.shift() ?? now))
  })
  const made: number[] = []
  for (const flow of flows(EVENTS)) {
    made.push(clock())
    kernel.flows.create(flow)
    await sleep(2)
  }
  await sleep(500)
  const busy = one.cpu()
  await sleep(IDLE)
  const idle = one.cpu() - busy
  await one.end()
  kernel.flows.flush()
  // While code is compiled it is slower, and that is measured with the start.
  const warm = delays.slice(delays.length / 10).toSorted((a, b) => a - b)
  const at = (part: number): string => number(warm[Math.floor(warm.length * part)] * 1000)
  return [number(delays.length), at(0.5), at(0.99), number(idle)]
}

/** The rows. */
export const EVENT_ROWS: readonly EventRow[] = [
  {
    name: 'events-burst',
    title: `\`-E -e NEW\` into a file, while ${number(BURST)} flows are made at the kernel’s full speed`,
    note: 'Seconds until all were made, and until the last line was written; what the kernel had no room for, and how much of it was found by comparing.',
    columns: ['made, s', 'last line, s', 'lost', 'found', 'memory, MiB'],
    measure: burst,
  },
  {
    name: 'events-sustained',
    title: '`-E -e UPDATES` to /dev/null, while flows are changed without end',
    note: `Updates come ${number(CHUNK)} at a time. First at the kernel’s full speed for ${TRY} s; then the highest of these rates at which nothing is lost in ${LONG} s: ${RATES.slice(1).map(number).join(', ')} a second.`,
    columns: ['full speed, 1/s', 'lost of it', 'without loss, 1/s', `events in ${LONG} s`],
    measure: sustained,
  },
  {
    name: 'events-latency',
    title: '`-E -e NEW` into a pipe, an event every 2 ms',
    note: `From just before a flow is made until its line is read, without the first tenth; and milliseconds of CPU in ${IDLE / 1000} s in which nothing happens.`,
    columns: ['events', 'median, µs', 'p99, µs', 'idle, ms'],
    measure: latency,
  },
]
