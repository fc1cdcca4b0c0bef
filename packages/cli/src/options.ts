import { type Protocol, TUPLE_USE, type Use } from '@conntrack/core/plugin'
import type { CommandName } from './commands.ts'
import type { OptionSyntax } from './getopt.ts'

/** An option of the command line. */
export interface CliOption extends OptionSyntax {
  /** What stands for the argument in help: empty where there is none, in brackets where it can be left out. */
  readonly placeholder: string
  readonly help: string
  /** The field of a flow that it is about; options about the program itself have none. */
  readonly sets?: string
  readonly use: Readonly<Partial<Record<CommandName, Use>>>
}

/** A condition wherever many entries may be meant. */
const CONDITION = { list: 'condition', delete: 'condition', update: 'condition' } as const
/** A condition on entries that are, and a value of the entry that is made or changed. */
const PROPERTY = { list: 'condition', delete: 'condition', update: 'value', create: 'value', add: 'value' } as const
/** A condition, and part of what names the entry that is asked for or made. */
const PART_OF_NAME = { ...CONDITION, get: 'value', create: 'value', add: 'value' } as const
/** A condition on entries that are, and a value of one that is made. */
const TRANSLATION = { ...CONDITION, create: 'value', add: 'value' } as const
const TARGET = '[ADDRESS][:PORT]'
/** About the program itself, for the commands that show entries. */
const SHOWING = { list: 'value', get: 'value', update: 'value', delete: 'value' } as const
const EVERYWHERE = { ...SHOWING, create: 'value', add: 'value', flush: 'value', count: 'value', statistics: 'value' } as const

const NETWORK = 'ADDRESS[/LENGTH]'

const rows: readonly Omit<CliOption, 'argument'>[] = [
  {
    short: 's',
    names: ['src', 'orig-src'],
    placeholder: NETWORK,
    sets: 'original.source',
    use: TUPLE_USE,
    help: 'source, original direction',
  },
  {
    short: 'd',
    names: ['dst', 'orig-dst'],
    placeholder: NETWORK,
    sets: 'original.destination',
    use: TUPLE_USE,
    help: 'destination, original direction',
  },
  { short: 'r', names: ['reply-src'], placeholder: NETWORK, sets: 'reply.source', use: TUPLE_USE, help: 'source, reply direction' },
  {
    short: 'q',
    names: ['reply-dst'],
    placeholder: NETWORK,
    sets: 'reply.destination',
    use: TUPLE_USE,
    help: 'destination, reply direction',
  },
  {
    short: 'p',
    names: ['protonum'],
    placeholder: 'PROTOCOL',
    use: { ...CONDITION, get: 'required', create: 'required', add: 'required', help: 'value' },
    help: 'protocol',
  },
  {
    short: 't',
    names: ['timeout'],
    placeholder: 'SECONDS',
    sets: 'timeout',
    use: { ...PROPERTY, create: 'required', add: 'required' },
    help: 'time until it expires',
  },
  {
    short: 'u',
    names: ['status'],
    placeholder: 'STATUS,…',
    sets: 'status',
    use: PROPERTY,
    help: 'ASSURED, SEEN_REPLY, UNREPLIED, !ASSURED, …',
  },
  { short: 'm', names: ['mark'], placeholder: 'MARK[/MASK]', sets: 'mark', use: PROPERTY, help: 'mark' },
  { short: 'z', names: ['zero'], placeholder: '', use: { list: 'value' }, help: 'set all counters to 0 while listing' },
  { short: 'i', names: ['id'], placeholder: 'ID', sets: 'id', use: { ...CONDITION, get: 'condition' }, help: 'id, as -o id shows it' },
  { short: 'n', names: ['src-nat'], placeholder: TARGET, sets: 'sourceNat', use: TRANSLATION, help: 'source translated, to this' },
  {
    short: 'g',
    names: ['dst-nat'],
    placeholder: TARGET,
    sets: 'destinationNat',
    use: TRANSLATION,
    help: 'destination translated, to this',
  },
  { short: 'j', names: ['any-nat'], placeholder: TARGET, sets: 'anyNat', use: CONDITION, help: 'source or destination translated' },
  { short: 'f', names: ['family'], placeholder: 'FAMILY', use: { ...PART_OF_NAME, flush: 'condition' }, help: 'ipv4 or ipv6' },
  { short: 'o', names: ['output'], placeholder: 'FORMAT,…', use: SHOWING, help: 'how entries are written' },
  { short: 'w', names: ['zone'], placeholder: 'ZONE', sets: 'zone', use: PART_OF_NAME, help: 'zone of both directions' },
  { short: '(', names: ['orig-zone'], placeholder: 'ZONE', sets: 'original.zone', use: PART_OF_NAME, help: 'zone, original direction' },
  { short: ')', names: ['reply-zone'], placeholder: 'ZONE', sets: 'reply.zone', use: PART_OF_NAME, help: 'zone, reply direction' },
  { names: ['helper'], placeholder: 'NAME', sets: 'helper.name', use: PROPERTY, help: 'connection tracking helper, such as ftp' },
  { names: ['netns'], placeholder: 'NAMESPACE', use: EVERYWHERE, help: 'network namespace: its name, path or a process in it' },
]

/** The options that belong to no protocol, in the order in which a command line is checked. */
export const OPTIONS: readonly CliOption[] = rows.map((row) => ({ ...row, argument: argumentOf(row.placeholder) }))

function argumentOf(placeholder: string): CliOption['argument'] {
  return placeholder === '' ? 'none' : placeholder.startsWith('[') ? 'optional' : 'required'
}

/** A protocol's options as the command line's. */
export function protocolOptions({ options }: Protocol): CliOption[] {
  return options.map(({ argument, ...rest }) => ({ ...rest, placeholder: argument, argument: 'required' }))
}
