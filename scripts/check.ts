// Everything that is to be right beside the tests:  npm run check [-- name ...]
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'node_modules/.bin')
const packages = globSync('packages/*/package.json', { cwd: root }).map((file) => join(root, file, '..'))

/** A check's commands, one after the other: where, and what. */
type Command = readonly [directory: string, ...words: string[]]
const checks: Record<string, readonly Command[]> = {
  types: [[root, 'tsc', '-b']],
  lint: [[root, 'oxlint', '--type-aware', '--deny-warnings', '--format=stylish']],
  format: [[root, 'biome', 'ci', '--colors=off']],
  rules: [[root, 'node', 'scripts/test.ts', 'tests/house.test.ts']],
  build: [[root, 'turbo', 'run', 'build', '--output-logs=errors-only']],
  publint: packages.map((directory) => [directory, 'publint', '--strict']),
  attw: packages.map((directory) => [directory, 'attw', '--pack', '.', '--profile', 'esm-only', '--no-color']),
  knip: [[root, 'knip', '--no-progress']],
  budget: [[root, 'node', 'scripts/types-budget.ts']],
  size: [[root, 'bun', '--conditions=@conntrack/source', 'scripts/size.ts']],
}

async function run([cwd, program, ...args]: Command): Promise<{ ok: boolean; output: string }> {
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}`, TURBO_TELEMETRY_DISABLED: '1', NO_COLOR: '1' }
  const child = spawn(program ?? '', args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ ok: false, output: error.message }))
    child.on('close', (status) => resolve({ ok: status === 0, output }))
  })
}

/** What takes minutes, and is for CI, or for those who ask for it by name. */
const slow = new Set(['attw'])

const chosen = process.argv.slice(2)
const strange = chosen.find((name) => !Object.hasOwn(checks, name))
if (strange !== undefined) throw new Error(`no check is called ${strange}: there are ${Object.keys(checks).join(', ')}`)

let passed = 0
let failed = 0
for (const [name, commands] of Object.entries(checks)) {
  if (chosen.length > 0 ? !chosen.includes(name) : slow.has(name) && !process.env['CI']) continue
  const started = performance.now()
  const results = await Promise.all(commands.map(run))
  const wrong = results.filter(({ ok }) => !ok)
  console.log(`${wrong.length > 0 ? 'FAIL' : 'ok  '} ${name} ${((performance.now() - started) / 1000).toFixed(1)}s`)
  for (const { output } of wrong) console.log(output.trimEnd().replaceAll(/^/gm, '    '))
  if (wrong.length > 0) failed++
  else passed++
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
