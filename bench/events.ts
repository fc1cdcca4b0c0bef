// What of a burst of new flows `conntrack -E -e NEW` shows while it writes to a file, for the original and for ours on three runtimes;
// how soon an event is a line, and what waiting costs. Needs root and `conntrack`; keep the machine quiet. `node bench/events.ts [flows]`
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { openConntrack } from '@conntrack/core'
import { udp } from '@conntrack/proto-udp'
import { prepare } from './machine.ts'

const FLOWS = Number(process.argv[2] ?? 1_000_000)
const ours = new URL('../conntrack', import.meta.url).pathname
const machine = prepare(FLOWS)
const { namespace } = machine
const directory = mkdtempSync(join(tmpdir(), 'conntrack-events-'))
const conntrack = openConntrack({ protocols: [udp], netns: namespace })

interface Contestant {
  readonly name: string
  readonly program: string
  readonly runtime: string
}

const CONTESTANTS: readonly Contestant[] = [
  { name: 'C', program: 'conntrack', runtime: '' },
  ...['bun', 'node', 'deno'].map((runtime) => ({ name: runtime, program: ours, runtime })),
]

const UPDATING = { existing: 'update' } as const
const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))
const inside = (...command: string[]): string => execFileSync('ip', ['netns', 'exec', namespace, ...command], { encoding: 'utf8' })

/** Whether somebody listens to groups in the namespace: the fourth column of /proc/net/netlink. */
const isListening = (): boolean =>
  inside('cat', '/proc/net/netlink')
    .split('\n')
    .some((line) => /^\S+\s+12\s+\d+\s+0000000[1-9]/.test(line))

async function started(one: Contestant, options: readonly string[], output: number | 'pipe'): Promise<ChildProcess> {
  const child = spawn('ip', ['netns', 'exec', namespace, one.program, '-E', ...options], {
    stdio: ['ignore', output, 'pipe'],
    env: { ...process.env, CONNTRACK_RUNTIME: one.runtime },
  })
  while (!isListening()) await sleep(20)
  await sleep(300)
  return child
}

async function ended(child: ChildProcess): Promise<void> {
  // With all that it has written.
  const end = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGINT')
  await end
}

function* flows(count: number) {
  for (let i = 0; i < count; i++) {
    const source = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`
    yield { protocol: 'udp' as const, original: { source, destination: '192.0.2.1', sourcePort: 1024, destinationPort: 53 }, timeout: 3600 }
  }
}

const lines = (file: string): { shown: number; synthetic: number } => {
  let [shown, synthetic] = [0, 0]
  const bytes = readFileSync(file)
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) {
    shown++
    if (bytes[at - 1] === 0x5d && bytes.subarray(at - 11, at).toString() === '[SYNTHETIC]') synthetic++
  }
  return { shown, synthetic }
}

/** A burst at the kernel's speed, prepared before, so that encoding does not slow it down. */
async function burst(one: Contestant, prepared: ReturnType<typeof conntrack.flows.prepare>[]): Promise<string> {
  const file = join(directory, one.name)
  const output = openSync(file, 'w')
  const child = await started(one, ['-e', 'NEW'], output)
  let errors = ''
  child.stderr?.on('data', (text: Buffer) => {
    errors += text.toString()
  })
  const begin = performance.now()
  const { created } = conntrack.flows.createAll(prepared)
  const produced = performance.now()
  let size = -1
  let done = produced
  for (let still = 0; still < 50; still++) {
    await sleep(100)
    const now = statSync(file).size
    if (now !== size) {
      still = 0
      done = performance.now()
    }
    size = now
  }
  const memory = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? '0'
  await ended(child)
  closeSync(output)
  const { shown, synthetic } = lines(file)
  conntrack.flows.flush()
  const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(2)
  return `${one.name}: ${created} created in ${seconds(produced - begin)} s, last line after ${seconds(done - begin)} s; lost ${created - (shown - synthetic)}, of them found ${synthetic}; ${Math.round(Number(memory) / 1024)} MB${/overrun|lost|ENOBUFS/.test(errors) ? ' (said so)' : ''}`
}

/** From the kernel's time of an event until its line was read from a pipe, and what the program uses while nothing happens. */
async function latency(one: Contestant): Promise<string> {
  const child = await started(one, ['-o', 'timestamp'], 'pipe')
  const delays: number[] = []
  const clock = (): number => performance.timeOrigin + performance.now()
  child.stdout?.on('data', (chunk: Buffer) => {
    const now = clock()
    for (const [, stamp] of chunk.toString().matchAll(/^\[([0-9.]+)\]/gm)) delays.push(now - Number(stamp) * 1000)
  })
  for (const flow of flows(1000)) {
    conntrack.flows.create(flow)
    await sleep(2)
  }
  await sleep(200)
  const ticks = (): number =>
    readFileSync(`/proc/${child.pid}/stat`, 'utf8')
      .split(' ')
      .slice(13, 15)
      .reduce((sum, one) => sum + Number(one), 0)
  const before = ticks()
  await sleep(5000)
  const idle = ticks() - before
  await ended(child)
  conntrack.flows.flush()
  delays.sort((a, b) => a - b)
  const at = (part: number): string => (delays[Math.floor(delays.length * part)] * 1000).toFixed(0)
  return `${one.name}: ${delays.length} lines, median ${at(0.5)} us, p99 ${at(0.99)} us; idle ${idle * 10} ms of CPU in 5 s`
}

/** Changes of flows that are, for a minute, as fast as the kernel takes them. */
async function sustained(one: Contestant, seconds: number): Promise<string> {
  const some = [...flows(20_000)]
  const prepared = some.map((flow, i) => conntrack.flows.prepare({ ...flow, mark: 1 + (i % 7) }, UPDATING))
  const others = some.map((flow, i) => conntrack.flows.prepare({ ...flow, mark: 100 + (i % 7) }, UPDATING))
  const file = join(directory, 'sustained')
  const output = openSync(file, 'w')
  const child = await started(one, ['-e', 'UPDATES'], output)
  // Only now: where nf_conntrack_events is 2, flows that are older than the first listener make no events.
  conntrack.flows.createAll(prepared)
  const begin = performance.now()
  let changed = 0
  for (let i = 0; performance.now() - begin < seconds * 1000; i++) {
    changed += conntrack.flows.createAll(i % 2 === 0 ? others : prepared).created
    await sleep(0)
  }
  const took = (performance.now() - begin) / 1000
  await sleep(3000)
  let report = ''
  child.stderr?.on('data', (text: Buffer) => {
    report += text.toString()
  })
  await ended(child)
  closeSync(output)
  const shown = Number(/: (\d+) flow events/.exec(report)?.[1] ?? 0)
  conntrack.flows.flush()
  return `${one.name}: ${changed} updates in ${took.toFixed(1)} s, ${Math.round(changed / took)} a second; ${changed - shown} lost`
}

try {
  inside('sysctl', '-qw', 'net.netfilter.nf_conntrack_timestamp=1')
  for (const one of CONTESTANTS) console.log(await latency(one))
  inside('sysctl', '-qw', 'net.netfilter.nf_conntrack_timestamp=0')
  const prepared = [...flows(FLOWS)].map((flow) => conntrack.flows.prepare(flow))
  for (const one of CONTESTANTS) console.log(await burst(one, prepared))
  console.log(await sustained(CONTESTANTS[1], Number(process.argv[3] ?? 60)))
} finally {
  conntrack.close()
  rmSync(directory, { recursive: true })
  await machine.release()
}
