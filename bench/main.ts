// Compares ours with the original:  npm run bench -- [row ...] [--flows 1000000] [--pairs 5], or --pages, which writes the pages anew.
// Rows of events can be measured in parts: --watchers C,bun
// Needs root and Debian's conntrack. A dump walks the kernel's one hash of all namespaces: keep other dumps away while this runs.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { recordEvents } from './event-report.ts'
import { EVENT_ROWS, WATCHERS } from './events.ts'
import { loadAverage, prepare } from './machine.ts'
import { type Run, run } from './measure.ts'
import { publish, record } from './report.ts'
import { ROWS, type Row } from './rows.ts'
import { fill, keepLabels, type TableKind } from './tables.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    flows: { type: 'string', default: '1000000' },
    pairs: { type: 'string', default: '5' },
    pages: { type: 'boolean' },
    watchers: { type: 'string', default: WATCHERS.join() },
  },
})
if (values.pages) {
  publish()
  process.exit()
}
const flows = Number(values.flows)
const names = [...ROWS, ...EVENT_ROWS].map(({ name }) => name)
const strange = positionals.find((name) => !names.includes(name))
if (strange !== undefined) throw new Error(`no row is called ${strange}: there are ${names.join(', ')}`)
const isChosen = ({ name }: { readonly name: string }): boolean => positionals.length === 0 || positionals.includes(name)
const watchers = WATCHERS.filter((name) => values.watchers.split(',').includes(name))

const machine = prepare(flows)
const directory = mkdtempSync(join(tmpdir(), 'ct-bench-'))
const saved = join(directory, 'saved')
let filled: TableKind | undefined

/** The table for a row, made anew where it is not there as it was. */
function ready(kind: TableKind): void {
  if (filled !== kind) fill(machine.namespace, kind, flows)
  filled = kind
}

function save(): void {
  ready('tcp')
  const options = ['netns', 'exec', machine.namespace, 'conntrack', '-L', '-o', 'save']
  execFileSync('ip', options, { stdio: ['ignore', openSync(saved, 'w'), 'ignore'] })
}

function measure({ table, changes, contestants, rounds = Number(values.pairs) }: Row): Run[][] {
  if (contestants.some(({ command }) => command.includes('SAVED'))) save()
  const runs = contestants.map((): Run[] => [])
  for (let round = 1; round <= rounds; round++) {
    for (const [i, contestant] of contestants.entries()) {
      ready(table)
      const words = { SAVED: saved, ROUND: String(round * contestants.length + i) }
      runs[i].push(run(contestant, { namespace: machine.namespace, directory, words }))
      if (changes) filled = undefined
    }
  }
  return runs
}

try {
  keepLabels(machine.namespace)
  for (const row of ROWS.filter(isChosen)) console.log(record(row, flows, measure(row)))
  for (const row of EVENT_ROWS.filter(isChosen)) {
    for (const name of watchers) {
      const load = loadAverage()
      console.log(recordEvents(row, name, await row.measure(name, { namespace: machine.namespace, directory }), load))
    }
    publish()
  }
} finally {
  rmSync(directory, { recursive: true })
  await machine.release()
}
