// runtimes: node
// timeout: 900
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The environment of somebody who has Node, npm and a network, and nothing in their home. */
function bare(home: string): Record<string, string> {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((directory) => !directory.includes('node_modules'))
  const env: Record<string, string> = { PATH: path.join(delimiter), HOME: home }
  const network = /^(NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|(https?|no|all)_proxy)$/i
  for (const [name, value] of Object.entries(process.env)) if (value && network.test(name)) env[name] = value
  // This machine's way to the registry, which may be written down in the home that is not there then.
  const { stdout } = spawnSync('npm', ['config', 'get', 'registry', 'cafile', 'proxy', 'https-proxy'], { cwd: root, encoding: 'utf8' })
  for (const [, name = '', value = ''] of stdout.matchAll(/^([a-z-]+) ?= ?"?(.+?)"?$/gm)) {
    if (value !== 'null') env[`npm_config_${name.replace('-', '_')}`] = value
  }
  return env
}

t.test('a fresh clone works with two commands and an empty home', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'conntrack-clone-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const clone = join(directory, 'clone')
  const home = join(directory, 'home')
  mkdirSync(home)
  const env = bare(home)
  const run = (command: string, args: string[], more: Record<string, string> = {}) => {
    const { status, stdout, stderr } = spawnSync(command, args, { cwd: clone, env: { ...env, ...more }, encoding: 'utf8' })
    return { status, stdout, stderr }
  }
  const git = (...args: string[]) => spawnSync('git', ['-c', 'safe.directory=*', ...args], { encoding: 'utf8' })
  t.equal(git('clone', '--quiet', root, clone).status, 0)

  const version = run('npm', ['run', '-s', 'conntrack', '--', '-V'])
  t.match(version, { status: 0, stdout: /^conntrack v.*\n$/, stderr: /^conntrack: setting up .*\n$/ })
  t.same(run('npm', ['run', '-s', 'conntrack', '--', '-V']), { ...version, stderr: '' }, 'set up once')
  for (const runtime of ['bun', 'node', 'deno']) {
    t.same(run('./conntrack', ['-V'], { CONNTRACK_RUNTIME: runtime }), { ...version, stderr: '' }, runtime)
  }

  const flow = '-p udp -s 192.0.2.1 -d 192.0.2.2 --sport 5000 --dport 53 -t 60'
  const list = 'npm run -s conntrack -- -L'
  t.match(run('unshare', ['-n', 'sh', '-c', list]), { status: 0, stdout: /^$/ }, 'an empty table')
  t.match(
    run('unshare', ['-n', 'sh', '-c', `npm run -s conntrack -- -I ${flow} >inserted && rm inserted && ${list}`]),
    { status: 0, stdout: /^udp +17 \d+ src=192.0.2.1 dst=192.0.2.2 sport=5000 dport=53 .*\n$/ },
    'a table of one',
  )

  const test = run('npm', ['test', '--', 'packages/core/test/errors.test.ts'])
  t.equal(test.status, 0)
  t.match(test.stdout, /\n[1-9]\d* passed, 0 failed\n$/)
  t.equal(git('-C', clone, 'status', '--porcelain').stdout, '', 'nothing is left lying about')
})
