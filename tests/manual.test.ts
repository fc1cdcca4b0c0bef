// runtimes: node
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { COMMANDS } from '../packages/cli/src/commands.ts'
import { installed } from '../packages/cli/src/installed.ts'
import { OPTIONS, protocolOptions } from '../packages/cli/src/options.ts'
import { outputWords } from '../packages/cli/src/output.ts'
import { EXAMPLES, manual } from '../scripts/manual.ts'
import { namespace, needsRoot, OURS } from './support/namespace.ts'

const directory = mkdtempSync(join(tmpdir(), 'conntrack-manual-'))
t.teardown(() => rmSync(directory, { recursive: true }))
const page = join(directory, 'conntrack.8')
writeFileSync(page, manual(installed))

t.test('man(1) has no warning about the manual page, and shows all there is', async (t) => {
  const env = { ...process.env, MANWIDTH: '80', LC_ALL: 'C.UTF-8' }
  const { status, stdout, stderr } = spawnSync('man', ['--warnings', '-E', 'UTF-8', '-l', page], { env, encoding: 'utf8' })
  t.equal(status, 0)
  t.equal(stderr, '')
  const words = new Set(stdout.split(/[\s,]+/))
  const options = [...COMMANDS, ...OPTIONS, ...installed.protocols.flatMap(protocolOptions)]
  for (const name of options.flatMap(({ names }) => names)) t.ok(words.has(`--${name}`), name)
  for (const word of outputWords(installed.formats)) t.ok(words.has(word), word)
})

t.test('the examples of the manual page are command lines that work', { skip: needsRoot }, async (t) => {
  symlinkSync(OURS, join(directory, 'conntrack'))
  using netns = namespace()
  const env = { PATH: `${directory}:${process.env['PATH']}` }
  const made = '-I -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1000 --dport 80 --state ESTABLISHED -t 300 -g 192.0.2.7'
  execFileSync('ip', ['netns', 'exec', netns.name, OURS, ...made.split(' ')])
  const done = [...EXAMPLES].toSorted(([, one], [, other]) => Number(one.includes('-D')) - Number(other.includes('-D')))
  for (const [what, line] of done) {
    const { status, stderr } = netns.run('sh', ['-c', `cd ${directory} && ${line.replace('blue', netns.name)}`], env)
    t.equal(status, 0, `${what} ${line}\n${stderr}`)
  }
})
