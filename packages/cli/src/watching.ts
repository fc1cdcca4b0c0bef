import type { EventType } from '@conntrack/core'
import { UNTOLD_AT_END } from '@conntrack/core/plugin'
import type { TableName } from './commands.ts'
import { UsageError } from './failure.ts'
import type { Parsed } from './getopt.ts'
import type { CliOption } from './options.ts'

/** What a command line says of watching. */
export interface Watched {
  /** All where none is said. */
  readonly events: readonly EventType[] | undefined
  /** In bytes. */
  readonly receiveBuffer: number | undefined
  readonly resync: boolean
  readonly reliable: boolean
  /** Ends after so many events, and after so many milliseconds. */
  readonly limit: number | undefined
  readonly duration: number | undefined
  /** What of the events that were asked for is not shown, and why. */
  readonly warning: string | undefined
}

type Given = Parsed<CliOption>

/** Reads the options of -E. @throws UsageError that names the option and its value */
export function watching(given: readonly Given[], table: TableName): Watched {
  const named = (name: string): Given[] => given.filter(({ option }) => option.names[0] === name)
  const one = <T>(name: string, parse: (argument: string) => T | undefined, expected: string): T | undefined => {
    const [first, second] = named(name)
    if (second !== undefined) throw new UsageError(`option \`${second.written}' is given twice`, second.written)
    return first === undefined ? undefined : read(first, parse, expected)
  }
  const masks = named('event-mask').map((each) => read(each, eventTypes, 'some of ALL, NEW, UPDATES, DESTROY'))
  return {
    ...decidable(masks.length === 0 ? undefined : [...new Set(masks.flat())], table === 'expect' ? [] : given),
    receiveBuffer: one('buffer-size', size, 'bytes, such as 1000000 or 64M'),
    resync: named('no-resync').length === 0,
    reliable: named('reliable').length > 0,
    limit: one('count', (argument) => whole(argument, Number.MAX_SAFE_INTEGER), 'a number of events, at least 1'),
    duration: one('for', time, 'a time, such as 10s, 5m or 500ms'),
  }
}

/**
 * The events of which the conditions can be decided: not those of a flow's end where one is on what the kernel does not tell of it.
 * @throws UsageError where none of the others was asked for
 */
function decidable(events: Watched['events'], given: readonly Given[]): Pick<Watched, 'events' | 'warning'> {
  const untold = given.find(({ option: { sets = '' } }) => UNTOLD_AT_END.includes(sets.split('.')[0]))
  if (untold === undefined || events?.includes('destroy') === false) return { events, warning: undefined }
  const others = (events ?? ALL).filter((type) => type !== 'destroy')
  const why = `the kernel does not tell what \`${untold.written}' is about when a flow ends`
  if (others.length === 0) throw new UsageError(`${why}: expected -e NEW,UPDATES with it`, untold.written)
  return { events: others, warning: `DESTROY events are not shown: ${why}` }
}

function read<T>({ written, argument = '' }: Given, parse: (argument: string) => T | undefined, expected: string): T {
  const value = parse(argument)
  if (value !== undefined) return value
  throw new UsageError(`invalid value \`${argument}' for option \`${written}': expected ${expected}`, written)
}

const ALL: readonly EventType[] = ['new', 'update', 'destroy']
const WORDS: readonly (readonly [word: string, types: readonly EventType[]])[] = [
  ['ALL', ALL],
  ['NEW', ['new']],
  ['UPDATES', ['update']],
  ['DESTROY', ['destroy']],
]

/** A list of words, each of which may be shortened. */
function eventTypes(argument: string): EventType[] | undefined {
  const found = argument.split(',').map((given) => WORDS.find(([word]) => given !== '' && word.startsWith(given.toUpperCase())))
  return found.every((one) => one !== undefined) ? found.flatMap(([, types]) => types) : undefined
}

function whole(argument: string, maximum: number): number | undefined {
  const number = /^[0-9]+$/.test(argument) ? Number(argument) : 0
  return number >= 1 && number <= maximum ? number : undefined
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }
/** SO_RCVBUFFORCE takes an int, and doubles it. */
const LARGEST_BUFFER = 2 ** 30 - 1

function size(argument: string): number | undefined {
  const [, digits = '', unit = ''] = /^([0-9]+)([KMG]?)$/i.exec(argument) ?? []
  const bytes = Number(digits) * UNITS[unit.toUpperCase()]
  return bytes >= 1 ? Math.min(bytes, LARGEST_BUFFER) : undefined
}

const SPANS: Readonly<Record<string, number>> = { ms: 1, '': 1000, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
/** What a timer can wait for. */
const LONGEST = 2 ** 31 - 1

/** A time in milliseconds; seconds where no unit is given. */
function time(argument: string): number | undefined {
  const [, digits = '', unit = ''] = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|)$/.exec(argument) ?? []
  const milliseconds = Math.ceil(Number(digits) * SPANS[unit])
  return milliseconds >= 1 && milliseconds <= LONGEST ? milliseconds : undefined
}
