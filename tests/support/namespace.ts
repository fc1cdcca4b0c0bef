import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The program of this clone. */
export const OURS = fileURLToPath(new URL('../../conntrack', import.meta.url))

/** What a command did. */
export interface Ran {
  readonly stdout: string
  readonly stderr: string
  readonly status: number | null
  readonly signal: string | null
}

/** A network namespace of a test's own. */
export interface Namespace extends Disposable {
  readonly name: string
  /** Runs a program in it. */
  run(program: string, words: readonly string[], environment?: Readonly<Record<string, string>>, input?: string): Ran
}

let made = 0

/** Makes a namespace; disposing of it removes it. Needs root. */
export function namespace(): Namespace {
  const name = `ct-test-${process.pid}-${made++}`
  execFileSync('ip', ['netns', 'add', name])
  return {
    name,
    run(program, words, environment = {}, input = '') {
      const { stdout, stderr, status, signal } = spawnSync('ip', ['netns', 'exec', name, program, ...words], {
        encoding: 'utf8',
        env: { ...process.env, ...environment },
        input,
        maxBuffer: 2 ** 28,
      })
      return { stdout, stderr, status, signal }
    },
    [Symbol.dispose]() {
      execFileSync('ip', ['netns', 'del', name])
    },
  }
}

/** Why a test cannot run here, or false. */
export const needsRoot: string | false = process.getuid?.() === 0 ? false : 'needs root, for network namespaces'
