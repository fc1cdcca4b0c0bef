import { portOptions, type Protocol } from '@conntrack/core/plugin'
import { check } from './check.ts'
import { COMMANDS, type CommandSyntax, TABLES, tableOf, type TableName, written } from './commands.ts'
import { UsageError } from './failure.ts'
import { getopt, type OptionSyntax, type Parsed, type SyntaxProblem } from './getopt.ts'
import { labelMap } from './labels.ts'
import { type CliOption, EVENT_COUNT, OPTIONS, protocolOptions, useOf } from './options.ts'
import { type Formats, outputOf, outputWordsIn } from './output.ts'
import { type ChosenProtocols, protocolsOf } from './protocols.ts'
import { query } from './query.ts'
import type { Job } from './run.ts'
import { parseMaximum } from './values.ts'
import { watching } from './watching.ts'

/** What a command line wants: a job for the kernel, or a text about the program. */
export type Intent =
  | {
      readonly kind: 'job'
      readonly job: Job
      readonly netns: string | undefined
      readonly isDemo: boolean
      readonly warnings: readonly string[]
    }
  | { readonly kind: 'help'; readonly protocol: Protocol | undefined }
  | { readonly kind: 'completion'; readonly shell: string; readonly words: readonly string[] }
  | { readonly kind: 'version' }

type AnyOption = CommandSyntax | CliOption

/**
 * Understands a command line.
 * @throws UsageError that names what is wrong, with the option as it was written
 */
export function understand(argv: readonly string[], protocols: readonly Protocol[], formats: Formats): Intent {
  const common = optionsFor(argv)
  const protocolsBy = choices(argv, protocols, [...COMMANDS, ...common])
  const chosen = protocolsBy('protonum')
  const master = protocolsBy('master-protonum')
  const own = sharedOptions(chosen?.protocols ?? [])
  const options = [...common, ...(master === undefined ? own : withMaster(own))]
  const line = getopt<AnyOption>(argv, [...COMMANDS, ...options])
  if (line.error !== undefined) throw problem(line.error, protocols)

  const commands = line.options.filter((one): one is Parsed<CommandSyntax> => 'command' in one.option)
  const given = line.options.filter((one): one is Parsed<CliOption> => 'use' in one.option)
  const named = (name: string): Parsed<CliOption>[] => given.filter(({ option }) => option.names[0] === name)
  const argumentsOf = (name: string): string[] => named(name).map(({ argument = '' }) => argument)
  if (argumentsOf('protonum')[0] !== chosen?.argument) throw new Error('-p was read in two ways')
  if (commands.length > 1) throw new UsageError('Invalid commands combination', commands[1].written)
  if (commands.length === 0 && given.length > 0) {
    const [first] = given
    throw new UsageError(`option \`${first.written}' without a command: give one of ${COMMANDS.map(written).join(' ')}`, first.written)
  }
  if (commands.length === 0) return { kind: 'help', protocol: undefined }
  const [{ option: syntax, argument: glued, following }] = commands
  const { command } = syntax
  const table = tableAfter(syntax, glued ?? following)
  check(command, table, options, new Set(given.map(({ option }) => option)))
  if (command === 'help') return { kind: 'help', protocol: chosen?.protocols[0] }
  if (command === 'completion') return { kind: 'completion', shell: glued ?? '', words: line.words }
  if (command === 'version') return { kind: 'version' }

  const watched = command === 'event' ? watching(given, table) : undefined
  const once = (name: string): string | undefined => onlyOne(named(name))?.argument
  const labels = labelMap(once('labelmap'))
  const words = outputWordsIn(argumentsOf('output'), formats)
  const showsLabels = words.includes('labels') || given.some(({ option }) => option.sets?.startsWith('labels'))
  const isNamingLabels = showsLabels || words.includes('save')
  const maps = named('labelmap')
  // A file that is given is read, so that a wrong one is told of.
  const names = isNamingLabels || maps.length > 0 ? labels().names : undefined
  const output = outputOf(argumentsOf('output'), formats, command, table, isNamingLabels ? names : undefined)
  const job: Job = {
    command,
    table,
    query: query(command, table, given, chosen, labels, master),
    ...output,
    watched,
    isOutputAsked: named('output').length > 0,
    zeroCounters: named('zero').length > 0,
    limits: {
      dryRun: named('dry-run').length > 0,
      maximum: maximumOf(named('max')),
      force: named('force').length > 0,
    },
    isQuiet: named('quiet').length > 0,
    isExplained: named('explain').length > 0,
  }
  const netns = once('netns')
  const isDemo = named('demo').length > 0
  assertNamespaces(isDemo, netns)
  const warnings = [
    ...strayWords(line.words, glued === undefined ? following : undefined).map((word) => `ignoring \`${word}', which is no option`),
    ...given
      .filter(({ option }) => useOf(option, command, table) === 'ignored')
      .map(({ written, option }) => `ignoring \`${written}', which says nothing to this command (${option.help})`),
    ...output.warnings,
    ...(isNamingLabels ? [] : maps.map(({ written }) => `\`${written}' says nothing where labels are neither shown (-o labels) nor named`)),
    ...(watched?.warning === undefined ? [] : [watched.warning]),
    ...named('secmark').map(
      ({ written }) => `kernels since 2.6.37 tell no security mark, and to \`${written}' it is 0: secctx= has its name`,
    ),
    ...(showsLabels && labels().problem !== undefined ? [labels().problem as string] : []),
  ]
  return { kind: 'job', job, netns, isDemo, warnings }
}

/** @throws UsageError where a namespace is asked for that the made-up network cannot have */
export function assertNamespaces(isDemo: boolean, netns: string | undefined): void {
  if (isDemo && netns !== undefined) throw new UsageError('--demo has no network namespaces: leave out --netns', '--netns')
}

function onlyOne<O extends OptionSyntax>([first, second]: readonly Parsed<O>[]): Parsed<O> | undefined {
  if (second !== undefined) throw new UsageError(`option \`${second.written}' is given twice`, second.written)
  return first
}

/** The smallest of the counts that were given. @throws UsageError */
function maximumOf(given: readonly Parsed<CliOption>[]): number | undefined {
  return given.length === 0 ? undefined : Math.min(...given.map(({ argument = '', written }) => parseMaximum(argument, written)))
}

/** The options that belong to no protocol; `--count` is one of them only with -E. */
function optionsFor(argv: readonly string[]): readonly CliOption[] {
  const isEvent = getopt<AnyOption>(argv, [...COMMANDS, ...OPTIONS]).options.some(
    ({ option }) => 'command' in option && option.command === 'event',
  )
  return isEvent ? [...OPTIONS, EVENT_COUNT] : OPTIONS
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

/** What `-p`, or another option with a protocol, chooses, wherever it stands: options of the protocol may come before it. */
function choices(
  argv: readonly string[],
  protocols: readonly Protocol[],
  base: readonly AnyOption[],
): (name: string) => ChosenProtocols | undefined {
  const readings = [base.concat(everyProtocolOption(protocols)), base].map((syntax) => getopt(argv, syntax).options)
  return (name) => {
    const given = readings.map((options) => options.filter(({ option }) => option.names[0] === name)).find(({ length }) => length > 0)
    const one = onlyOne(given ?? [])
    return one && protocolsOf(one.argument ?? '', protocols, one.written)
  }
}

/** The options that all of these protocols have. */
function sharedOptions([first, ...others]: readonly Protocol[]): CliOption[] {
  if (first === undefined) return []
  const has = (one: Protocol, { names, sets }: CliOption): boolean =>
    one.options.some((option) => option.names[0] === names[0] && option.sets === sets)
  return protocolOptions(first).filter((option) => others.every((one) => has(one, option)))
}

/** A protocol's options, with ports for the master in place of what the protocol has in its original direction. */
function withMaster(own: readonly CliOption[]): CliOption[] {
  const isOfOriginal = ({ sets }: CliOption): boolean => sets?.startsWith('original.') ?? false
  return [...protocolOptions({ options: portOptions }).filter(isOfOriginal), ...own.filter((option) => !isOfOriginal(option))]
}

/** All that a command line may have with one protocol or another. */
export function everyOption(protocols: readonly Protocol[]): readonly AnyOption[] {
  return [...COMMANDS, ...OPTIONS, ...everyProtocolOption(protocols)]
}

/** All options of all protocols, one for each name. */
function everyProtocolOption(protocols: readonly Protocol[]): CliOption[] {
  return [...new Map(protocols.flatMap((one) => protocolOptions(one)).map((option) => [option.names[0], option])).values()]
}

function problem({ kind, written }: SyntaxProblem, protocols: readonly Protocol[]): UsageError {
  if (kind === 'argument missing') return new UsageError(`option \`${written}' requires an argument`, written)
  if (kind === 'argument not allowed') return new UsageError(`option \`${written}' takes no argument`, written)
  const owners = protocols.filter((one) => protocolOptions(one).some(({ names }) => names.includes(written.slice(2))))
  const hint = owners.length === 0 ? '' : `: it belongs to -p ${owners.map(({ name }) => name).join(', -p ')}`
  return new UsageError(`${kind} option \`${written}'${hint}`, written)
}

function tableAfter(command: CommandSyntax, word: string | undefined): TableName {
  const { tables } = command
  if (word === undefined || word.startsWith('!') || tables.length === 0) return 'conntrack'
  const table = tableOf(word)
  if (table === undefined) throw new UsageError(`unknown type \`${word}': expected ${TABLES.join(', ')}`, word)
  if (!tables.includes(table)) throw new UsageError(`Can't do ${written(command)} on the table \`${table}'`, word)
  return table
}

/** Words that are no options and not the name of a table: the first of those equal to the command's is the table. */
function strayWords(words: readonly string[], table: string | undefined): string[] {
  const at = table === undefined ? -1 : words.indexOf(table)
  return words.filter((_, i) => i !== at)
}
