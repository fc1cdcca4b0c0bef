// Runs programs in turn and measures them.
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Contestant } from './rows.ts'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** One run of a program. */
export interface Run {
  readonly seconds: number
  /** Seconds of a processor, in the program and in the kernel on its behalf: what other programs on the machine change little. */
  readonly cpu: number
  /** The most memory that it had at a time, in MiB. */
  readonly memory: number
}

/** Where a program runs, and what stands for the words that are not known before. */
export interface Surroundings {
  readonly namespace: string
  readonly directory: string
  readonly words: Readonly<Record<string, string>>
}

/** Runs a program to its end, with its output thrown away. A status of 1 is that of "0 entries", which some commands have. */
export function run({ command, runtime }: Contestant, { namespace, directory, words }: Surroundings): Run {
  const [program, ...rest] = command.map((word) => words[word] ?? word)
  const nowhere = openSync('/dev/null', 'w')
  const memory = join(directory, 'memory')
  const path = program.includes('/') ? join(root, program) : program
  const begin = performance.now()
  // time(1) is small: memory of the program that starts another counts as the other's until that begins.
  const measured = ['netns', 'exec', namespace, '/usr/bin/time', '-q', '-f', '%M %U %S', '-o', memory, path, ...rest]
  const { status, stderr } = spawnSync('ip', measured, {
    cwd: root,
    stdio: ['ignore', nowhere, 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, ...(runtime && { CONNTRACK_RUNTIME: runtime }) },
  })
  const seconds = (performance.now() - begin) / 1000
  closeSync(nowhere)
  if (status !== 0) throw new Error(`${[program, ...rest].join(' ')} ended with ${status}: ${stderr}`)
  const [kilobytes, user, system] = (readFileSync(memory, 'utf8').trim().split('\n').at(-1) ?? '').split(' ').map(Number)
  return { seconds, cpu: user + system, memory: kilobytes / 1024 }
}

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]
