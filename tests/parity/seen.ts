import type { Ran } from './world.ts'

/** What a user sees of a command: its lines in no order, its status, and the summary without the program's name. */
export interface Seen {
  /** Without the numbers that the clock moves. */
  readonly lines: readonly string[]
  /** Those numbers, in the order of the lines. */
  readonly seconds: readonly number[]
  readonly status: number | null
  readonly summary: string | undefined
}

/** Seconds that two programs may be apart, which run one after the other on a busy machine. */
const SLACK = 20

/** The date of an expectation as the original writes it: `[1795603363.40142 ]` is 40,142 microseconds after the second. */
const MISPRINT = /^\[(\d+) *\.(\d+) *\]\t/

/** Timeouts, ages and dates in lines, xml and saved lines, of flows and of expectations. */
const CLOCK =
  /(?<=^(?:(?:ipv[46]|unknown) +\d+ )?[a-z]\S* +\d+ )\d+(?= (?:[A-Z_0-9]+ )?src=)|(?<=\b(?:delta-time=|timeout>|deltatime>)|^-[AUD] -t )\d+|(?<=^(?:\[[\d.]+\]\t)?)\d+(?= proto=)|(?<=^\[)\d+\.\d+(?=\]\t)/g

/** What is compared of what a command did. A usage error is told in other words, so that only its status counts. */
export function seen({ stdout, stderr, status }: Ran): Seen {
  const told = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replace(MISPRINT, (_, seconds: string, micros: string) => `[${seconds}.${micros.padStart(6, '0')}]\t`))
    .map((line) => ({ text: line.replaceAll(CLOCK, 'N'), seconds: (line.match(CLOCK) ?? []).map(Number) }))
    .toSorted((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : (a.seconds[0] ?? 0) - (b.seconds[0] ?? 0)))
  return {
    lines: told.map(({ text }) => text),
    seconds: told.flatMap(({ seconds }) => seconds),
    status,
    summary: status === 2 ? undefined : /: (.* (?:entries|table|expectations) ha(?:ve|s) been .*)$/m.exec(stderr)?.[1],
  }
}

/** Whether two programs have done the same, but for the time between them. */
export function same(one: Seen, other: Seen): boolean {
  const [{ seconds, ...rest }, { seconds: others, ...rests }] = [one, other]
  return JSON.stringify(rest) === JSON.stringify(rests) && seconds.every((second, i) => Math.abs(second - others[i]) <= SLACK)
}

/** Without ids and counts of references, which differ from table to table. */
export function withoutIds(told: Seen): Seen {
  return {
    ...told,
    lines: told.lines.map((line) => line.replaceAll(/ use=\d+| id=\d+(?=$| labels)|<id>\d+<\/id>|<use>\d+<\/use>/g, '')).toSorted(),
  }
}
