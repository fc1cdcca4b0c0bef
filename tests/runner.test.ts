// runtimes: node
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const runner = fileURLToPath(new URL('../scripts/test.ts', import.meta.url))

/** A directory with test files in it, gone when `t` ends. Their names stand for `packages/a/test/NAME.test.ts`. */
function directoryOf(t: { teardown(after: () => void): void }, sources: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'conntrack-runner-'))
  t.teardown(() => rmSync(root, { recursive: true }))
  for (const [name, source] of Object.entries(sources)) {
    const file = join(root, 'packages/a/test', `${name}.test.ts`)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, source)
  }
  return root
}

/** The runner's answer to these test files: its exit status, its lines, and the last one. */
function run(t: { teardown(after: () => void): void }, sources: Record<string, string>, ...args: string[]) {
  const root = directoryOf(t, sources)
  const { status, stdout } = spawnSync(process.execPath, [runner, '--root', root, ...args], { encoding: 'utf8' })
  const lines = stdout.trimEnd().split('\n')
  return { status, stdout, last: lines.at(-1) }
}

const tap = (...lines: string[]): string => `console.log(${JSON.stringify(lines.join('\n'))})\n`
const good = tap('TAP version 14', 'ok 1 - fine', '1..1')

t.test('a good file counts once for each runtime', async (t) => {
  const { status, stdout, last } = run(t, { good })
  t.equal(status, 0)
  t.equal(last, '3 passed, 0 failed')
  for (const runtime of ['bun', 'node', 'deno']) t.match(stdout, `good.test.ts ${runtime} 1 passed`)
})

t.test('the condition for sources is on, and each file runs under the runtime it says', async (t) => {
  const name = `'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'`
  const { stdout } = run(t, { name: `console.log('not ok 1 - ' + (${name}) + '\\n1..1')` })
  for (const runtime of ['bun', 'node', 'deno'])
    t.match(stdout, new RegExp(`name.test.ts ${runtime} 0 passed, 1 failed.*\n    ${runtime}\n`))
})

t.test('what is skipped is counted, and it is said why', async (t) => {
  const skipping = tap('TAP version 14', 'ok 1 - fine', 'ok 2 - the old kernel # SKIP it does not start', '1..2')
  const { status, stdout, last } = run(t, { skipping }, '--runtime', 'node')
  t.same([status, last], [0, '1 passed, 0 failed, 1 skipped'])
  t.match(stdout, '\n    skipped: the old kernel: it does not start\n')
})

t.test('a file, and the command line, can narrow down the runtimes', async (t) => {
  t.equal(run(t, { good: `// runtimes: node, deno\n${good}` }).last, '2 passed, 0 failed')
  t.equal(run(t, { good }, '--runtime', 'bun').last, '1 passed, 0 failed')
  t.equal(run(t, { good: `// runtimes: node\n${good}` }, '--runtime', 'bun').last, '0 passed, 1 failed')
})

t.test('parts of paths select files, and selecting none fails', async (t) => {
  const one = `// runtimes: node\n${good}`
  t.equal(run(t, { 'a/one': one, 'a/two': one, three: one }).last, '3 passed, 0 failed')
  t.equal(run(t, { 'a/one': one, 'a/two': one, three: one }, 'a/', 'three').last, '3 passed, 0 failed')
  t.equal(run(t, { 'a/one': one, 'a/two': one, three: one }, 'a/two').last, '1 passed, 0 failed')
  const { status, last } = run(t, { one }, 'nothing')
  t.equal(status, 1)
  t.equal(last, '0 passed, 1 failed')
})

t.test('leaf asserts are counted, and what was skipped apart', async (t) => {
  const nested = tap(
    'TAP version 14',
    '# Subtest: outer',
    '    # Subtest: inner',
    '        ok 1 - a',
    '        not ok 2 - b',
    '          ---',
    '          at:',
    '            fileName: there.ts',
    '            lineNumber: 7',
    '          diff: |',
    '            -1',
    '            +2',
    '          ...',
    '        1..2',
    '    not ok 1 - inner',
    '    1..1',
    'not ok 1 - outer',
    'ok 2 - later # SKIP not today',
    'not ok 3 - some day # TODO',
    '# Subtest: empty',
    '    1..0',
    'ok 4 - empty',
    '1..4',
  )
  const { status, stdout, last } = run(t, { nested: `// runtimes: node\n${nested}` })
  t.equal(status, 1)
  t.equal(last, '2 passed, 1 failed, 2 skipped')
  t.match(stdout, /outer > inner > b\n.*at there.ts:7\n.*diff:\n.*-1\n.*\+2/)
})

const bad: Record<string, [source: string, says: RegExp]> = {
  'that fails': [tap('not ok 1 - wrong', '1..1'), /wrong/],
  'that says nothing': ['', /ran no test/],
  'that plans none': [tap('1..0'), /ran no test/],
  'that stops short of its plan': [tap('ok 1', '1..2'), /the whole file: incorrect number of tests/],
  'that throws': [`${good}console.error('the cause'); throw new Error('boom')`, /exit status 1\n[^]*the cause[^]*boom/],
  'that does not parse': [`${good}(`, /exit status 1/],
  'that exits as it likes': [`${good}process.exit(3)`, /exit status 3/],
  'that is killed': [`${good}process.kill(process.pid, 'SIGSEGV'); setInterval(() => {}, 100)`, /killed by SIGSEGV/],
  'that bails out': [tap('ok 1', 'Bail out! the house burns', '1..1'), /the house burns/],
  'that never ends': [`${good}setInterval(() => {}, 100)`, /no end after 1 s/],
}
for (const [what, [source, says]] of Object.entries(bad)) {
  t.test(`a file ${what} fails`, async (t) => {
    const { status, stdout, last } = run(t, { bad: `// runtimes: node\n// timeout: 1\n${source}`, good: `// runtimes: node\n${good}` })
    t.equal(status, 1)
    t.match(last, /^[12] passed, 1 failed$/)
    t.match(stdout, says)
    t.match(stdout, /^FAIL packages\/a\/test\/bad.test.ts node/m)
  })
}

const alive = (pid: number): boolean => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}

t.test('a daemon that a test leaves behind holds nobody up', async (t) => {
  const daemon = `import { spawn } from 'node:child_process'
    import { writeFileSync } from 'node:fs'
    const child = spawn('sleep', ['30'], { stdio: 'inherit', detached: true })
    child.unref()
    writeFileSync('pid', String(child.pid))
    ${good}`
  const root = directoryOf(t, { daemon: `// runtimes: node\n${daemon}` })
  const { status } = spawnSync(process.execPath, [runner, '--root', root], { timeout: 20_000 })
  t.equal(status, 0)
  process.kill(Number(readFileSync(join(root, 'pid'), 'utf8')))
})

t.test('nothing a test started outlives it', async (t) => {
  for (const ending of ['', 'setInterval(() => {}, 100)']) {
    const leaves = `import { spawn } from 'node:child_process'
      import { writeFileSync } from 'node:fs'
      const child = spawn('sleep', ['1000'], { stdio: 'inherit' })
      child.unref()
      writeFileSync('pid', String(child.pid))
      ${good}${ending}`
    const root = directoryOf(t, { leaves: `// runtimes: node\n// timeout: 1\n${leaves}` })
    const started = Date.now()
    spawnSync(process.execPath, [runner, '--root', root])
    t.ok(Date.now() - started < 20_000)
    await sleep(50)
    t.notOk(alive(Number(readFileSync(join(root, 'pid'), 'utf8'))), 'the sleeper is gone')
  }
})

t.test('a signal to the runner ends what it runs', async (t) => {
  const root = directoryOf(t, {
    hang: `// runtimes: node\nimport { writeFileSync } from 'node:fs'\nwriteFileSync('pid', String(process.pid))\nsetInterval(() => {}, 100)`,
  })
  const child = spawn(process.execPath, [runner, '--root', root], { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.on('exit', resolve))
  while (!existsSync(join(root, 'pid'))) await sleep(20)
  await sleep(50)
  child.kill('SIGINT')
  t.equal(await ended, 130)
  await sleep(50)
  t.notOk(alive(Number(readFileSync(join(root, 'pid'), 'utf8'))))
})
