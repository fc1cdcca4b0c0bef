// runtimes: node
// timeout: 300
import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = (name: string): string => join(root, 'node_modules/.bin', name)
// The machine's own Node, which may be as old as packages allow, and its npm.
const path = (process.env['PATH'] ?? '').split(delimiter).filter((directory) => !directory.includes('node_modules'))
const env = { ...process.env, PATH: path.join(delimiter) }

function run(cwd: string, command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8' })
  return status === 0 ? stdout : `status ${status}\n${stdout}${stderr}`
}

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

t.test('what is published works by itself, installed by npm', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'conntrack-packages-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const tarballs = join(directory, 'tarballs')
  const project = join(directory, 'project')
  mkdirSync(project)
  t.equal(spawnSync(bin('tsc'), ['-b', ...globSync('packages/*', { cwd: root })], { cwd: root, encoding: 'utf8' }).stdout, '')
  for (const name of readdirSync(join(root, 'packages'))) {
    spawnSync(bin('pnpm'), ['pack', '--pack-destination', tarballs], { cwd: join(root, 'packages', name) })
  }
  const packed = globSync(join(tarballs, '*.tgz'))
  t.equal(packed.length, readdirSync(join(root, 'packages')).length)
  const usual = /^package\/((src|dist)\/.*\.(ts|js|map)|package\.json|schema\.json|conntrack\.8|README\.md|CHANGELOG\.md|LICENSE)$/
  for (const tarball of packed) {
    const files = run('/', 'tar', '-tzf', tarball).trimEnd().split('\n')
    const name = tarball.replace(/.*\//, '')
    if (name.startsWith('conntrack-cli')) t.ok(files.includes('package/conntrack.8'), 'the manual page comes with the program')
    t.ok(files.includes('package/LICENSE'), `${name} has its licence`)
    t.same(
      files.filter((file) => !usual.test(file)),
      [],
      `nothing strange is in ${name}`,
    )
  }

  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }')
  writeFileSync(join(project, 'use.js'), program)
  writeFileSync(join(project, 'typed.ts'), typed)
  run(project, 'npm', 'install', '--silent', '--no-audit', '--no-fund', ...packed)
  const runtimes = [
    ['node'],
    [process.execPath],
    [bin('bun')],
    [bin('deno'), 'run', '--quiet', '--allow-ffi', '--allow-read', '--allow-env'],
  ]
  for (const [command = '', ...flags] of runtimes) {
    t.match(run(project, command, ...flags, 'use.js'), /^number .*\/core\/dist\/index\.js\n$/, command)
    t.match(run(project, command, ...flags, 'node_modules/@conntrack/cli/dist/bin.js', '-V'), /^conntrack v.*\n$/, command)
  }
  t.match(run(project, 'npx', '--no-install', 'conntrack', '-V'), /^conntrack v.*\n$/)
  for (const [resolution, module] of [
    ['nodenext', 'nodenext'],
    ['bundler', 'esnext'],
  ] as const) {
    const flags = ['--noEmit', '--strict', '--target', 'es2023', '--lib', 'es2023,esnext.disposable,dom', '--types', '']
    t.equal(run(project, bin('tsc'), ...flags, '--moduleResolution', resolution, '--module', module, 'typed.ts'), '', resolution)
  }
})
