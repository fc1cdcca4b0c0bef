import { type Conntrack, openConntrack } from '@conntrack/core'
import { type Protocol, unknownProtocol } from '@conntrack/core/plugin'
import { check } from './check.ts'
import { COMMANDS, type CommandSyntax, TABLES, tableOf, type TableName } from './commands.ts'
import { outcomeOf, UsageError } from './failure.ts'
import { getopt, type Parsed, type SyntaxProblem } from './getopt.ts'
import { type CliOption, OPTIONS, protocolOptions } from './options.ts'
import { type Formats, formatOf, type Io, outputWords } from './output.ts'
import { type ChosenProtocol, protocolOf } from './protocols.ts'
import { query } from './query.ts'
import { explained, type Job, run } from './run.ts'
import { usage } from './usage.ts'

/** What a command line program is made of. */
export interface CliParts {
  /** The protocols that have names and options. */
  readonly protocols: readonly Protocol[]
  /** The formats for `-o`; `line` is the usual one. */
  readonly formats: Formats
  /** Name and version: `conntrack v1.0.0 (conntrack.ts)`. */
  readonly version: string
  /** Opens connection tracking; the kernel's if absent. */
  readonly open?: (options: { protocols: readonly Protocol[]; netns?: string }) => Conntrack<Protocol>
}

/** A program: words in, text out, and the exit status. It never throws. */
export type Cli = (argv: readonly string[], io: Io) => number

/** Composes a program from protocols and formats. */
export function createCli(parts: CliParts): Cli {
  const prefix = `${parts.version}: `
  return (argv, io) => {
    try {
      return main(argv, io, parts, prefix)
    } catch (error) {
      const { status, lines } = outcomeOf(error, prefix)
      try {
        for (const line of lines) io.err(line)
      } catch {
        // nobody reads stderr any more; the status still tells
      }
      return status
    }
  }
}

type AnyOption = CommandSyntax | CliOption

function main(argv: readonly string[], io: Io, parts: CliParts, prefix: string): number {
  const { protocols, formats, version, open = openConntrack } = parts
  const chosen = protocolIn(argv, protocols)
  const ownOptions = chosen === undefined ? [] : protocolOptions(chosen.protocol)
  const allOptions = [...OPTIONS, ...ownOptions]
  const line = getopt<AnyOption>(argv, [...COMMANDS, ...allOptions])
  if (line.error !== undefined) throw problem(line.error, protocols)

  const commands = line.options.filter((one): one is Parsed<CommandSyntax> => 'command' in one.option)
  const given = line.options.filter((one): one is Parsed<CliOption> => 'use' in one.option)
  if (commands.length > 1) throw new UsageError('Invalid commands combination')
  const help = (): number => {
    io.out(new TextEncoder().encode(usage(version, outputWords(formats), protocols, chosen?.protocol)))
    return 0
  }
  if (commands.length === 0) {
    if (given.length > 0)
      throw new UsageError(
        `option \`${given[0].written}' without a command: give one of ${COMMANDS.map(({ short }) => `-${short}`).join(' ')}`,
      )
    return help()
  }
  const [{ option: syntax, following }] = commands
  const { command } = syntax
  const table = tableAfter(syntax, following)
  for (const word of strayWords(line.words, following)) io.err(`WARNING: ignoring \`${word}', which is no option`)
  check(command, allOptions, new Set(given.map(({ option }) => option)))
  if (command === 'help') return help()
  if (command === 'version') {
    io.out(new TextEncoder().encode(`${version}\n`))
    return 0
  }

  const argumentsOf = (name: string): string[] =>
    given.filter(({ option }) => option.names[0] === name).map(({ argument = '' }) => argument)
  const isGiven = (name: string): boolean => given.some(({ option }) => option.names[0] === name)
  const job: Job = {
    command,
    table,
    query: query(command, given, chosen, unknownProtocol as unknown as Protocol),
    format: formatOf(argumentsOf('output'), formats, command === 'delete' ? '-D' : '-A'),
    zeroCounters: isGiven('zero'),
  }
  using conntrack = open({ protocols, netns: argumentsOf('netns').at(-1) })
  try {
    return run(job, { conntrack, io, say: (text) => io.err(prefix + text) })
  } catch (error) {
    throw explained(error, conntrack)
  }
}

/** The protocol of `-p`, wherever it stands: its options may come before it. */
function protocolIn(argv: readonly string[], protocols: readonly Protocol[]): ChosenProtocol | undefined {
  const { options } = getopt<AnyOption>(argv, [...COMMANDS, ...OPTIONS, ...everyProtocolOption(protocols)])
  const arguments_ = options.filter(({ option }) => option.names[0] === 'protonum').map(({ argument = '' }) => argument)
  if (arguments_.length > 1) throw new UsageError("option `-p' is given twice")
  return arguments_.length === 0 ? undefined : protocolOf(arguments_[0], protocols)
}

/** All options of all protocols, one for each name. */
function everyProtocolOption(protocols: readonly Protocol[]): CliOption[] {
  return [...new Map(protocols.flatMap(protocolOptions).map((option) => [option.names[0], option])).values()]
}

function problem({ kind, written }: SyntaxProblem, protocols: readonly Protocol[]): UsageError {
  if (kind === 'argument missing') return new UsageError(`option \`${written}' requires an argument`)
  if (kind === 'argument not allowed') return new UsageError(`option \`${written}' takes no argument`)
  const owners = protocols.filter((one) => protocolOptions(one).some(({ names }) => names.includes(written.slice(2))))
  if (owners.length > 0)
    return new UsageError(`unknown option \`${written}': it belongs to -p ${owners.map(({ name }) => name).join(', -p ')}`)
  return new UsageError(kind === 'ambiguous' ? `ambiguous option \`${written}'` : `unknown option \`${written}'`)
}

function tableAfter({ short, tables }: CommandSyntax, word: string | undefined): TableName {
  if (word === undefined || word.startsWith('!') || tables.length === 0) return 'conntrack'
  const table = tableOf(word)
  if (table === undefined) throw new UsageError(`unknown type \`${word}': expected ${TABLES.join(', ')}`)
  if (!tables.includes(table)) throw new UsageError(`-${short} does not work on the table \`${table}'`)
  return table
}

/** Words that are no options and not the name of a table: the first of those equal to the command's is the table. */
function strayWords(words: readonly string[], table: string | undefined): string[] {
  const at = table === undefined ? -1 : words.indexOf(table)
  return words.filter((_, i) => i !== at)
}
