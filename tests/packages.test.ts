// runtimes: node
// timeout: 420
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { namespace, needsRoot } from './support/namespace.ts'
import { bin, install, pack, root, run } from './support/packed.ts'
import { versioned } from './support/release.ts'
import { RUNTIMES } from './support/program.ts'

const directory = mkdtempSync(join(tmpdir(), 'conntrack-packages-'))
t.teardown(() => rmSync(directory, { recursive: true }))
// As a release does it: versions first, then what is built from them.
const clone = versioned(join(directory, 'clone'))
const packed = pack(join(directory, 'tarballs'), clone)
const core = packed.get('core') ?? ''

/** An empty folder with these files. */
function project(name: string, files: Readonly<Record<string, string>>): string {
  for (const [file, text] of Object.entries({ 'package.json': '{ "private": true, "type": "module" }', ...files })) {
    mkdirSync(dirname(join(directory, name, file)), { recursive: true })
    writeFileSync(join(directory, name, file), text)
  }
  return join(directory, name)
}

/** The newest Node, which only these tests need: from the registry, as koffi is. */
const NEWEST_NODE = '26.10.0'
const newest = project('newest', {})
install(newest, [`node-linux-${process.arch}@${NEWEST_NODE}`])

type Runtime = readonly [command: string, ...flags: string[]]
/** Node as old as packages allow, if that is this machine's; the one that we work with; and as new as there is. */
const nodes: readonly Runtime[] = [['node'], [process.execPath], [join(newest, `node_modules/node-linux-${process.arch}/bin/node`)]]
/** Bun, and Deno with no more than it needs. */
const others: readonly Runtime[] = [[bin('bun')], [bin('deno'), 'run', '--quiet', '--allow-ffi', '--allow-read', '--allow-env']]
const runtimes = [...nodes, ...others]

const program = `
import { createRequire } from 'node:module'
import { openConntrack } from '@conntrack/core'
import { tcp } from '@conntrack/proto-tcp'
const ct = openConntrack({ protocols: [tcp] })
console.log(typeof ct.flows.count(), createRequire(import.meta.url).resolve('@conntrack/core'))
ct[Symbol.dispose]()
`
const typed = `
import { openConntrack } from '@conntrack/core'
import { tcp } from '@conntrack/proto-tcp'
using ct = openConntrack({ protocols: [tcp] })
for (const flow of ct.flows.list({ protocol: 'tcp', original: { destinationPort: 443 } }))
  if (flow.protocol === 'tcp') console.log(flow.original.sourcePort satisfies number | undefined)
// @ts-expect-error a field that is misspelt
ct.flows.list({ protocol: 'tcp', original: { destinationPrt: 443 } })
`

/** What a package may have in it. */
const USUAL = /^package\/((src|dist)\/.*\.(ts|js|map)|package\.json|README\.md|CHANGELOG\.md|LICENSE|conntrack\.8|schema\.json)$/

/** What the program depends on besides. */
const OTHERS = ['proto-udp', 'proto-icmp', 'proto-sctp', 'proto-dccp', 'proto-gre']

/** Sends one packet of ESP over a loopback that is tracked. */
const ESP = `
import socket, subprocess
subprocess.run('ip link set lo up', shell=True, check=True)
rule = 'add table inet t; add chain inet t i { type filter hook input priority 0; }; add rule inet t i ct state new,established accept'
subprocess.run(['nft', rule], check=True)
socket.socket(socket.AF_INET, socket.SOCK_RAW, 50).sendto(bytes(20), ('127.0.0.1', 0))
`

t.test('what is packed has its licence, and nothing strange', async (t) => {
  t.strictSame([...packed.keys()].toSorted(), readdirSync(join(root, 'packages')).toSorted())
  for (const [name, tarball] of packed) {
    const files = run('/', 'tar', '-tzf', tarball).trimEnd().split('\n')
    t.ok(files.includes('package/LICENSE'), `${name} has its licence`)
    t.equal(
      files.includes('package/CHANGELOG.md'),
      existsSync(join(clone, 'packages', name, 'CHANGELOG.md')),
      `${name} says what has changed`,
    )
    t.same(
      files.filter((file) => !USUAL.test(file)),
      [],
      `nothing strange is in ${name}`,
    )
  }
})

t.test('a release raises the versions together, and tells what has changed', async (t) => {
  const { version } = JSON.parse(readFileSync(join(clone, 'packages/core/package.json'), 'utf8')) as { version: string }
  const before = JSON.parse(readFileSync(join(root, 'packages/core/package.json'), 'utf8')) as { version: string }
  const changes = readdirSync(join(root, '.changeset'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => readFileSync(join(root, '.changeset', file), 'utf8'))
  t.equal(version !== before.version, changes.length > 0)
  for (const [name, tarball] of packed) {
    const manifest = JSON.parse(run('/', 'tar', '-xzOf', tarball, 'package/package.json')) as {
      version: string
      dependencies?: Record<string, string>
    }
    t.equal(manifest.version, version, name)
    for (const [other, range] of Object.entries(manifest.dependencies ?? {})) t.equal(range, `^${version}`, `${name} needs ${other}`)
    if (changes.length === 0) continue
    const [title, ...sections] = readFileSync(join(clone, 'packages', name, 'CHANGELOG.md'), 'utf8').split(/^(?=## )/m)
    t.equal(title, `# @conntrack/${name}\n\n`)
    t.match(sections[0], `## ${version}\n`, name)
    const written = changes
      .filter((change) => change.includes(`'@conntrack/${name}':`))
      .map((change) => change.split('---\n').at(-1)?.trim().replaceAll('\n', '\n  '))
    for (const summary of written) t.ok(sections[0]?.includes(`\n- ${summary}\n`), `${name}: ${summary}`)
    t.equal(sections[0]?.match(/^- /gm)?.length ?? 0, written.length, `${name}: and nothing else`)
  }
  t.strictSame(
    readdirSync(join(clone, '.changeset')).filter((file) => file.endsWith('.md')),
    [],
    'and every changeset is used up',
  )
})

t.test('Bun and Deno need nothing but the packages: no koffi', async (t) => {
  const folder = project('bare', { 'use.js': program })
  install(folder, [core, packed.get('proto-tcp') ?? ''], 'optional')
  t.strictSame(
    readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.')),
    ['@conntrack'],
  )
  for (const [command, ...flags] of others) t.match(run(folder, command, ...flags, 'use.js'), /^number /, command)
  t.match(run(folder, 'node', 'use.js'), /npm install koffi/, 'Node says what it lacks')
})

t.test('a bundle has what is used and nothing else', async (t) => {
  const folder = project('bundle', {
    'nothing.js': `import '@conntrack/core'\nimport '@conntrack/proto-tcp'\n`,
    'tcp.js': `import { tcp } from '@conntrack/proto-tcp'\nconsole.log(tcp.name)\n`,
  })
  install(folder, [core, packed.get('proto-tcp') ?? ''])
  const bundle = (file: string): string => run(folder, bin('bun'), 'build', '--minify', '--target=node', file)
  t.match(bundle('nothing.js'), /^\s*$/, 'imports have no side effects')
  const tcp = bundle('tcp.js')
  t.match(tcp, 'SYN_SENT')
  for (const stranger of ['libc.so.6', 'IPCTNL_MSG_CT_GET', 'CTA_EXPECT_MASTER', 'NLMSG']) t.notMatch(tcp, stranger)
})

t.test('what is published works by itself, installed by npm', async (t) => {
  const folder = project('all', { 'use.js': program, 'typed.ts': typed })
  install(folder, [...packed.values()])
  for (const [command, ...flags] of runtimes) {
    t.match(run(folder, command, ...flags, 'use.js'), /^number .*\/core\/dist\/index\.js\n$/, command)
    t.match(run(folder, command, ...flags, 'node_modules/@conntrack/cli/dist/bin.js', '-V'), /^conntrack v.*\n$/, command)
  }
  t.equal(run(folder, nodes[2][0], '--version'), `v${NEWEST_NODE}\n`)
  if (needsRoot === false) await watched(t, folder)
  t.match(run(folder, 'npx', '--no-install', 'conntrack', '-V'), /^conntrack v.*\n$/)
  for (const [resolution, module] of [
    ['nodenext', 'nodenext'],
    ['bundler', 'esnext'],
  ] as const) {
    const flags = ['--noEmit', '--strict', '--target', 'es2023', '--lib', 'es2023,esnext.disposable,dom', '--types', '']
    t.equal(run(folder, bin('tsc'), ...flags, '--moduleResolution', resolution, '--module', module, 'typed.ts'), '', resolution)
  }
})

/** -E as it is installed, on each runtime: waiting is what they have least in common. */
async function watched(t: Test, folder: string): Promise<void> {
  using netns = namespace()
  const bin = join(folder, 'node_modules/@conntrack/cli/dist/bin.js')
  const flow = '-p udp -s 192.0.2.1 -d 192.0.2.2 --sport 1 --dport 53 -t 60'.split(' ')
  for (const [command, ...flags] of runtimes) {
    const child = spawn('ip', ['netns', 'exec', netns.name, command, ...flags, bin, '-E', '--count', '4'], { cwd: folder })
    let stdout = ''
    child.stdout.on('data', (text: Buffer) => (stdout += text.toString()))
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve))
    while (child.exitCode === null) {
      for (const words of [
        ['-I', ...flow],
        ['-D', '-p', 'udp'],
      ])
        netns.run('conntrack', words)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    t.equal(await closed, 0, command)
    t.match(stdout, /\[NEW\] udp .*portid=/, command)
    t.match(stdout, /\[DESTROY\] udp /, command)
  }
}

t.test('core and one protocol are enough, and bring nothing along', async (t) => {
  const folder = project('alone', { 'use.js': program })
  install(folder, [core, packed.get('proto-tcp') ?? ''])
  t.strictSame(readdirSync(join(folder, 'node_modules/@conntrack')), ['core', 'proto-tcp'])
  t.strictSame(
    readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.')),
    ['@conntrack', '@koromix', 'koffi'],
    'but what Node calls C with',
  )
  for (const [command, ...flags] of runtimes)
    t.match(run(folder, command, ...flags, 'use.js'), /^number .*\/core\/dist\/index\.js\n$/, command)
})

t.test('the protocol of the guide works in a package of its own', { skip: needsRoot }, async (t) => {
  const guide = readFileSync(join(root, 'docs/guides/write-a-protocol.md'), 'utf8')
  const files = Object.fromEntries([...guide.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)].map(([, name, text]) => [name, text]))
  t.strictSame(Object.keys(files), ['package.json', 'tsconfig.json', 'src/index.ts', 'src/index.test.ts', 'src/list.ts', 'src/cli.ts'])
  const folder = project('esp', files)
  install(
    folder,
    ['core', 'formatters', 'cli', 'proto-tcp', ...OTHERS].map((name) => packed.get(name) ?? ''),
  )
  t.equal(run(folder, bin('tsc'), '--typeRoots', join(root, 'node_modules/@types')), '', 'it compiles')
  for (const [runtime] of nodes) t.match(run(folder, runtime, '--test', 'dist/index.test.js'), /^# fail 0$|^ℹ fail 0$/m, runtime)

  using netns = namespace()
  t.match(netns.run('python3', ['-c', ESP]), { status: 0, stderr: '' })
  for (const runtime of [...nodes.map(([node]) => node), RUNTIMES['bun'] ?? '']) {
    const cli = (...words: string[]) => netns.run(runtime, [join(folder, 'dist/cli.js'), ...words])
    t.match(cli('-L', '-p', 'esp').stdout, /^esp {6}50 \d+ src=127.0.0.1 dst=127.0.0.1 (\[UNREPLIED\] )?src=127.0.0.1 dst=127.0.0.1 .*\n$/)
    t.match(cli('-L').stdout, /^esp .*\n$/m)
    t.equal(cli('-L', '-p', 'tcp').stdout, '')
    t.match(JSON.parse(cli('-L', '-p', '50', '-s', '127.0.0.0/8', '-o', 'json').stdout), {
      protocol: 'esp',
      original: { protocolNumber: 50 },
    })
    t.match(cli('-L', '-o', 'save').stdout, / -p esp\n$/)
    t.equal(netns.run(runtime, [join(folder, 'dist/list.js')]).stdout, 'esp 127.0.0.1 127.0.0.1\n')
  }
})
