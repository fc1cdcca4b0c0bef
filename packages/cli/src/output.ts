import type { EventFormatter, ProtocolVariant, Formatter } from '@conntrack/core/plugin'
import type { Column, EventOptions, LabelNames, LineOptions, SaveCommand } from '@conntrack/formatters'
import type { CommandName, TableName } from './commands.ts'
import { Failure, UsageError } from './failure.ts'

/** What a format may want to know: words after `-o`, and the command by which what is written would be done again. */
export type FormatOptions = LineOptions & { readonly command?: SaveCommand }

/** A way to write flows, and expectations where it can. */
export interface Format {
  /** A line of help. */
  readonly help: string
  /** Makes the formatter of flows. */
  readonly flow: (options: FormatOptions) => Formatter<ProtocolVariant>
  /** Makes the formatter of expectations; without it the format is refused for them. */
  readonly expectation?: (options: FormatOptions & EventOptions) => Formatter<ProtocolVariant>
  /** Whether the formatter of expectations can tell when they were shown. */
  readonly datesExpectations?: boolean
  /** Makes the formatter of events of flows; without it the format is refused for -E. */
  readonly flowEvents?: (options: FormatOptions & EventOptions) => EventFormatter<ProtocolVariant>
  /** Makes the formatter of events of expectations, in the same way. */
  readonly expectationEvents?: (options: EventOptions) => EventFormatter<ProtocolVariant>
  /** The columns of what is written, for a format that writes rows of cells: they are aligned for the screen. */
  readonly columns?: (options: FormatOptions, table: TableName, command: CommandName) => readonly Column[]
  /** What is no entry: a count, what a CPU has counted, an error. A whole line, with its end. */
  readonly record?: (fields: object) => string
}

/** Ways to write entries, by their names after `-o`; `line` is the one without a name. */
export type Formats = Readonly<Record<string, Format>>

/** What a format shows besides the usual; those that always show it take the word too. */
const MODIFIERS: Readonly<Record<string, { readonly help: string; readonly options: LineOptions & EventOptions }>> = {
  extended: { help: 'the address family first', options: { extended: true } },
  timestamp: { help: 'when it happened, with -E; when they were shown, with expectations', options: { timestamp: true } },
  id: { help: "the kernel's id of each entry", options: { id: true } },
  ktimestamp: { help: 'when a flow began and ended', options: { kernelTimestamp: true } },
  // Their names come from a file.
  labels: { help: 'the names of the labels', options: {} },
  // Who changed an entry is told of every event.
  userspace: { help: 'taken as in conntrack(8), and shown without', options: {} },
}

/** The words that may follow `-o`, with a line of help each. */
export function outputHelp(formats: Formats): (readonly [word: string, help: string])[] {
  const named = Object.entries(formats).filter(([name]) => name !== 'line')
  return [...Object.entries(MODIFIERS), ...named].map(([word, { help }]) => [word, help] as const)
}

/** The words that may follow `-o`. */
export function outputWords(formats: Formats): string[] {
  return outputHelp(formats).map(([word]) => word)
}

/** The commands whose output is no entries. */
const WITHOUT_ENTRIES: ReadonlySet<CommandName> = new Set(['flush', 'count', 'statistics'])

/** How output is written. */
export interface Output {
  /** How entries are. */
  readonly format: Formatter<ProtocolVariant>
  /** How events are, for a command that shows them: given who has made a change. */
  readonly events?: (program: EventOptions['program']) => EventFormatter<ProtocolVariant>
  /** Into which columns, where they are rows of cells. */
  readonly columns?: readonly Column[]
  /** Words after `-o` that say nothing to the command, and why. */
  readonly warnings: readonly string[]
  /** How what is no entry is, where the format has a way. */
  readonly record: Format['record']
}

// conntrack(8) takes it too, and writes the same without it.
const UNDATED = "ignoring `-o timestamp', which is for events and for lines and XML of expectations"

const wordOf = (given: string, known: readonly string[]): string | undefined =>
  known.find((name) => given !== '' && name.startsWith(given.toLowerCase()))

/** How a count or an error is written, for all arguments of `-o`; without a doubt about the rest of them. */
export function recordOf(argumentsGiven: readonly string[], formats: Formats): Format['record'] {
  const known = outputWords(formats)
  const words = argumentsGiven.flatMap((argument) => argument.split(',')).map((given) => wordOf(given, known) ?? '')
  return words.map((word) => (Object.hasOwn(formats, word) ? formats[word].record : undefined)).find((record) => record !== undefined)
}

/** The words of all arguments of `-o`, each a list of words that may be shortened, in full. @throws UsageError */
export function outputWordsIn(argumentsGiven: readonly string[], formats: Formats): string[] {
  const known = outputWords(formats)
  return argumentsGiven
    .flatMap((argument) => argument.split(','))
    .map((given) => {
      const word = wordOf(given, known)
      if (word === undefined) throw new UsageError(`Bad parameter \`${given}' for option \`-o': expected some of ${known.join(', ')}`)
      return word
    })
}

/** Finds the format for all arguments of `-o`. `labels` are the names of labels, where they are shown. @throws UsageError, Failure */
export function outputOf(
  argumentsGiven: readonly string[],
  formats: Formats,
  command: CommandName,
  table: TableName,
  labels?: LabelNames,
): Output {
  const words = outputWordsIn(argumentsGiven, formats)
  const named = new Set(words.filter((word) => Object.hasOwn(formats, word)))
  const modifiers = words.filter((word) => Object.hasOwn(MODIFIERS, word) && word !== 'userspace')
  const [format = 'line'] = named
  if (format === 'save' && named.size + modifiers.length > 1)
    throw new Failure('cannot combine save output with any other output type, use -o save only')
  if (named.size > 1) throw new UsageError(`cannot combine the outputs ${[...named].join(' and ')}`)
  const { flow, expectation, flowEvents, expectationEvents, datesExpectations, columns, record } = formats[format]
  if (WITHOUT_ENTRIES.has(command) && words.length > 0 && record === undefined) {
    const able = Object.keys(formats).filter((name) => formats[name].record !== undefined)
    throw new UsageError(`no entries are written, so \`-o ${words[0]}' says nothing: expected ${able.join(' or ')}`)
  }
  const own: FormatOptions = { command: command === 'delete' ? '-D' : '-A', labels }
  const options: FormatOptions & EventOptions = Object.assign(own, ...modifiers.map((word) => MODIFIERS[word].options))
  const eventsOf = table === 'expect' ? expectationEvents : flowEvents
  if (command === 'event' && eventsOf === undefined) throw new UsageError(`events cannot be written as \`${format}'`)
  const events = eventsOf && ((program: EventOptions['program']) => eventsOf({ ...options, program }))
  const isDated = command === 'event' || (table === 'expect' && datesExpectations)
  const warnings = isDated || !modifiers.includes('timestamp') ? [] : [UNDATED]
  const others = { record, events, columns: columns?.(options, table, command), warnings }
  if (table !== 'expect') return { format: flow(options), ...others }
  if (expectation === undefined) throw new UsageError(`expectations cannot be written as \`${format}'`)
  return { format: expectation(options), ...others }
}
