import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openConntrack } from '@conntrack/core'
import { tcp } from '@conntrack/proto-tcp'
import type { Test } from 'tap'

export const root: string = fileURLToPath(new URL('../..', import.meta.url))
export const launcher: string = join(root, 'conntrack')

/** The runtimes by their names in CONNTRACK_RUNTIME, and their programs. */
export const RUNTIMES: Readonly<Record<string, string>> = {
  bun: join(root, 'node_modules/bun/bin/bun.exe'),
  node: join(root, 'node_modules/.bin/node'),
  deno: join(root, 'node_modules/deno/deno'),
}

/** Why tests of the real kernel are skipped, or false. */
export const skipKernel: string | false = process.getuid?.() === 0 ? false : 'making a network namespace takes root'

/** What is left of a program that has ended. */
export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The environment in which ./conntrack takes this runtime. */
export function environment(runtime: string): NodeJS.ProcessEnv {
  return { ...process.env, CONNTRACK_RUNTIME: runtime }
}

/** Runs ./conntrack; the words in `through` stand before it, so that they can change what it finds. */
export function conntrack(runtime: string, args: readonly string[], through: readonly string[] = []): Outcome {
  return command([...through, launcher, ...args], environment(runtime))
}

/** Runs a program to its end. */
export function command([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv = process.env): Outcome {
  const { status, stdout, stderr, error } = spawnSync(program, args, { env, cwd: '/', encoding: 'utf8', timeout: 60_000 })
  if (error !== undefined) throw error
  return { status, stdout, stderr }
}

/** A directory that is removed behind the test. */
export function temporary(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'conntrack-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  return directory
}

let made = 0

/** A network namespace that is removed behind the test. Gives its name. */
export function namespace(t: Test, purpose: string): string {
  const name = `ct-${purpose}-${process.pid}-${made++}`
  execFileSync('ip', ['netns', 'add', name])
  t.teardown(() => execFileSync('ip', ['netns', 'del', name]))
  return name
}

/** Makes so many TCP flows in a namespace, each with a source of its own. */
export function fill(netns: string, count: number): void {
  using conntrack = openConntrack({ protocols: [tcp], netns })
  for (let i = 0; i < count; i++) {
    conntrack.flows.create({
      protocol: 'tcp',
      original: {
        source: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
        destination: '10.255.0.1',
        sourcePort: 40000,
        destinationPort: 443,
      },
      timeout: 86400,
      state: 'ESTABLISHED',
      status: ['ASSURED'],
    })
  }
}
