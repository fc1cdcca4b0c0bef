// Lists one table with Debian's conntrack and with ours in turn, and prints medians and ratios. Needs root and `conntrack`.
// A dump walks the kernel's one hash of all namespaces: keep other dumps away while this runs.
import { spawnSync } from 'node:child_process'
import { openSync } from 'node:fs'
import process from 'node:process'
import { openConntrack } from '@conntrack/core'
import { tcp } from '@conntrack/proto-tcp'

const FLOWS = Number(process.argv[2] ?? 200_000)
const PAIRS = Number(process.argv[3] ?? 5)
const namespace = `ct-bench-${process.pid}`
const ours = new URL('../conntrack', import.meta.url).pathname

interface Contestant {
  readonly name: string
  readonly command: readonly string[]
  readonly runtime?: string
}

const original = (...options: string[]): Contestant => ({ name: `C -L ${options.join(' ')}`, command: ['conntrack', '-L', ...options] })
const our = (runtime: string, ...options: string[]): Contestant => ({
  name: `${runtime} -L ${options.join(' ')}`,
  command: [ours, '-L', ...options],
  runtime,
})

/** Each group's first is what the others are compared with. */
const GROUPS: readonly (readonly Contestant[])[] = [
  [original(), our('bun'), our('node'), our('deno')],
  [original('-o', 'extended,id'), our('bun', '-o', 'extended,id')],
  [original('-o', 'xml'), our('bun', '-o', 'json')],
  [original('-m', '1'), our('bun', '-m', '1')],
]

function fill(): void {
  using conntrack = openConntrack({ protocols: [tcp], netns: namespace })
  for (let i = 0; i < FLOWS; i++) {
    const source = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`
    const original = { source, destination: '192.0.2.1', sourcePort: 1024 + (i % 60000), destinationPort: 443 }
    conntrack.flows.create({
      protocol: 'tcp',
      original,
      timeout: 3600,
      state: 'ESTABLISHED',
      status: ['SEEN_REPLY', 'ASSURED'],
      mark: i % 100,
    })
  }
}

/** Seconds that a command takes, its output thrown away. */
function seconds({ command, runtime }: Contestant): number {
  const nowhere = openSync('/dev/null', 'w')
  const begin = performance.now()
  const { status } = spawnSync('ip', ['netns', 'exec', namespace, ...command], {
    stdio: ['ignore', nowhere, 'ignore'],
    env: { ...process.env, ...(runtime && { CONNTRACK_RUNTIME: runtime }) },
  })
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}`)
  return (performance.now() - begin) / 1000
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]

spawnSync('ip', ['netns', 'add', namespace])
try {
  fill()
  console.log(`${FLOWS} TCP flows, ${PAIRS} rounds in turn, median seconds and ratio to the first`)
  for (const group of GROUPS) {
    const times = group.map((): number[] => [])
    for (let round = 0; round < PAIRS; round++) for (const [i, contestant] of group.entries()) times[i].push(seconds(contestant))
    const [base] = times.map(median)
    for (const [i, { name }] of group.entries()) {
      console.log(`${name.padEnd(28)} ${median(times[i]).toFixed(3)}  ${(median(times[i]) / base).toFixed(2)}`)
    }
  }
} finally {
  spawnSync('ip', ['netns', 'del', namespace])
}
