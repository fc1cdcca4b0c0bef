// What was measured, as a file that people read, and one from which it is written again when a row is measured anew.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventSections } from './event-report.ts'
import { description, loadAverage } from './machine.ts'
import { median, root, type Run } from './measure.ts'
import { ROWS, type Row } from './rows.ts'

/** A row as it was measured. */
interface Result {
  readonly date: string
  readonly flows: number
  readonly rounds: number
  readonly machine: readonly string[]
  readonly contestants: readonly {
    readonly name: string
    readonly target?: number
    readonly seconds: number
    readonly cpu: number
    readonly memory: number
  }[]
  /** Programs that could run when it was measured (the first number of /proc/loadavg): at much more than 1, trust the processor's time. */
  readonly load: number
}

const KEPT = join(root, 'bench/results.json')

const results = (): Record<string, Result> => (existsSync(KEPT) ? (JSON.parse(readFileSync(KEPT, 'utf8')) as Record<string, Result>) : {})

/** The pages that are written of what was measured, by their path from the root. Of the guide the table alone is. */
export function pages(): ReadonlyMap<string, string> {
  const all = results()
  const guide = readFileSync(join(root, GUIDE), 'utf8')
  return new Map([
    ['bench/RESULTS.md', markdown(all)],
    [GUIDE, guide.replace(TABLE, (_, start: string, end: string) => `${start}${summary(all)}${end}`)],
  ])
}

const GUIDE = 'docs/guides/performance.md'
const TABLE = /(<!-- measured -->\n\n)[^]*?(\n<!-- \/measured -->)/

/** Writes all pages anew. */
export function publish(): void {
  for (const [path, text] of pages()) writeFileSync(join(root, path), text)
}

/** Keeps what a row has come to, and writes the pages. Gives the row's lines. */
export function record(row: Row, flows: number, runs: readonly (readonly Run[])[]): string {
  const result: Result = {
    date: new Date().toISOString().slice(0, 10),
    flows,
    rounds: runs[0].length,
    machine: description(),
    load: loadAverage(),
    contestants: row.contestants.map(({ name, target }, i) => ({
      name,
      target,
      seconds: median(runs[i].map(({ seconds }) => seconds)),
      cpu: median(runs[i].map(({ cpu }) => cpu)),
      memory: Math.max(...runs[i].map(({ memory }) => memory)),
    })),
  }
  const all = { ...results(), [row.name]: result }
  writeFileSync(KEPT, `${JSON.stringify(all, null, 2)}\n`)
  publish()
  return section(row, result)
}

function markdown(all: Readonly<Record<string, Result>>): string {
  const measured = ROWS.filter(({ name }) => all[name] !== undefined)
  const machines = [...new Set(measured.flatMap(({ name }) => all[name].machine))]
  return [
    '# Results\n',
    'Written by `npm run bench`. Each table compares programs that do the same work, run in turn (A B A B …), with their output thrown away;',
    'seconds are medians, the ratio is to the first, memory is the most that any run had. CPU seconds are those of the program and of the kernel',
    'on its behalf: where the load was high, they tell more than the time that passed. To repeat, as root, with Debian’s `conntrack`,',
    '`iproute2`, `nftables` and `time` installed and nothing else going on: `npm run bench`, or some rows of it, `npm run bench -- list xml`.',
    'The tables are made in a network namespace; `nf_conntrack_max` and `nf_conntrack_buckets` are raised meanwhile and set back.\n',
    ...machines.map((line) => `- ${line}`),
    '',
    ...measured.map((row) => section(row, all[row.name])),
    ...eventSections(),
  ].join('\n')
}

/** Of times too short to be counted there is no ratio. */
const ratioText = (ratio: number): string => (Number.isFinite(ratio) ? ratio.toFixed(2) : '')

function section({ name, title, table }: Row, { date, flows, rounds, contestants, load }: Result): string {
  const [first] = contestants
  const size = table === 'empty' && !name.startsWith('load') ? 'an empty table' : `${flows.toLocaleString('en')} flows`
  return [
    `## ${name}: ${title}\n`,
    `${size}, ${rounds} rounds, ${date}, load ${load}\n`,
    '| program | seconds | ratio | CPU seconds | ratio | target | memory, MiB |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...contestants.map(({ name: program, seconds, cpu, memory, target }) => {
      const [ratio, cpuRatio] = [seconds / first.seconds, cpu / first.cpu].map(ratioText)
      return `| \`${program}\` | ${seconds.toFixed(3)} | ${ratio} | ${cpu.toFixed(2)} | ${cpuRatio} | ${target ?? ''} | ${memory.toFixed(0)} |`
    }),
    '',
  ].join('\n')
}

/** One table of all rows in which the original takes part, with the programs that were compared with it. */
function summary(all: Readonly<Record<string, Result>>): string {
  const compared = ROWS.filter(({ name, contestants }) => all[name] !== undefined && contestants[0].command[0] === 'conntrack')
  return [
    '| work | flows | `conntrack(8)`, s | program | s | ratio | CPU ratio | MiB |',
    '| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |',
    ...compared.flatMap(({ name, title }) => {
      const { flows, contestants } = all[name]
      const [first, ...others] = contestants
      return others.map(({ name: program, seconds, cpu, memory }) => {
        const [ratio, cpuRatio] = [seconds / first.seconds, cpu / first.cpu].map(ratioText)
        const cells = [title, flows.toLocaleString('en'), first.seconds.toFixed(2), `\`${program}\``, seconds.toFixed(2)]
        return `| ${[...cells, ratio, cpuRatio, memory.toFixed(0)].join(' | ')} |`
      })
    }),
    '',
  ].join('\n')
}
