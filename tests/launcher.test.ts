// runtimes: node
import { spawnSync, type SpawnSyncOptions } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('..', import.meta.url))
const launcher = join(root, 'conntrack')
const runtimes = ['bun', 'node', 'deno'] as const
type Suite = { teardown(after: () => void): void }

function temporary(t: Suite): string {
  const directory = mkdtempSync(join(tmpdir(), 'conntrack-launcher-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  return directory
}

function write(directory: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text, { mode: 0o755 })
  }
}

function run(command: string, args: string[], options: SpawnSyncOptions = {}) {
  const { status, stdout, stderr, pid } = spawnSync(command, args, { timeout: 60_000, ...options, encoding: 'utf8' })
  return { status, stdout, stderr, pid }
}

/** What a program under the launcher sees. */
interface Seen {
  readonly args: string[]
  readonly cwd: string
  readonly env: Record<string, string>
  readonly executable: string
  readonly pid: number
}

/** A clone whose tool says what it sees, set up with this clone's runtimes. */
function cloneOf(t: Suite, name = 'clone'): string {
  const clone = join(temporary(t), name)
  write(clone, {
    'package.json': '{ "type": "module" }',
    'pnpm-lock.yaml': '',
    'packages/cli/src/bin.ts': `import process from 'node:process'
      const executable: string = process.execPath
      console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), env: process.env, executable, pid: process.pid }))
      process.exitCode = 7`,
    'node_modules/.conntrack-setup': '',
  })
  utimesSync(join(clone, 'pnpm-lock.yaml'), 0, 0)
  for (const name of ['bun', 'deno', '.bin']) symlinkSync(join(root, 'node_modules', name), join(clone, 'node_modules', name))
  copyFileSync(launcher, join(clone, 'conntrack'))
  return clone
}

const see = (command: string, args: string[], options: SpawnSyncOptions = {}): Seen =>
  JSON.parse(run(command, args, options).stdout) as Seen

t.test('the launcher becomes the runtime, and passes on arguments and the exit status', async (t) => {
  const clone = cloneOf(t)
  const executables = { bun: /\/bun\.exe$|\/bun$/, node: /\/node$/, deno: /\/deno$/ }
  const args = ['-L', '--', '-p', 'tcp', '', 'a b', '--help', '--watch', '-A', '-e', '$HOME', '*']
  for (const runtime of runtimes) {
    const { status, stdout, stderr, pid } = run(join(clone, 'conntrack'), args, {
      env: { ...process.env, CONNTRACK_RUNTIME: runtime },
      cwd: '/',
    })
    const seen = JSON.parse(stdout) as Seen
    t.same(seen.args, args, runtime)
    t.match(seen.executable, executables[runtime])
    t.equal(seen.pid, pid, 'the same process')
    t.equal(seen.cwd, '/')
    t.equal(status, 7)
    t.equal(stderr, '')
  }
  t.match(see(join(clone, 'conntrack'), [], { env: { PATH: process.env['PATH'] } }).executable, executables.bun)
})

t.test('an unknown runtime is an error of one line', async (t) => {
  const { status, stdout, stderr } = run(launcher, ['-L'], { env: { ...process.env, CONNTRACK_RUNTIME: 'perl' } })
  t.equal(status, 2)
  t.equal(stdout, '')
  t.equal(stderr, `conntrack: CONNTRACK_RUNTIME is 'perl', and can be bun, node or deno\n`)
})

t.test('the launcher finds its clone through links, relative paths and odd names', async (t) => {
  const clone = cloneOf(t, 'a=b c')
  const elsewhere = temporary(t)
  const link = (target: string, name: string): string => {
    symlinkSync(target, join(elsewhere, name))
    return join(elsewhere, name)
  }
  const script = join(clone, 'conntrack')
  const ways: Array<[what: string, command: string, args: string[], cwd: string]> = [
    ['an absolute path', script, [], '/'],
    ['a path from the directory above', 'a=b c/conntrack', [], dirname(clone)],
    ['sh, in the clone', 'sh', ['conntrack'], clone],
    ['an absolute link', link(script, 'absolute'), [], '/'],
    ['a relative link', link(relative(elsewhere, script), 'relative'), [], '/'],
    ['a link to a link', link('relative', 'chain'), [], '/'],
    ['a linked directory', join(link(clone, 'directory'), 'conntrack'), [], '/'],
  ]
  for (const runtime of runtimes) {
    for (const [what, command, args, cwd] of ways) {
      const env = { ...process.env, CONNTRACK_RUNTIME: runtime, CDPATH: '/usr:/tmp' }
      t.same(see(command, [...args, '-L', 'x y'], { cwd, env }).args, ['-L', 'x y'], `${runtime}, ${what}`)
    }
  }
})

t.test('a clone that is not set up is set up first, out of the way of the output', async (t) => {
  const clone = cloneOf(t)
  const stamp = join(clone, 'node_modules/.conntrack-setup')
  const setup = (text: string): void => write(clone, { 'scripts/setup.mjs': text })
  setup(
    `import { writeFileSync } from 'node:fs'; console.log('chatter', process.cwd()); writeFileSync('node_modules/.conntrack-setup', '')`,
  )
  for (const undo of [() => rmSync(stamp), () => utimesSync(stamp, 0, 0)]) {
    undo()
    const first = run(join(clone, 'conntrack'), ['-L'], { cwd: '/' })
    t.same((JSON.parse(first.stdout) as Seen).args, ['-L'])
    t.equal(first.stderr, `chatter ${clone}\n`)
    t.equal(run(join(clone, 'conntrack'), ['-L'], { cwd: '/' }).stderr, '', 'once')
  }
  setup('process.exit(5)')
  rmSync(stamp)
  const failed = run(join(clone, 'conntrack'), ['-L'])
  t.equal(failed.status, 1)
  t.equal(failed.stdout, '')
})

/** Code that leaves a mark when it runs, whatever it is taken for; an import might not get what it asks for here. */
const evil = (canary: string): string => `process.getBuiltinModule('node:fs').writeFileSync(${JSON.stringify(canary)}, 'x')\n`

/** Every file by which a runtime can be told in a directory to run other code. */
function trap(directory: string, canary: string): void {
  const code = evil(canary)
  const shell = `#!/bin/sh\necho x >${canary}\n`
  const everything = { '*': ['./evil.ts'], '@conntrack/*': ['./evil.ts'], 'node:*': ['./evil.ts'], '/*': ['./evil.ts'] }
  const imports = {
    '#libc': './evil.ts',
    '@conntrack/core': './evil.ts',
    'node:fs': './evil.ts',
    'node:process': './evil.ts',
    '/': './',
  }
  const packageJson = {
    name: '@conntrack/cli',
    type: 'module',
    main: './evil.ts',
    exports: './evil.ts',
    imports: { '#libc': './evil.ts', '#*': './evil.ts' },
    browser: { [join(root, 'packages/cli/src/bin.ts')]: './evil.ts', '*': './evil.ts' },
    workspaces: ['*'],
    scripts: { preinstall: './evil.sh', [join(root, 'packages/cli/src/bin.ts')]: './evil.sh' },
  }
  write(directory, {
    'bunfig.toml': 'preload = ["./evil.ts"]\n[run]\npreload = ["./evil.ts"]\n[test]\npreload = ["./evil.ts"]\n',
    '.bunfig.toml': 'preload = ["./evil.ts"]\n',
    '.env': 'NODE_OPTIONS=--import=./evil.mjs\nBUN_OPTIONS=--preload=./evil.ts\nCONNTRACK_RUNTIME=perl\n',
    '.env.local': 'NODE_OPTIONS=--import=./evil.mjs\n',
    '.npmrc': 'registry=http://127.0.0.1:9/\nnode-options=--import=./evil.mjs\nscript-shell=./evil.sh\n',
    'package.json': JSON.stringify(packageJson),
    'tsconfig.json': JSON.stringify({ compilerOptions: { baseUrl: '.', paths: everything } }),
    'jsconfig.json': JSON.stringify({ compilerOptions: { baseUrl: '.', paths: everything } }),
    'deno.json': JSON.stringify({ imports, preload: ['./evil.ts'], lock: './deno.lock', nodeModulesDir: 'auto' }),
    'deno.lock': '{ "version": "5", "redirects": {} }',
    'import_map.json': JSON.stringify({ imports }),
    'node.config.json': JSON.stringify({ nodeOptions: { import: ['./evil.mjs'] } }),
    'evil.ts': code,
    'evil.mjs': code,
    'evil.sh': shell,
    'index.ts': code,
    'innocent.ts': '',
    // Where the import map above sends every file.
    [join('.', root, 'packages/cli/src/bin.ts')]: code,
    [join('.', directory, 'innocent.ts')]: code,
    'packages/cli/src/bin.ts': code,
    ...Object.fromEntries(['bun', 'node', 'deno', 'env', 'readlink', 'sh', 'libc.so.6'].map((name) => [name, shell])),
    ...Object.fromEntries(
      ['koffi', '@conntrack/core', '@conntrack/formatters', '@conntrack/proto-tcp', 'fs', 'process'].flatMap((name) => [
        [`node_modules/${name}/package.json`, '{ "type": "module", "exports": { ".": "./index.js", "./plugin": "./index.js" } }'],
        [`node_modules/${name}/index.js`, code],
      ]),
    ),
  })
}

/** Every variable by which a runtime can be told to run other code. */
function poison(directory: string): Record<string, string> {
  const file = (name: string): string => join(directory, name)
  return {
    HOME: file('home'),
    XDG_CONFIG_HOME: file('home'),
    XDG_CACHE_HOME: file('home/cache'),
    NODE_OPTIONS: `--import=${file('evil.mjs')}`,
    NODE_PATH: file('node_modules'),
    NODE_COMPILE_CACHE: file('home/node'),
    NODE_V8_COVERAGE: file('home/coverage'),
    NODE_REPL_EXTERNAL_MODULE: file('evil.mjs'),
    OPENSSL_CONF: file('openssl.cnf'),
    BUN_OPTIONS: `--preload=${file('evil.ts')}`,
    BUN_INSPECT: 'ws://127.0.0.1:0/x',
    BUN_INSPECT_PRELOAD: file('evil.ts'),
    BUN_CONFIG_PRELOAD: file('evil.ts'),
    BUN_INSTALL: file('home/bun'),
    BUN_INSTALL_CACHE_DIR: file('home/bun'),
    BUN_RUNTIME_TRANSPILER_CACHE_PATH: file('home/bun'),
    DENO_DIR: file('home/deno'),
    DENO_CONFIG: file('deno.json'),
    DENO_V8_FLAGS: '--trace-opt',
    DENO_COVERAGE_DIR: file('home/coverage'),
    OTEL_DENO: 'true',
    ENV: file('evil.sh'),
    BASH_ENV: file('evil.sh'),
    CDPATH: directory,
    npm_config_node_options: `--import=${file('evil.mjs')}`,
  }
}

t.test('a trap works on a runtime that is started without care', async (t) => {
  const directory = temporary(t)
  const canary = join(directory, 'canary')
  const bin = join(root, 'packages/cli/src/bin.ts')
  const bun = join(root, 'node_modules/bun/bin/bun.exe')
  const careless: Array<[what: string, command: string, args: string[], env: Record<string, string>]> = [
    ['bunfig.toml', bun, ['--tsconfig-override=/dev/null', '--conditions=@conntrack/source', bin, '-V'], {}],
    ['tsconfig.json', bun, ['--config=/dev/null', '--no-env-file', '--no-install', '--conditions=@conntrack/source', bin, '-V'], {}],
    ['variables', process.execPath, ['--conditions=@conntrack/source', bin, '-V'], poison(directory)],
    ['deno.json', join(root, 'node_modules/deno/deno'), ['run', '-A', join(directory, 'innocent.ts')], {}],
  ]
  for (const [what, command, args, env] of careless) {
    trap(directory, canary)
    run(command, args, { cwd: directory, env: { ...process.env, ...env } })
    t.ok(existsSync(canary), what)
    rmSync(canary, { force: true })
  }
})

t.test('in a stranger’s directory, with a stranger’s variables, nothing of theirs runs', async (t) => {
  const top = temporary(t)
  const canary = join(top, 'canary')
  const inner = join(top, 'outer/inner')
  for (const directory of [join(top, 'outer'), inner]) trap(directory, canary)
  write(inner, { 'home/.bunfig.toml': 'preload = ["../evil.ts"]\n', 'home/.npmrc': 'registry=http://127.0.0.1:9/\n', 'openssl.cnf': '' })
  const clean = run(launcher, ['-V'], { cwd: '/' }).stdout
  t.match(clean, /^conntrack v/)
  for (const runtime of runtimes) {
    for (const env of [{}, poison(inner)]) {
      for (const args of [['-V'], ['-C'], ['-L', '-p', 'tcp', '--dport', '1']]) {
        const { status, stdout, stderr } = run(launcher, args, { cwd: inner, env: { ...process.env, ...env, CONNTRACK_RUNTIME: runtime } })
        const what = `${runtime} ${args.join(' ')} ${Object.keys(env).length} variables`
        t.notOk(existsSync(canary), what)
        rmSync(canary, { force: true })
        t.equal(status, 0, what)
        if (args[0] === '-V') t.same({ stdout, stderr }, { stdout: clean, stderr: '' }, what)
      }
    }
  }
  t.same(readdirSync(join(inner, 'home')).sort(), ['.bunfig.toml', '.npmrc'], 'and nothing is left in their home')
})

t.test('what lies in the directories above the clone does not matter either', async (t) => {
  const clone = cloneOf(t)
  const canary = join(temporary(t), 'canary')
  trap(dirname(clone), canary)
  for (const runtime of runtimes) {
    const { status, stderr } = run(join(clone, 'conntrack'), ['-L'], { env: { ...process.env, CONNTRACK_RUNTIME: runtime }, cwd: '/' })
    t.equal(status, 7, runtime)
    t.equal(stderr, '', runtime)
    t.notOk(existsSync(canary), runtime)
  }
})

t.test('only the language, the time zone, the terminal and how one came to it are passed on', async (t) => {
  const clone = cloneOf(t)
  const cwd = temporary(t)
  write(cwd, { '.env': 'EVIL=1\n', '.env.local': 'EVIL=1\n', '.env.production': 'EVIL=1\n' })
  const passed = {
    LANG: 'de_DE.UTF-8',
    LC_ALL: 'C',
    LC_TIME: 'C',
    TZ: 'Asia/Tokyo',
    TERM: 'a b',
    SSH_CONNECTION: '192.0.2.1 1 $(id)\n"*\' 22',
  }
  for (const runtime of runtimes) {
    const env = { ...poison(clone), ...passed, PATH: process.env['PATH'], CONNTRACK_RUNTIME: runtime, WHATEVER: 'x' }
    const seen = see(join(clone, 'conntrack'), [], { env, cwd }).env
    const own = [
      'PATH',
      'BUN_RUNTIME_TRANSPILER_CACHE_PATH',
      'NODE_COMPILE_CACHE',
      'DENO_DIR',
      'DENO_NO_UPDATE_CHECK',
      '_',
      'PWD',
      'SHLVL',
      'OLDPWD',
    ]
    t.same(Object.fromEntries(Object.entries(seen).filter(([name]) => !own.includes(name))), passed, runtime)
    for (const [name, value] of Object.entries(seen)) if (/CACHE|DENO_DIR/.test(name)) t.ok(value.startsWith(clone), name)
  }
})
