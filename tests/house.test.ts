// runtimes: node
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { specifiers, violations } from './house-rules.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What the house says of one file alone. */
const of = (path: string, ...lines: string[]): string[] => violations(new Map([[path, lines.join('\n')]]))

t.test('every file of this repository keeps the rules', async (t) => {
  const git = ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const paths = execFileSync('git', git, { cwd: root, encoding: 'utf8' }).split('\0')
  const files = new Map(
    paths.filter((path) => path && existsSync(join(root, path))).map((path) => [path, readFileSync(join(root, path), 'utf8')]),
  )
  t.ok(files.has('packages/core/src/index.ts'), 'the sources are looked at')
  t.same(violations(files), [])
})

t.test('specifiers() finds every way to name a module', async (t) => {
  const text = [
    `import a from './a.ts'`,
    `import type { B } from "./b.ts"`,
    `import {\n  c,\n} from './c.ts'`,
    `import './d.ts'`,
    `export * from './e.ts'`,
    `export type { F } from './f.ts'`,
    `const g = await import('./g.ts')`,
    `type H = typeof import('./h.ts')`,
    `const i = require('./i.ts')`,
    `const j = createRequire(import.meta.url)('./j.ts')`,
    `// import k from './k.ts'`,
    `/** import l from './l.ts' */`,
  ]
  t.same(
    specifiers(text.join('\n')),
    [...'abcdefghij'].map((name) => `./${name}.ts`),
  )
})

const allowed: Array<[file: string, specifier: string]> = [
  ['core/src/index.ts', './conntrack.ts'],
  ['core/src/index.ts', './schema/match.ts'],
  ['core/src/conntrack.ts', './commands/read.ts'],
  ['core/src/commands/read.ts', '../transport/request.ts'],
  ['core/src/commands/read.ts', './context.ts'],
  ['core/src/commands/read.ts', '../errors.ts'],
  ['core/src/tables/flow.ts', '../schema/table.ts'],
  ['core/src/plugin.ts', './tables/flow.ts'],
  ['core/src/testing/socket.ts', '../transport/message.ts'],
  ['core/src/testing/codec.ts', '../schema/encode.ts'],
  ['core/src/transport/socket.ts', '#libc'],
  ['core/src/transport/socket.ts', '../errors.ts'],
  ['core/src/transport/bun.ts', 'bun:ffi'],
  ['core/src/transport/koffi.ts', 'koffi'],
  ['core/src/transport/node.ts', './libc.ts'],
  ['proto-tcp/src/index.ts', '@conntrack/core/plugin'],
  ['proto-tcp/src/index.ts', './flags.ts'],
  ['formatters/src/line.ts', '@conntrack/core/plugin'],
  ['cli/src/installed.ts', '@conntrack/proto-tcp'],
  ['cli/src/run.ts', '@conntrack/core'],
  ['cli/src/run.ts', '@conntrack/formatters'],
  ['cli/src/run.ts', 'node:fs'],
  ['cli/src/demo/open.ts', '@conntrack/core/testing'],
  ['cli/src/bin.ts', 'node:process'],
]
const forbidden: Array<[file: string, specifier: string]> = [
  ['core/src/conntrack.ts', './index.ts'],
  ['core/src/commands/read.ts', '../conntrack.ts'],
  ['core/src/commands/read.ts', '../plugin.ts'],
  ['core/src/commands/read.ts', '#libc'],
  ['core/src/tables/flow.ts', '../commands/read.ts'],
  ['core/src/plugin.ts', './commands/read.ts'],
  ['core/src/testing/kernel.ts', '../conntrack.ts'],
  ['core/src/testing/kernel.ts', '../commands/read.ts'],
  ['core/src/commands/read.ts', '../testing/kernel.ts'],
  ['core/src/plugin.ts', './transport/socket.ts'],
  ['core/src/transport/request.ts', '../schema/scan.ts'],
  ['core/src/schema/scan.ts', '../transport/message.ts'],
  ['core/src/schema/scan.ts', '../tables/flow.ts'],
  ['core/src/schema/scan.ts', 'node:fs'],
  ['core/src/errors.ts', './schema/text.ts'],
  ['core/src/transport/socket.ts', './bun.ts'],
  ['core/src/transport/socket.ts', './node.ts'],
  ['core/src/transport/socket.ts', 'bun:ffi'],
  ['core/src/transport/socket.ts', 'koffi'],
  ['core/src/index.ts', '@conntrack/formatters'],
  ['core/src/index.ts', '../../formatters/src/index.ts'],
  ['proto-tcp/src/index.ts', '@conntrack/core'],
  ['proto-tcp/src/index.ts', '@conntrack/proto-udp'],
  ['proto-tcp/src/index.ts', '../../proto-udp/src/index.ts'],
  ['proto-tcp/src/index.ts', 'node:fs'],
  ['formatters/src/line.ts', '@conntrack/core'],
  ['formatters/src/line.ts', '@conntrack/proto-tcp'],
  ['cli/src/run.ts', '@conntrack/proto-tcp'],
  ['cli/src/bin.ts', '@conntrack/proto-tcp'],
  ['cli/src/run.ts', '@conntrack/core/src/errors.ts'],
  ['cli/src/run.ts', 'left-pad'],
  ['cli/src/run.ts', '@conntrack/core/testing'],
  ['cli/src/run.ts', '../package.json'],
  ['cli/src/run.ts', 'node:process'],
  ['cli/src/installed.ts', 'node:process'],
]

t.test('who may import whom', async (t) => {
  for (const [file, specifier] of allowed)
    t.same(of(`packages/${file}`, `import { x } from '${specifier}'`), [], `${file} may import ${specifier}`)
  for (const [file, specifier] of forbidden) {
    const path = `packages/${file}`
    t.same(of(path, `import { x } from '${specifier}'`), [`${path} may not import ${specifier}`], `${file} may not import ${specifier}`)
  }
})

t.test('only the composition root touches process, and nobody asks for the runtime', async (t) => {
  t.match(of('packages/cli/src/run.ts', 'const { argv } = process.argv'), [/may not touch process/])
  t.match(of('packages/core/src/conntrack.ts', 'const a = `${process.pid}`'), [/may not touch process/])
  t.match(of('packages/core/src/conntrack.ts', `if ('Bun' in globalThis) {}`), [/may not ask which runtime/])
  t.match(of('packages/core/src/conntrack.ts', 'Deno.dlopen()'), [/may not ask which runtime/])
  t.same(of('packages/cli/src/bin.ts', 'process.exitCode = 1'), [])
  t.same(of('packages/core/src/transport/deno.ts', 'Deno.dlopen()'), [])
  t.same(
    of('packages/core/src/schema/text.ts', '// process.exit()', `const a = 'Bun and Deno'`, 'const b = `no process. Deno`', 'c.process.d'),
    [],
  )
})

t.test('sources have names, no default exports, and 400 lines at most', async (t) => {
  t.match(of('packages/cli/src/run.ts', 'export default 1'), [/default export/])
  t.match(of('packages/cli/src/run.ts', 'export { a as default }'), [/default export/])
  t.match(of('packages/cli/src/utils.ts', ''), [/says nothing/])
  t.match(of('packages/cli/src/run.ts', '\n'.repeat(401)), [/over 400 lines/])
  t.same(of('packages/cli/src/run.ts', '\n'.repeat(399)), [])
})

t.test('no committed file names one machine or a registry', async (t) => {
  for (const place of ['work', 'root', 'home']) t.match(of('docs/a.md', '', `see /${place}/somebody`), [/^docs\/a.md:2 names a path/])
  t.match(of('docs/a.md', ['from registry', 'npmjs', 'org'].join('.')), [/names a registry/])
  t.match(of('pnpm-lock.yaml', 'tarball: https://example.org/a.tgz'), [/has an address/])
  t.match(of('package-lock.json', '{}'), [/is npm's/])
  t.same(of('docs/a.md', 'tests/root/a', 'the $HOME/x, ~/work/x and <root>/x'), [])
})

t.test('what is published says what it is, and depends on no more than it may', async (t) => {
  const good = { type: 'module', license: 'MIT', description: 'x', files: ['dist'], exports: {}, sideEffects: false }
  const check = (name: string, more: object): string[] => of(`packages/${name}/package.json`, JSON.stringify({ ...good, ...more }))
  t.same(check('core', { optionalDependencies: { koffi: '1' } }), [])
  t.same(check('cli', { dependencies: { '@conntrack/core': '1', '@conntrack/formatters': '1', '@conntrack/proto-tcp': '1' } }), [])
  for (const field of ['license', 'description', 'files', 'exports']) t.match(check('core', { [field]: undefined }), [`has no ${field}`])
  t.match(check('core', { sideEffects: true }), [/sideEffects/])
  t.match(check('core', { type: undefined }), [/type: module/])
  t.match(check('core', { dependencies: { koffi: '1' } }), [/depend on koffi/])
  t.match(check('proto-tcp', { dependencies: { '@conntrack/proto-udp': '1' } }), [/depend on/])
  t.match(check('formatters', { dependencies: { '@conntrack/proto-udp': '1' } }), [/depend on/])
  t.match(check('cli', { dependencies: { commander: '1' } }), [/depend on commander/])
})

t.test('the demonstration is loaded when it is asked for', async (t) => {
  t.same(of('packages/cli/src/main.ts', `import { openDemo } from './demo/open.ts'`), [
    'packages/cli/src/main.ts loads the demonstration at once',
  ])
  t.same(of('packages/cli/src/main.ts', `const { openDemo } = await import('./demo/open.ts')`), [])
})
