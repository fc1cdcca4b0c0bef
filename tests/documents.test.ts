// runtimes: node
// timeout: 300
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { entryPoints, exportsOf } from './surface/surface.ts'
import { installed } from '../packages/cli/src/installed.ts'
import { understand } from '../packages/cli/src/understand.ts'
import { pages } from '../bench/report.ts'
import { anchors, blocks, commandLines, links } from './documents/markdown.ts'
import { environment, root, RUNTIMES, skipKernel } from './support/program.ts'

const git = ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.md']
const paths = execFileSync('git', git, { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '' && !path.startsWith('.changeset/') && !path.endsWith('CHANGELOG.md') && existsSync(join(root, path)))
const documents = new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]))
const written = [...documents].filter(([path]) => !path.startsWith('docs/api/'))

/** Documents whose code is several files of a package, with a test of its own. */
const TRIED_ELSEWHERE = new Set(['docs/guides/write-a-protocol.md'])

t.test('every link leads somewhere', async (t) => {
  t.ok(documents.size > 20)
  for (const [path, text] of documents)
    for (const link of links(text)) {
      if (/^https?:/.test(link)) continue
      const [file, anchor] = link.split('#')
      const target = file === '' ? path : join(dirname(path), decodeURI(file))
      const known = existsSync(join(root, target))
      const heading =
        anchor === undefined || !target.endsWith('.md') || (known && anchors(readFileSync(join(root, target), 'utf8')).has(anchor))
      if (!known || !heading) t.fail(`${path} points to ${link}`)
    }
})

t.test('code in documents compiles, and runs where it does not say that it cannot', { skip: skipKernel }, async (t) => {
  const directory = mkdtempSync(join(root, 'tests/.documents-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const programs = written
    .filter(([path]) => !TRIED_ELSEWHERE.has(path))
    .flatMap(([path, text]) =>
      blocks(text)
        .filter(({ language }) => language === 'ts')
        .map(({ words, text, line }) => {
          const file = join(directory, `${path.replaceAll(/[^a-zA-Z0-9]/g, '-')}-${line}.ts`)
          writeFileSync(file, `${text}\nexport {}\n`)
          return { file, where: `${path}:${line}`, isRun: !words.includes('no-run') }
        }),
    )
  t.ok(programs.length > 10)
  const config = {
    extends: '../../tsconfig.tests.json',
    include: ['*.ts'],
    references: [],
    compilerOptions: { incremental: false, tsBuildInfoFile: null, noUnusedLocals: false },
  }
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config))
  t.equal(spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', directory], { cwd: directory, encoding: 'utf8' }).stdout, '')
  for (const { file, where } of programs.filter(({ isRun }) => isRun)) {
    const words = ['-n', RUNTIMES.bun, '--no-install', '--conditions=@conntrack/source', file]
    const { status, stderr } = spawnSync('unshare', words, { cwd: directory, encoding: 'utf8', timeout: 60_000, env: environment('bun') })
    t.equal(status, 0, `${where}: ${stderr}`)
  }
})

t.test('command lines in documents are understood', async (t) => {
  let count = 0
  for (const [path, text] of written)
    for (const { language, text: code, line } of blocks(text)) {
      if (!['console', 'sh', 'text'].includes(language)) continue
      for (const words of commandLines(code)) {
        count++
        if (words[0] === '-R') continue
        t.doesNotThrow(() => understand(words, installed.protocols, installed.formats), `${path}:${line}: ${words.join(' ')}`)
      }
    }
  t.ok(count > 10)
})

t.test('what is told of performance is what was measured; npm run bench -- --pages writes it anew', async (t) => {
  t.equal(pages().size, 2)
  for (const [path, text] of pages()) {
    t.ok(/^\| .*\| \d+\.\d+ \|/m.test(text), path)
    t.equal(documents.get(path), text, path)
  }
})

t.test('every package says how it is installed, shows an example, and names what it exports', async (t) => {
  const readmes = paths.filter((one) => /^packages\/[^/]+\/README\.md$/.test(one))
  const mains = new Map(readmes.map((path) => [path, mainOf(join(root, dirname(path)))]))
  const surfaces = exportsOf([...mains.values()])
  t.equal(readmes.length, 9)
  for (const path of readmes) {
    const text = documents.get(path) ?? ''
    const name = `@conntrack/${path.split('/')[1]}`
    const own = blocks(text)
    t.ok(
      own.some(({ language, text }) => language === 'sh' && text.startsWith('npm install') && text.includes(name)),
      `${path}: how to install it`,
    )
    const example = own.find(({ language }) => language === 'ts')
    t.ok(example !== undefined && example.text.trimEnd().split('\n').length <= 14, `${path}: an example of some ten lines`)
    for (const { name: exported, text: kind } of surfaces.get(mains.get(path) ?? '') ?? [])
      if (/^(function|const|class)/.test(kind)) t.ok(text.includes(`\`${exported}`), `${path}: ${exported}`)
  }
})

/** The source behind a package's own name. */
function mainOf(directory: string): string {
  const [[, file]] = entryPoints(directory)
  return file
}
