import { readdirSync } from 'node:fs'
import { printable, type Protocol, STATUS_BITS } from '@conntrack/core/plugin'
import { loadsFile } from './batch.ts'
import { COMMANDS, type CommandSyntax, LOAD_FILE, type TableName, tableOf } from './commands.ts'
import { UsageError } from './failure.ts'
import { getopt, type OptionSyntax } from './getopt.ts'
import { labelMap } from './labels.ts'
import { type CliOption, OPTIONS, protocolOptions, useOf, wordsOf } from './options.ts'
import { type Formats, outputHelp } from './output.ts'
import { SHELLS } from './shells.ts'

/** A word that may stand where the cursor is, with a line of help. */
export type Candidate = readonly [word: string, help: string]

/** Stands for the names of files, which shells complete better. */
export const FILES: Candidate = [':files', '']

/** What `--completion` prints: a shell's script, or for `words` the candidates, a line each, help behind a tab. @throws UsageError */
export function completion(shell: string, words: readonly string[], known: Known): string {
  if (shell === 'words')
    return candidates(words, known)
      .map((one) => `${one.map(printable).join('\t')}\n`)
      .join('')
  if (Object.hasOwn(SHELLS, shell)) return SHELLS[shell]
  throw new UsageError(`\`${shell}' for option \`--completion' is no shell that is known: expected ${Object.keys(SHELLS).join(', ')}`)
}

/** What completion knows: the parts of the program. */
interface Known {
  readonly protocols: readonly Protocol[]
  readonly formats: Formats
}

type FileSyntax = typeof LOAD_FILE | (typeof LOAD_FILE.options)[number]
type Syntax = CommandSyntax | FileSyntax | (CliOption & { readonly owner?: Protocol })

/**
 * What may stand in the place of the last of these words, given those before it: commands, then tables, options that the command takes
 * and that are not there yet, and their values. `words` are those behind the program's name, as the shell divides them.
 */
export function candidates(words: readonly string[], known: Known): Candidate[] {
  const { before, current, glue } = divided(words)
  const syntax = syntaxFor(before, known)
  const line = getopt<Syntax>(before, syntax)
  if (line.error?.kind === 'argument missing') {
    const option = syntax.find(({ short, names }) => [`-${short}`, ...names.map((name) => `--${name}`)].includes(line.error?.written ?? ''))
    return starting(option === undefined ? [] : valuesOf(option, current, known), current, glue)
  }
  const given = line.options.map(({ option }) => option)
  if (given.includes(LOAD_FILE)) return starting(dashed(LOAD_FILE.options), current)
  const command = given.find((option) => 'command' in option)
  if (command === undefined) return starting(dashed([...COMMANDS, LOAD_FILE]), current)
  const isBehindCommand = line.options.at(-1)?.option === command && command.tables.length > 0 && line.words.length === 0
  const tables = isBehindCommand ? command.tables.map((name): Candidate => [name, 'table']) : []
  const table = tableOf(line.words[0] ?? '') ?? 'conntrack'
  return starting([...tables, ...dashed(optionsLeft(syntax, command, table, given))], current)
}

/** The words before the cursor, and the one at it. `--name=value` is an option and its value, whether or not the shell takes it apart. */
function divided(words: readonly string[]): { before: readonly string[]; current: string; glue: string } {
  const all = words.filter((word, i) => !(word === '=' && words[i - 1]?.startsWith('--')))
  const current = words.at(-1) === '=' ? '' : (all.at(-1) ?? '')
  const before = words.at(-1) === '=' ? all : all.slice(0, -1)
  const [, name, value] = /^(--[^=]+)=(.*)$/.exec(current) ?? []
  return name === undefined ? { before, current, glue: '' } : { before: [...before, name], current: value, glue: `${name}=` }
}

/** All that may stand on a command line, with the options of its protocol. */
function syntaxFor(before: readonly string[], { protocols }: Known): Syntax[] {
  if (loadsFile(before, protocols)) return [LOAD_FILE, ...LOAD_FILE.options]
  const own = protocols.flatMap((owner) => protocolOptions(owner).map((option) => ({ ...option, owner })))
  const { options } = getopt<Syntax>(before, [...COMMANDS, ...OPTIONS, ...own])
  const named = options.find(({ option }) => option.names[0] === 'protonum')?.argument?.toLowerCase()
  return [LOAD_FILE, ...COMMANDS, ...OPTIONS, ...own.filter(({ owner }) => owner.name === named || String(owner.number) === named)]
}

const REPEATABLE = new Set(['output', 'status', 'label', 'label-add', 'label-del'])

/** The options that a command takes on a table, but for those that it has. */
function optionsLeft(syntax: readonly Syntax[], command: CommandSyntax, table: TableName, given: readonly Syntax[]): CliOption[] {
  const names = new Set(given.map((option) => option.names[0]))
  return syntax.filter(
    (option): option is CliOption =>
      'use' in option &&
      useOf(option, command.command, table) !== undefined &&
      (!names.has(option.names[0]) || REPEATABLE.has(option.names[0])),
  )
}

/** Letters and names as they are written, letters first. */
function dashed(options: readonly (Pick<OptionSyntax, 'short' | 'names'> & { readonly help: string })[]): Candidate[] {
  const letters = options.filter(({ short }) => short !== undefined && /[a-z]/i.test(short))
  return [
    ...letters.map(({ short, help }): Candidate => [`-${short}`, help]),
    ...options.map(({ names, help }): Candidate => [`--${names[0]}`, help]),
  ]
}

const HELPERS = ['amanda', 'ftp', 'h323', 'irc', 'netbios-ns', 'pptp', 'sane', 'sip', 'snmp', 'tftp']

const plain = (words: readonly string[], help = ''): Candidate[] => words.map((word) => [word, help])

const labels = (current: string): Candidate[] => listed(plain(labelMap(undefined)().names.filter((name) => name !== undefined)), current)

/** What an argument may be, by what stands for it in help. `current` is what is there of it. */
const VALUES: Readonly<Record<string, (current: string, known: Known) => readonly Candidate[]>> = {
  PROTOCOL: (_, { protocols }) => protocols.map(({ name, number }) => [name, `protocol ${number}`]),
  'FORMAT,…': (current, { formats }) => listed(outputHelp(formats), current),
  'STATUS,…': (current) => listed(plain([...STATUS_BITS, 'UNREPLIED', 'UNSET', ...STATUS_BITS.map((bit) => `!${bit}`)]), current),
  'LABEL,…': labels,
  '[LABEL,…]': labels,
  FAMILY: () => plain(['ipv4', 'ipv6']),
  NAMESPACE: () => plain(namespaces(), 'network namespace'),
  SHELL: () => plain(Object.keys(SHELLS)),
  NAME: () => plain(HELPERS, 'helper'),
  FILE: () => [FILES],
}

function valuesOf(option: Syntax, current: string, known: Known): readonly Candidate[] {
  if ('owner' in option && option.owner !== undefined) return plain(wordsOf(option.owner, option))
  return VALUES[option.placeholder ?? '']?.(current, known) ?? []
}

/** Words behind those that a list has already. */
function listed(words: readonly Candidate[], current: string): Candidate[] {
  const before = current.slice(0, current.lastIndexOf(',') + 1)
  const present = new Set(before.split(','))
  return words.filter(([word]) => !present.has(word)).map(([word, help]) => [before + word, help])
}

/** The names that ip-netns(8) has given. */
function namespaces(): string[] {
  try {
    return readdirSync('/run/netns')
  } catch {
    return [] // there are none
  }
}

/** Of these, the ones that begin as what is there; with what stands before the value in the same word. */
function starting(all: readonly Candidate[], current: string, glue = ''): Candidate[] {
  return all.filter((one) => one === FILES || one[0].startsWith(current)).map((one) => (one === FILES ? one : [glue + one[0], one[1]]))
}
