// runtimes: node
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from './support/program.ts'

interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const text = (path: string): string => readFileSync(join(root, path), 'utf8')
const manifests = ['package.json', ...globSync('{packages/*,tests,bench,docs,examples}/package.json', { cwd: root })].map((path) => ({
  path,
  manifest: JSON.parse(text(path)) as Manifest,
}))

const all = ({ dependencies, devDependencies, optionalDependencies, peerDependencies }: Manifest): [name: string, version: string][] =>
  [dependencies, devDependencies, optionalDependencies, peerDependencies].flatMap((each = {}) => Object.entries(each))

const foreign = manifests.flatMap(({ path, manifest }) =>
  all(manifest).flatMap(([alias, given]) => {
    if (given.startsWith('workspace:')) return []
    const [, name = alias, version = given] = /^npm:(.+)@(.+)$/.exec(given) ?? []
    return [{ path, name, version }]
  }),
)

t.test('each dependency is named with its reason, and nothing else is', async (t) => {
  const rows = text('docs/dependencies.md')
    .split('\n')
    .filter((line) => /^\| (?!dependency|---)/.test(line))
    .map((line) => line.split(' | '))
  const named = rows.flatMap(([names]) => names.replaceAll(/^\| |\]\([^)]*\)|\[/g, '').split(', '))
  const names = new Set(foreign.map(({ name }) => name))
  for (const name of names)
    t.ok(
      named.some((one) => one.split(' ')[0] === name),
      `${name} is in docs/dependencies.md`,
    )
  for (const one of named) t.ok(names.has(one.split(' ')[0]), `${one} is a dependency`)
  for (const [name, , reason = ''] of rows) t.ok(reason.length > 5, `${name} has a reason`)
})

t.test('every version is exact, and locked without the address of a registry', async (t) => {
  for (const { path, name, version } of foreign) t.match(version, /^\d+\.\d+\.\d+$/, `${path}: ${name}`)
  const lock = text('pnpm-lock.yaml')
  t.notMatch(lock, /https?:\/\//)
  for (const { name } of foreign) t.ok(lock.includes(`${name}@`) || lock.includes(`${name}'`), `${name} is locked`)
})

t.test('what is published depends on itself, and for Node alone on koffi', async (t) => {
  for (const { path, manifest } of manifests.filter(({ manifest }) => !manifest.private)) {
    t.strictSame(
      Object.keys(manifest.dependencies ?? {}).filter((name) => !name.startsWith('@conntrack/')),
      [],
      path,
    )
    t.strictSame(Object.keys(manifest.optionalDependencies ?? {}), manifest.name === '@conntrack/core' ? ['koffi'] : [], path)
    for (const script of ['preinstall', 'install', 'postinstall', 'prepare'])
      t.notOk(manifest.scripts?.[script], `${path} has no ${script}`)
  }
})

t.test('install scripts are off but where a package is empty without', async (t) => {
  const [, allowed = ''] = /^allowBuilds:\n((?: +.*\n)+)/m.exec(text('pnpm-workspace.yaml')) ?? []
  t.strictSame(
    allowed
      .trim()
      .split(/\s*\n\s*/)
      .filter((line) => line.endsWith(': true')),
    ['bun: true', 'deno: true', 'pnpm: true'],
  )
})
