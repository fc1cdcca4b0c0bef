// What was measured of -E, as a part of the page of results.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EVENT_ROWS, type EventRow, WATCHERS, type WatcherName } from './events.ts'
import { root } from './measure.ts'

/** What one of those who watch has come to. */
interface Result {
  /** By column. */
  readonly cells: Readonly<Record<string, string>>
  readonly date: string
  /** The first number of /proc/loadavg when it began: of a quiet machine it is at most what an earlier measurement left. */
  readonly load: number
}

type Results = Readonly<Record<string, Readonly<Partial<Record<WatcherName, Result>>>>>

const KEPT = join(root, 'bench/results-events.json')

const results = (): Results => (existsSync(KEPT) ? (JSON.parse(readFileSync(KEPT, 'utf8')) as Results) : {})

/** Keeps what one has come to in a row. Gives the row's lines. */
export function recordEvents(row: EventRow, name: WatcherName, cells: readonly string[], load: number): string {
  const all = results()
  const byColumn = Object.fromEntries(row.columns.map((column, i) => [column, cells[i]]))
  const result: Result = { cells: byColumn, date: new Date().toISOString().slice(0, 10), load }
  const own = { ...all[row.name], [name]: result }
  writeFileSync(KEPT, `${JSON.stringify({ ...all, [row.name]: own }, null, 2)}\n`)
  return section(row, own)
}

/** The sections of all rows that were measured. */
export function eventSections(): string[] {
  const all = results()
  return EVENT_ROWS.filter(({ name }) => all[name] !== undefined).map((row) => section(row, all[row.name]))
}

function section({ name, title, note, columns }: EventRow, measured: Results[string]): string {
  return [
    `## ${name}: ${title}\n`,
    `${note}\n`,
    `| program | ${columns.join(' | ')} | measured | load |`,
    `| --- |${' ---: |'.repeat(columns.length)} --- | ---: |`,
    ...WATCHERS.flatMap((one) => {
      const result = measured[one]
      return result === undefined
        ? []
        : [`| \`${one}\` | ${[...columns.map((column) => result.cells[column]), result.date, result.load].join(' | ')} |`]
    }),
    '',
  ].join('\n')
}
