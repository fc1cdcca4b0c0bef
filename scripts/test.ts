// Runs test files, each under each runtime it is for:  npm test -- [part of a file's path ...] [--runtime bun] [--jobs N] [--root directory]
// A file's first lines may say `// runtimes: node` (a list with commas) and `// timeout: 600` (seconds).
import { spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Report, reader } from './tap.ts'

const home = fileURLToPath(new URL('..', import.meta.url))
const condition = '--conditions=@conntrack/source'
const commands: Record<string, string[]> = {
  bun: ['node_modules/bun/bin/bun.exe', '--no-install', condition],
  node: ['node_modules/.bin/node', condition],
  deno: ['node_modules/deno/deno', 'run', '-A', '--quiet', '--no-config', '--no-lock', '--node-modules-dir=manual', condition],
}

interface Run {
  file: string
  runtime: string
  timeout: number
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runtime: { type: 'string', default: Object.keys(commands).join(',') },
    jobs: { type: 'string', default: '2' },
    root: { type: 'string', default: home },
  },
})
const chosen = values.runtime.split(',')
const strange = chosen.find((name) => !Object.hasOwn(commands, name))
if (strange !== undefined) throw new Error(`unknown runtime ${strange}`)

const running = new Set<number>()
const sum = { passed: 0, failed: 0, skipped: 0 }

function select(): Run[] {
  const files = globSync(['packages/*/test/**/*.test.ts', 'tests/**/*.test.ts'], {
    cwd: values.root,
    exclude: ['**/node_modules/**'],
  }).sort()
  const runs = files
    .filter((file) => positionals.length === 0 || positionals.some((part) => file.includes(part)))
    .flatMap((file) => {
      const head = readFileSync(join(values.root, file), 'utf8').split('\n', 5).join('\n')
      const runtimes = /^\/\/ runtimes: (.+)$/m.exec(head)?.[1]?.split(/[ ,]+/) ?? Object.keys(commands)
      const timeout = Number(/^\/\/ timeout: (\d+)$/m.exec(head)?.[1] ?? 120)
      return runtimes.filter((runtime) => chosen.includes(runtime)).map((runtime) => ({ file, runtime, timeout }))
    })
  // The slow ones first, so that they do not keep everybody waiting at the end.
  return runs.sort((a, b) => b.timeout - a.timeout)
}

async function perform(run: Run): Promise<void> {
  const [program = '', ...flags] = commands[run.runtime] ?? []
  const started = performance.now()
  const child = spawn(join(home, program), [...flags, join(values.root, run.file)], {
    cwd: values.root,
    // Its own group, so that nothing it started outlives it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      // tap's own clock stops first, as it can say which test hangs.
      TAP_TIMEOUT: String(Math.ceil(run.timeout * 0.9)),
      NODE_COMPILE_CACHE: join(home, 'node_modules/.cache/node'),
      DENO_NO_UPDATE_CHECK: '1',
      NO_COLOR: '1',
    },
  })
  const tap = reader()
  let errors = ''
  let problem = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => tap.write(text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const { pid } = child
  if (pid !== undefined) running.add(pid)
  const timer = setTimeout(() => {
    problem = `no end after ${run.timeout} s`
    kill(pid)
  }, run.timeout * 1000)
  await new Promise<void>((resolve) => {
    child.on('error', (error) => {
      problem = error.message
      resolve()
    })
    child.on('exit', (status, signal) => {
      if (signal !== null) problem ||= `killed by ${signal}`
      else if (status !== 0) problem ||= `exit status ${status}`
      kill(pid)
      // Whoever left the group may hold the pipes for ever.
      setTimeout(resolve, 1000).unref()
    })
    child.on('close', resolve)
  })
  clearTimeout(timer)
  child.stdout.destroy()
  child.stderr.destroy()
  if (pid !== undefined) running.delete(pid)
  const report = tap.end()
  if (report.passed + report.failed + report.skipped === 0) problem ||= 'ran no test'
  // A status that comes of failing asserts says nothing new.
  if (problem && (report.failed === 0 || !problem.startsWith('exit status'))) {
    report.failed++
    report.failures.push(problem)
  }
  conclude(run, report, errors, (performance.now() - started) / 1000)
}

function kill(group: number | undefined): void {
  if (group === undefined) return
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // Nobody is left in it.
  }
}

function conclude(run: Run, report: Report, errors: string, seconds: number): void {
  for (const outcome of ['passed', 'failed', 'skipped'] as const) sum[outcome] += report[outcome]
  console.log(`${report.failed > 0 ? 'FAIL' : 'ok  '} ${run.file} ${run.runtime} ${counts(report)} ${seconds.toFixed(1)}s`)
  for (const reason of new Set(report.reasons)) console.log(`    skipped: ${reason}`)
  if (report.failed === 0) return
  for (const text of [...report.failures, report.extra, errors]) if (text.trim()) console.log(text.trimEnd().replaceAll(/^/gm, '    '))
}

function counts({ passed, failed, skipped }: typeof sum): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.on(signal, () => {
    for (const group of running) kill(group)
    process.exit(status)
  })
}

const queue = select()
if (queue.length === 0) {
  console.log(`no test file for ${[...positionals, values.runtime].join(' ')}`)
  sum.failed++
}
async function work(): Promise<void> {
  for (let run = queue.shift(); run !== undefined; run = queue.shift()) await perform(run)
}
await Promise.all(Array.from({ length: Number(values.jobs) }, work))
console.log(counts(sum))
process.exitCode = sum.failed > 0 ? 1 : 0
