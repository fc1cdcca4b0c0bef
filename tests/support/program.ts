import { spawnSync, type SpawnSyncOptions } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The clone that is tested. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url))
/** Its launcher. */
export const launcher: string = `${root}conntrack`

export const RUNTIMES = ['bun', 'node', 'deno'] as const
export type Runtime = (typeof RUNTIMES)[number]

/** What a program has left when it ended. */
export interface Outcome {
  /** 128 and the signal's number, as a shell says it, when it was killed. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end. */
export function run(command: readonly string[], { env, ...options }: SpawnSyncOptions = {}): Outcome {
  const [program = '', ...args] = command
  const { status, signal, stdout, stderr, error } = spawnSync(program, args, {
    timeout: 60_000,
    maxBuffer: 1 << 28,
    ...options,
    env: { ...process.env, TZ: 'UTC', ...env },
    encoding: 'utf8',
  })
  if (error !== undefined) throw error
  return { status: status ?? 128 + (signal === null ? 0 : (SIGNALS[signal] ?? 0)), stdout, stderr }
}

const SIGNALS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGPIPE: 13, SIGTERM: 15 }

/** The words of a command line; blanks part them, and '' is an empty one. */
export function words(line: string): string[] {
  return line === '' ? [] : line.split(' ').map((word) => (word === "''" ? '' : word))
}
