import { type ChildProcess, spawn } from 'node:child_process'
import type { Namespace } from './namespace.ts'

/** A program that runs, and what it has written. */
export interface Watching {
  readonly child: ChildProcess
  readonly out: () => string
  readonly err: () => string
}

/** Collects what a program writes. */
export function followed(child: ChildProcess): Watching {
  let [out, err] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text))
  return { child, out: () => out, err: () => err }
}

/** Starts a program in a namespace. */
export function watch(where: Namespace, program: string, line: string, runtime = ''): Watching {
  return followed(
    spawn('ip', ['netns', 'exec', where.name, program, ...line.split(' ')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CONNTRACK_RUNTIME: runtime },
    }),
  )
}

const LISTENING = /^\S+\s+12\s+\d+\s+000000[0-9a-f]{2}(?<!00)/gm

/** How many sockets of a namespace listen to groups: the fourth column. */
export function listeners(where: { run(program: string, words: readonly string[]): { readonly stdout: string } }): number {
  return where.run('cat', ['/proc/net/netlink']).stdout.match(LISTENING)?.length ?? 0
}

/** Waits a moment before something is looked at again. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
