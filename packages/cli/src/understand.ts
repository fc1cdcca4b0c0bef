import { type Protocol, unknownProtocol } from '@conntrack/core/plugin'
import { check } from './check.ts'
import { COMMANDS, type CommandSyntax, TABLES, tableOf, type TableName } from './commands.ts'
import { UsageError } from './failure.ts'
import { getopt, type Parsed, type SyntaxProblem } from './getopt.ts'
import { type CliOption, OPTIONS, protocolOptions } from './options.ts'
import { type Formats, outputOf } from './output.ts'
import { type ChosenProtocol, protocolOf } from './protocols.ts'
import { query } from './query.ts'
import type { Job } from './run.ts'

/** What a command line wants: a job for the kernel, or a text about the program. */
export type Intent =
  | { readonly kind: 'job'; readonly job: Job; readonly netns: string | undefined; readonly stray: readonly string[] }
  | { readonly kind: 'help'; readonly protocol: Protocol | undefined }
  | { readonly kind: 'version' }

type AnyOption = CommandSyntax | CliOption

/**
 * Understands a command line.
 * @throws UsageError that names what is wrong, with the option as it was written
 */
export function understand(argv: readonly string[], protocols: readonly Protocol[], formats: Formats): Intent {
  const chosen = protocolIn(argv, protocols)
  const options = [...OPTIONS, ...(chosen === undefined ? [] : protocolOptions(chosen.protocol))]
  const line = getopt<AnyOption>(argv, [...COMMANDS, ...options])
  if (line.error !== undefined) throw problem(line.error, protocols)

  const commands = line.options.filter((one): one is Parsed<CommandSyntax> => 'command' in one.option)
  const given = line.options.filter((one): one is Parsed<CliOption> => 'use' in one.option)
  if (commands.length > 1) throw new UsageError('Invalid commands combination', commands[1].written)
  if (commands.length === 0 && given.length > 0) {
    const [{ written }] = given
    throw new UsageError(
      `option \`${written}' without a command: give one of ${COMMANDS.map(({ short }) => `-${short}`).join(' ')}`,
      written,
    )
  }
  if (commands.length === 0) return { kind: 'help', protocol: undefined }
  const [{ option: syntax, following }] = commands
  const { command } = syntax
  const table = tableAfter(syntax, following)
  check(command, table, options, new Set(given.map(({ option }) => option)))
  if (command === 'help') return { kind: 'help', protocol: chosen?.protocol }
  if (command === 'version') return { kind: 'version' }

  const named = (name: string): Parsed<CliOption>[] => given.filter(({ option }) => option.names[0] === name)
  const argumentsOf = (name: string): string[] => named(name).map(({ argument = '' }) => argument)
  const job: Job = {
    command,
    table,
    query: query(command, table, given, chosen, unknownProtocol),
    ...outputOf(argumentsOf('output'), formats, command, table),
    isOutputAsked: named('output').length > 0,
    zeroCounters: named('zero').length > 0,
  }
  return { kind: 'job', job, netns: argumentsOf('netns').at(-1), stray: strayWords(line.words, following) }
}

/** The arguments of `-o` in a command line that is wrong, wherever they stand: errors too are written as it says. */
export function outputIn(argv: readonly string[]): string[] {
  return argv.flatMap((_, i) =>
    getopt<AnyOption>(argv.slice(i, i + 2), [...COMMANDS, ...OPTIONS])
      .options.filter(({ option }) => option.names[0] === 'output')
      .slice(0, 1)
      .map(({ argument = '' }) => argument),
  )
}

/** The protocol of `-p`, wherever it stands: its options may come before it. */
function protocolIn(argv: readonly string[], protocols: readonly Protocol[]): ChosenProtocol | undefined {
  const { options } = getopt<AnyOption>(argv, [...COMMANDS, ...OPTIONS, ...everyProtocolOption(protocols)])
  const given = options.filter(({ option }) => option.names[0] === 'protonum')
  if (given.length > 1) throw new UsageError(`option \`${given[1].written}' is given twice`, given[1].written)
  return given.length === 0 ? undefined : protocolOf(given[0].argument ?? '', protocols, given[0].written)
}

/** All options of all protocols, one for each name. */
function everyProtocolOption(protocols: readonly Protocol[]): CliOption[] {
  return [...new Map(protocols.flatMap(protocolOptions).map((option) => [option.names[0], option])).values()]
}

function problem({ kind, written }: SyntaxProblem, protocols: readonly Protocol[]): UsageError {
  if (kind === 'argument missing') return new UsageError(`option \`${written}' requires an argument`, written)
  if (kind === 'argument not allowed') return new UsageError(`option \`${written}' takes no argument`, written)
  const owners = protocols.filter((one) => protocolOptions(one).some(({ names }) => names.includes(written.slice(2))))
  const hint = owners.length === 0 ? '' : `: it belongs to -p ${owners.map(({ name }) => name).join(', -p ')}`
  return new UsageError(`${kind} option \`${written}'${hint}`, written)
}

function tableAfter({ short, tables }: CommandSyntax, word: string | undefined): TableName {
  if (word === undefined || word.startsWith('!') || tables.length === 0) return 'conntrack'
  const table = tableOf(word)
  if (table === undefined) throw new UsageError(`unknown type \`${word}': expected ${TABLES.join(', ')}`, word)
  if (!tables.includes(table)) throw new UsageError(`Can't do -${short} on the table \`${table}'`, word)
  return table
}

/** Words that are no options and not the name of a table: the first of those equal to the command's is the table. */
function strayWords(words: readonly string[], table: string | undefined): string[] {
  const at = table === undefined ? -1 : words.indexOf(table)
  return words.filter((_, i) => i !== at)
}
