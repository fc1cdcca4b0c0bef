// A program that watches, while it is measured.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { root } from './measure.ts'

/** A running -E. */
export interface Watcher {
  readonly child: ChildProcess
  /** The most memory that it had at a time, in MiB. */
  memory(): number
  /** Milliseconds of a processor that it has used, in ticks of 10. */
  cpu(): number
  /** Ends it. Gives the events that it has shown, without those that it found by comparing. */
  end(): Promise<number>
}

export const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

const LISTENING = /^\S+\s+12\s+\d+\s+0000000[1-7]/m

/** Starts it; resolves when it listens. `name` is C for the original, or a runtime for ours. */
export async function watcher(name: string, namespace: string, words: readonly string[], output: number | 'pipe'): Promise<Watcher> {
  const program = name === 'C' ? 'conntrack' : join(root, 'conntrack')
  const child = spawn('ip', ['netns', 'exec', namespace, program, '-E', ...words], {
    stdio: ['ignore', output, 'pipe'],
    env: { ...process.env, CONNTRACK_RUNTIME: name === 'C' ? '' : name },
  })
  let told = ''
  child.stderr?.on('data', (text: Buffer) => {
    told += text.toString()
  })
  const closed = new Promise((resolve) => child.on('close', resolve))
  while (!LISTENING.test(execFileSync('ip', ['netns', 'exec', namespace, 'cat', '/proc/net/netlink'], { encoding: 'utf8' })))
    await sleep(20)
  await sleep(300)
  const file = (name: string): string => readFileSync(`/proc/${child.pid}/${name}`, 'utf8')
  return {
    child,
    memory: () => Number(/VmHWM:\s*(\d+)/.exec(file('status'))?.[1] ?? 0) / 1024,
    // utime and stime, behind the name, which may have blanks.
    cpu: () =>
      file('stat')
        .split(') ')[1]
        .split(' ')
        .slice(11, 13)
        .map(Number)
        .reduce((sum, ticks) => sum + ticks, 0) * 10,
    async end() {
      child.kill('SIGTERM')
      await closed
      const found = [...told.matchAll(/: (\d+) new, (\d+) update and (\d+) destroy events were missing/g)]
      const synthetic = found.flatMap(([, ...counts]) => counts).reduce((sum, count) => sum + Number(count), 0)
      return Number(/: (\d+) flow events have been shown/.exec(told)?.[1] ?? 0) - synthetic
    },
  }
}
