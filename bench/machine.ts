// What a benchmark changes on the machine, and how it is put back.
import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'

/** Machine-wide settings that a large table needs. Buckets are raised as well: with long chains one would measure those. */
const needed = (flows: number): Readonly<Record<string, number>> => ({
  nf_conntrack_max: Math.ceil(flows * 1.2),
  nf_conntrack_buckets: flows,
})

const file = (name: string): string => `/proc/sys/net/netfilter/${name}`
const read = (name: string): number => Number(readFileSync(file(name), 'utf8'))

/** A namespace for one run, and the settings of the machine raised. */
export interface Machine {
  readonly namespace: string
  /** Takes the namespace away, and sets the machine back. */
  release(): Promise<void>
}

/**
 * Raises the settings and makes a namespace. A shell of its own session waits for the end of this process, whatever ends it, and
 * puts all back: it reads from a pipe that only we hold.
 */
export function prepare(flows: number): Machine {
  const namespace = `ct-bench-${process.pid}`
  const wanted = needed(flows)
  const before = Object.keys(wanted)
    .map((name) => [name, read(name)] as const)
    .filter(([name, value]) => value < wanted[name])
  const restore = before.map(([name, value]) => `echo ${value} >${file(name)}; `).join('')
  const guard = spawn('setsid', ['sh', '-c', `trap '' INT TERM HUP; read _; ip netns del ${namespace}; ${restore} true`], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => guard.on('exit', () => resolve()))
  execFileSync('ip', ['netns', 'add', namespace])
  for (const [name] of before) writeFileSync(file(name), String(wanted[name]))
  return {
    namespace,
    async release() {
      guard.stdin.end()
      await ended
    },
  }
}

/** Programs that could run in the last minute (the first number of /proc/loadavg). */
export function loadAverage(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0])
}

/** What results are worth nothing without. */
export function description(): string[] {
  const text = (path: string, pattern: RegExp): string => pattern.exec(readFileSync(path, 'utf8'))?.[1]?.trim() ?? 'unknown'
  const version = (command: string, ...words: string[]): string => execFileSync(command, words, { encoding: 'utf8' }).split('\n')[0]
  return [
    `${text('/proc/cpuinfo', /model name\s*:\s*(.*)/)}, ${(readFileSync('/proc/cpuinfo', 'utf8').match(/^processor/gm) ?? []).length} CPUs, ${Math.round(Number(text('/proc/meminfo', /MemTotal:\s*(\d+)/)) / 2 ** 20)} GiB`,
    `Linux ${text('/proc/sys/kernel/osrelease', /(.*)/)}`,
    version('conntrack', '-V'),
    `Bun ${process.versions['bun']}, Node ${version('node_modules/.bin/node', '-v').slice(1)}, ${version('node_modules/deno/deno', '-V')}`,
  ]
}
