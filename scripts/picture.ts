// Makes the README's picture of a terminal, from a run of the program on its made-up network:  npm run picture
// Needs tmux, which is the terminal.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { svgOf } from './terminal-svg.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const file = process.argv[2] ?? join(root, 'docs/pictures/terminal.svg')

const COLUMNS = 164
const LINES = [
  'conntrack --demo -L -o table -p tcp,udp --dport 22,53,443 -s 192.168.1.0/28',
  'conntrack --demo -E -e NEW,UPDATES -p tcp,udp --dport 53,443 -s 192.168.1.0/24 --count 9',
]
/** What the shell asks with, and nothing else has in it. */
const PROMPT = '$ '

const server = `conntrack-picture-${process.pid}`
const tmux = (...words: readonly string[]): string =>
  execFileSync('tmux', ['-L', server, '-f', '/dev/null', ...words], { encoding: 'utf8', cwd: root })

/** What the terminal shows, and has shown, with its colours. */
const shown = (): string[] => tmux('capture-pane', '-e', '-p', '-S', '-').trimEnd().split('\n')

/** Waits until the shell has asked so many times. */
async function prompted(times: number): Promise<void> {
  // Each command has some seconds: what happens on the network takes its time.
  for (let i = 0; i < 1200; i++) {
    const lines = shown()
    if (lines.filter((line) => line.startsWith(PROMPT.trim())).length >= times && lines.at(-1)?.trim() === PROMPT.trim()) return
    await sleep(50)
  }
  throw new Error(`the terminal shows\n${shown().join('\n')}`)
}

// The program by its name, and nothing else of this machine.
const shell = `cd ${JSON.stringify(root)} && env -i TERM=screen-256color PATH="$PWD:/usr/bin:/bin" PS1='${PROMPT}' /bin/sh`
tmux('new-session', '-d', '-x', String(COLUMNS), '-y', '60', shell)
try {
  await prompted(1)
  for (const [i, line] of LINES.entries()) {
    tmux('send-keys', '-l', line)
    tmux('send-keys', 'Enter')
    await prompted(i + 2)
  }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, svgOf(shown().slice(0, -1), { columns: COLUMNS, title: 'conntrack lists flows as a table and shows events' }))
} finally {
  tmux('kill-server')
}
