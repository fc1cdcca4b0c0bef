// What a benchmark changes on the machine, and how it is put back.
import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'

/** Machine-wide settings that a large table needs. Buckets are raised as well: with long chains one would measure those. */
const NEEDED: Readonly<Record<string, number>> = { nf_conntrack_max: 4_000_000, nf_conntrack_buckets: 1_048_576 }

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
export function prepare(): Machine {
  const namespace = `ct-bench-${process.pid}`
  const before = Object.keys(NEEDED).map((name) => [name, read(name)] as const)
  const restore = before.map(([name, value]) => `echo ${value} >${file(name)}`).join('; ')
  const guard = spawn('setsid', ['sh', '-c', `trap '' INT TERM HUP; read _; ip netns del ${namespace}; ${restore}`], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => guard.on('exit', () => resolve()))
  execFileSync('ip', ['netns', 'add', namespace])
  for (const [name, value] of before) if (value < NEEDED[name]) writeFileSync(file(name), String(NEEDED[name]))
  return {
    namespace,
    async release() {
      guard.stdin.end()
      await ended
    },
  }
}

/** What results are worth nothing without. */
export function description(): string[] {
  const text = (path: string, pattern: RegExp): string => pattern.exec(readFileSync(path, 'utf8'))?.[1]?.trim() ?? 'unknown'
  const version = (command: string, ...words: string[]): string => execFileSync(command, words, { encoding: 'utf8' }).split('\n')[0]
  return [
    `${text('/proc/cpuinfo', /model name\s*:\s*(.*)/)}, ${(readFileSync('/proc/cpuinfo', 'utf8').match(/^processor/gm) ?? []).length} CPUs, ${Math.round(Number(text('/proc/meminfo', /MemTotal:\s*(\d+)/)) / 2 ** 20)} GiB`,
    `Linux ${text('/proc/sys/kernel/osrelease', /(.*)/)}, nf_conntrack_buckets ${NEEDED['nf_conntrack_buckets']}`,
    version('conntrack', '-V'),
    `Bun ${process.versions['bun']}, Node ${version('node_modules/.bin/node', '-v').slice(1)}, ${version('node_modules/deno/deno', '-V')}`,
  ]
}
