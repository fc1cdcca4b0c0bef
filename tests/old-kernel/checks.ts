import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Tells what came of a check: a line of JSON. */
export function tell(name: string, error?: unknown): void {
  console.log(JSON.stringify({ name, error: error instanceof Error ? error.message : error }))
}

/** Runs a check, and tells what came of it. */
export async function check(name: string, run: () => void | Promise<void>): Promise<void> {
  try {
    await run()
    tell(name)
  } catch (error) {
    tell(name, error)
  }
}

/** The program of this clone, on the runtime that this is. */
export const OURS: readonly [string, ...string[]] = [
  process.execPath,
  '--conditions=@conntrack/source',
  fileURLToPath(new URL('../../packages/cli/src/bin.ts', import.meta.url)),
]

/** What the program of this clone writes. */
export const ours = (...words: string[]): string => oursWith('', ...words)

/** The same, for what is given as its input. */
export function oursWith(input: string, ...words: string[]): string {
  const [program, ...first] = OURS
  return execFileSync(program, [...first, ...words], { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'ignore'] })
}

/** What conntrack(8) writes. */
export const original = (...words: string[]): string =>
  execFileSync('conntrack', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })

/** Lines without what depends on the clock. */
export const timeless = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^(\w+ +\d+ )\d+ /, '$1').replace(/^-A -t \d+/, '-A'))
    .toSorted()
