// runtimes: node
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('..', import.meta.url))

/** A clone with nothing in it but what set-up reads, and an npx that notes each call, does what `npx` says, and is the only one in reach. */
function cloneOf(t: { teardown(after: () => void): void }, npx: string) {
  const clone = mkdtempSync(join(tmpdir(), 'conntrack-setup-'))
  t.teardown(() => rmSync(clone, { recursive: true }))
  for (const name of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', 'patches', 'scripts/setup.mjs']) {
    cpSync(join(root, name), join(clone, name), { recursive: true })
  }
  mkdirSync(join(clone, 'bin'))
  const npm = '#!/bin/sh\necho registry=http://127.0.0.1:9/\necho cafile=null\necho "noproxy="\n'
  writeFileSync(join(clone, 'bin/npm'), npm, { mode: 0o755 })
  const lines = ['#!/bin/sh', `echo "$@" >>calls`, 'env >environment', 'mkdir -p node_modules', npx]
  writeFileSync(join(clone, 'bin/npx'), `${lines.join('\n')}\n`, { mode: 0o755 })
  symlinkSync(process.execPath, join(clone, 'bin/node'))
  const path = (name: string): string => join(clone, name)
  return {
    path,
    run: async (env: Record<string, string> = {}) => {
      const child = spawn(process.execPath, [path('scripts/setup.mjs')], {
        cwd: '/',
        env: { PATH: `${path('bin')}:/usr/bin:/bin`, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const output = { stdout: '', stderr: '' }
      for (const name of ['stdout', 'stderr'] as const) child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text))
      const status = await new Promise<number | null>((resolve) => child.on('close', resolve))
      return { status, ...output }
    },
    calls: (): string[] => (existsSync(path('calls')) ? readFileSync(path('calls'), 'utf8').trimEnd().split('\n') : []),
  }
}

const first = 'conntrack: setting up (first run, about half a minute)\n'
const waiting = 'conntrack: waiting for another set-up of this clone\n'

t.test('set-up installs once, and again when what it installs changes', async (t) => {
  const { path, run, calls } = cloneOf(t, 'echo chatter; echo chatter >&2')
  t.same(await run(), { status: 0, stdout: '', stderr: first })
  t.same(await run(), { status: 0, stdout: '', stderr: '' })
  const pinned = (JSON.parse(readFileSync(path('package.json'), 'utf8')) as { packageManager: string }).packageManager
  t.same(calls(), [`-y ${pinned} install --frozen-lockfile --config.confirmModulesPurge=false`])
  for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', 'patches/another.patch']) {
    const before = calls().length
    writeFileSync(path(file), `${existsSync(path(file)) ? readFileSync(path(file), 'utf8') : ''}\n`)
    t.same(await run(), { status: 0, stdout: '', stderr: first }, file)
    t.equal(calls().length, before + 1)
  }
})

t.test('a lockfile that is only newer makes a newer stamp, which is all that the launcher looks at', async (t) => {
  const { path, run, calls } = cloneOf(t, '')
  await run()
  utimesSync(path('node_modules/.conntrack-setup'), 0, 0)
  await run()
  t.equal(calls().length, 1)
  t.ok(Date.now() - statSync(path('node_modules/.conntrack-setup')).mtimeMs < 60_000)
})

t.test('of several set-ups at once one installs, and the others wait for it', async (t) => {
  const { path, run, calls } = cloneOf(t, 'sleep 1')
  const runs = await Promise.all([run(), run(), run(), run()])
  t.equal(calls().length, 1)
  t.same(
    runs.map(({ status }) => status),
    [0, 0, 0, 0],
  )
  t.same(runs.map(({ stderr }) => stderr).sort(), [first, waiting, waiting, waiting])
  t.notOk(existsSync(path('.setup.lock')))
})

t.test('when the one fails, the next tries', async (t) => {
  const { run, calls } = cloneOf(t, 'sleep 0.5; test -e failed || { touch failed; exit 1; }')
  const runs = await Promise.all([run(), run()])
  t.same(runs.map(({ status }) => String(status)).sort(), ['0', '1'])
  t.equal(calls().length, 2)
})

t.test('the lock of a set-up that was killed is taken over, by one', async (t) => {
  const { path, run, calls } = cloneOf(t, 'sleep 1')
  mkdirSync(path('.setup.lock'))
  writeFileSync(path('.setup.lock/1-1'), '')
  const old = Date.now() / 1000 - 60
  utimesSync(path('.setup.lock'), old, old)
  const runs = await Promise.all([run(), run(), run()])
  t.same(
    runs.map(({ status }) => status),
    [0, 0, 0],
  )
  t.equal(calls().length, 1)
  t.notOk(existsSync(path('.setup.lock')))
})

const failures: Array<[what: string, npx: string, says: RegExp]> = [
  [
    'the registry',
    'echo "npm error code E"; echo "npm error FetchError: request to x failed, reason: refused"; exit 1',
    /exited with 1: FetchError: request to x failed, reason: refused/,
  ],
  [
    'pnpm',
    'echo line; echo "[ERR_PNPM_OUTDATED_LOCKFILE] Cannot install"; echo more; exit 2',
    /exited with 2: \[ERR_PNPM_OUTDATED_LOCKFILE\] Cannot install/,
  ],
  ['something silent', 'exit 3', /exited with 3: and said nothing/],
  ['a signal', 'kill -9 $$', /got SIGKILL/],
]
for (const [what, npx, says] of failures) {
  t.test(`a failure of ${what} is one clear line, and the next run tries again`, async (t) => {
    const { path, run, calls } = cloneOf(t, npx)
    const { status, stdout, stderr } = await run()
    t.equal(status, 1)
    t.equal(stdout, '')
    t.equal(stderr.slice(0, first.length), first)
    t.match(stderr.slice(first.length), new RegExp(`^conntrack: set-up failed: pnpm@\\S+ install ${says.source}.*\\n$`))
    t.notOk(existsSync(path('.setup.lock')))
    await run()
    t.equal(calls().length, 2)
  })
}

t.test('in CI a failure shows all that was said', async (t) => {
  const { run } = cloneOf(t, 'echo one; echo two >&2; exit 1')
  t.match((await run({ CI: 'true' })).stderr, /one\n(.*\n)*conntrack: set-up failed/)
})

t.test('without npx the line says so', async (t) => {
  const { path, run } = cloneOf(t, '')
  t.match(await run({ PATH: path('nowhere') }), { status: 1, stderr: /npx cannot be run/ })
})

t.test('pnpm is told of npm’s registry, and installs what is for development whatever the environment says', async (t) => {
  const { path, run } = cloneOf(t, '')
  await run({ NODE_ENV: 'production', npm_config_omit: 'dev' })
  const environment = readFileSync(path('environment'), 'utf8').split('\n')
  t.ok(environment.includes('PNPM_CONFIG_REGISTRY=http://127.0.0.1:9/'))
  t.notOk(environment.some((line) => /^(NODE_ENV|npm_config_omit|PNPM_CONFIG_(CAFILE|NOPROXY))=/.test(line)))
})
