// runtimes: node
import { cpSync, existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { run } from './support/packed.ts'
import { namespace, needsRoot } from './support/namespace.ts'
import { root, RUNTIMES, temporary } from './support/program.ts'
import { versioned } from './support/release.ts'

const packages = globSync('packages/*', { cwd: root }).sort()
const deno = RUNTIMES['deno'] ?? ''

t.test('jsr.json says what package.json says; npm run jsr writes it anew', async (t) => {
  const folder = temporary(t)
  for (const one of packages) cpSync(join(root, one, 'package.json'), join(folder, one, 'package.json'))
  cpSync(join(root, 'scripts/jsr.mjs'), join(folder, 'scripts/jsr.mjs'))
  t.equal(run(folder, process.execPath, 'scripts/jsr.mjs'), '')
  const read = (directory: string, one: string): string => readFileSync(join(directory, one, 'jsr.json'), 'utf8')
  for (const one of packages) t.equal(read(root, one), read(folder, one), one)
})

t.test('all packages can be published on JSR, by deno’s own word; of some the types are slow', async (t) => {
  const clone = versioned(join(temporary(t), 'clone'))
  const workspace = join(temporary(t), 'workspace')
  for (const one of packages)
    for (const name of ['src', 'README.md', 'jsr.json']) cpSync(join(clone, one, name), join(workspace, one, name), { recursive: true })
  writeFileSync(join(workspace, 'deno.json'), JSON.stringify({ workspace: packages.map((one) => `./${one}`) }))
  const publish = (...flags: readonly string[]): string =>
    run(workspace, 'env', 'NO_COLOR=1', deno, 'publish', '--dry-run', '--allow-dirty', ...flags)

  t.notMatch(publish('--allow-slow-types'), /^status|^error/m)
  // Types follow from tables. A package may leave this list, and none may come into it: decision 10.
  const slow = new Set([...publish().matchAll(/^ *--> .*\/packages\/([^/]+)\//gm)].map(([, name]) => name))
  t.strictSame([...slow].toSorted(), ['core', 'proto-dccp', 'proto-icmp', 'proto-sctp', 'proto-tcp'])

  if (needsRoot) return
  const program = `
    import { openConntrack } from '@conntrack/core'
    import { tcp } from '@conntrack/proto-tcp'
    import { line } from '@conntrack/formatters'
    using ct = openConntrack({ protocols: [tcp] })
    const original = { source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 1, destinationPort: 2 }
    ct.flows.create({ protocol: 'tcp', original, state: 'ESTABLISHED', timeout: 600 })
    ct.flows.list().print(line(), (chunk) => console.log(new TextDecoder().decode(chunk)))`
  writeFileSync(join(workspace, 'use.ts'), program)
  // As the registry resolves it: what a package exports, and what it imports by other names.
  const imports = packages.flatMap((one) => {
    const jsr = JSON.parse(readFileSync(join(workspace, one, 'jsr.json'), 'utf8')) as Record<
      'exports' | 'imports',
      Record<string, string>
    > & {
      readonly name: string
    }
    const exported = Object.entries(jsr.exports).map(([path, file]) => [jsr.name + path.slice(1), `./${join(one, file)}`])
    const own = Object.entries(jsr.imports).filter(([name]) => name.startsWith('#'))
    return [...exported, ...own.map(([name, file]) => [name, `./${join(one, file)}`])]
  })
  const config = join(workspace, 'run.json')
  writeFileSync(config, JSON.stringify({ imports: Object.fromEntries(imports) }))
  using netns = namespace()
  const words = ['run', '--quiet', '--no-prompt', '--no-lock', '--config', config, '--allow-ffi', join(workspace, 'use.ts')]
  const { stdout, stderr } = netns.run(deno, words)
  t.match(stdout, /^tcp .* ESTABLISHED src=10\.0\.0\.1 dst=10\.0\.0\.2 /, stderr)
  t.notOk(existsSync(join(workspace, 'node_modules')), 'nothing of npm is needed')
})
