// runtimes: node
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { namespace, needsRoot, OURS } from './support/namespace.ts'

/** A directory to put first on the PATH, with the program in it under its name. */
const directory = mkdtempSync(join(tmpdir(), 'conntrack-completion-'))
t.teardown(() => rmSync(directory, { recursive: true }))
symlinkSync(OURS, join(directory, 'conntrack'))
const env = { ...process.env, PATH: `${directory}:${process.env['PATH']}`, TERM: 'dumb' }

const missing = (shell: string): string | false => (spawnSync('which', [shell]).status === 0 ? false : `there is no ${shell} to try it in`)

/** Command lines up to the cursor, and what a shell must offer there. */
const CASES = [
  ['conntrack -L -p tcp --state E', 'ESTABLISHED', 'states of the protocol'],
  ['conntrack -L unc', 'unconfirmed', 'tables'],
  ['conntrack -D -o xml,ktim', 'xml,ktimestamp', 'formats, in a list'],
  ['conntrack -L --output=js', 'json', 'values behind ='],
  ['conntrack -F --fam', '--family', 'options of the command'],
  ['conntrack --upd', '--update', 'commands'],
] as const

t.test('bash offers what the program knows', { skip: missing('bash') }, async (t) => {
  const offered = (line: string): string[] => {
    // Bash itself takes = for a word of its own.
    const words = line.split(/ |(?<==)|(?==)/)
    const script = `source <(conntrack --completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _conntrack conntrack; printf '%s\\n' "\${COMPREPLY[@]}"`
    return execFileSync('bash', ['--norc', '-c', script, 'bash', ...words], { env, encoding: 'utf8' })
      .trimEnd()
      .split('\n')
  }
  t.equal(
    execFileSync('bash', ['--norc', '-c', 'source <(conntrack --completion bash); complete -p conntrack'], { env, encoding: 'utf8' }),
    'complete -F _conntrack conntrack\n',
  )
  for (const [line, wanted, what] of CASES) t.strictSame(offered(line), [wanted], what)
  t.ok(offered('conntrack -L --s').includes('--src'))
  if (needsRoot === false) {
    using netns = namespace()
    t.strictSame(offered(`conntrack -L --netns ${netns.name}`), [netns.name], 'names of network namespaces')
  }
  t.notOk(offered('conntrack -C --s').includes('--src'))
})

t.test('fish offers it with its help', { skip: missing('fish') }, async (t) => {
  const offered = (line: string): string[] =>
    execFileSync('fish', ['--no-config', '-c', `conntrack --completion fish | source; complete -C '${line}'`], { env, encoding: 'utf8' })
      .trimEnd()
      .split('\n')
  for (const [line, wanted, what] of CASES)
    t.ok(
      offered(line).some((one) => one.split('\t')[0]?.endsWith(wanted)),
      what,
    )
  t.match(offered('conntrack -L --zer'), ['--zero\tset all counters to 0 while listing'])
  t.notOk(offered('conntrack -F --zer').some((one) => one.startsWith('--zero')))
  t.match(offered('conntrack -R /et').join('\n'), '/etc/', 'files')
})

t.test('zsh completes in a terminal', { skip: missing('zsh') || missing('tmux') }, async (t) => {
  const socket = `conntrack-${process.pid}`
  const tmux = (...words: string[]): string => execFileSync('tmux', ['-L', socket, '-f', '/dev/null', ...words], { env, encoding: 'utf8' })
  tmux('new-session', '-d', '-x', '200', '-y', '50', 'zsh -f')
  t.teardown(() => tmux('kill-server'))
  /** Types, and waits until the screen shows what it should. */
  const typed = async (keys: readonly string[], wanted: RegExp): Promise<boolean> => {
    tmux('send-keys', '-t', '0', ...keys)
    for (let tries = 0; tries < 300; tries++) {
      if (wanted.test(tmux('capture-pane', '-p', '-J'))) return true
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    t.comment(tmux('capture-pane', '-p'))
    return false
  }
  t.ok(existsSync(join(directory, 'conntrack')))
  t.ok(
    await typed(
      [
        `PATH=${env.PATH}; PS1='> '; autoload -U compinit && compinit -u -D && source <(conntrack --completion zsh) && clear && echo rea''dy`,
        'Enter',
      ],
      /^ready$/m,
    ),
  )
  for (const [line, wanted, what] of CASES) t.ok(await typed(['C-u', line, 'Tab'], new RegExp(`^> .*${wanted}`, 'm')), what)
  t.ok(await typed(['C-u', 'conntrack -L --repl', 'Tab', 'Tab'], /--reply-src +-- source, reply direction/), 'with its help')
})
