import { type Option, type Protocol, TUPLE_USE, type Use } from '@conntrack/core/plugin'
import type { CommandName } from './commands.ts'
import type { OptionSyntax } from './getopt.ts'

/** An option of the command line. */
export interface CliOption extends OptionSyntax {
  readonly argument: 'required'
  /** What stands for the argument in help. */
  readonly placeholder: string
  readonly help: string
  /** The field of a flow that it is about; options about the program itself have none. */
  readonly sets: string | undefined
  readonly use: Readonly<Partial<Record<CommandName, Use>>>
}

const MANY = { list: 'condition', delete: 'condition', update: 'condition' } as const
const SETTING = { list: 'value', get: 'value', create: 'value', update: 'value', delete: 'value' } as const

const option = (short: string | undefined, names: readonly string[], placeholder: string, sets: string | undefined, use: CliOption['use'], help: string): CliOption => ({
  short,
  names,
  argument: 'required',
  placeholder,
  sets,
  use,
  help,
})

/** The options that belong to no protocol, in the order in which a command line is checked. */
export const OPTIONS: readonly CliOption[] = [
  option('s', ['src', 'orig-src'], 'ADDRESS[/LENGTH]', 'original.source', TUPLE_USE, 'source address in original direction, or network'),
  option('d', ['dst', 'orig-dst'], 'ADDRESS[/LENGTH]', 'original.destination', TUPLE_USE, 'destination address in original direction, or network'),
  option('r', ['reply-src'], 'ADDRESS[/LENGTH]', 'reply.source', TUPLE_USE, 'source address in reply direction, or network'),
  option('q', ['reply-dst'], 'ADDRESS[/LENGTH]', 'reply.destination', TUPLE_USE, 'destination address in reply direction, or network'),
  option('p', ['protonum'], 'PROTOCOL', undefined, { ...MANY, get: 'required', create: 'required', help: 'value' }, 'protocol, by name or number'),
  option('t', ['timeout'], 'SECONDS', 'timeout', { list: 'condition', delete: 'condition', update: 'value', create: 'required' }, 'seconds until the entry expires'),
  option('u', ['status'], 'STATUS,…', 'status', { list: 'condition', delete: 'condition', update: 'value', create: 'value' }, 'status bits: ASSURED, SEEN_REPLY, UNREPLIED, …; as a condition also !ASSURED'),
  option('m', ['mark'], 'MARK[/MASK]', 'mark', { list: 'condition', delete: 'condition', update: 'value', create: 'value' }, 'mark of the entry'),
  option('i', ['id'], 'ID', 'id', { ...MANY, get: 'condition' }, 'id of the entry'),
  option('f', ['family'], 'FAMILY', undefined, { ...MANY, get: 'value', create: 'value', flush: 'condition' }, 'ipv4 or ipv6'),
  option('o', ['output'], 'FORMAT,…', undefined, { list: 'value', get: 'value', update: 'value', delete: 'value' }, 'how entries are written'),
  option('w', ['zone'], 'ZONE', 'zone', { ...MANY, get: 'value', create: 'value' }, 'zone of both directions'),
  option('(', ['orig-zone'], 'ZONE', 'original.zone', { ...MANY, get: 'value', create: 'value' }, 'zone of the original direction'),
  option(')', ['reply-zone'], 'ZONE', 'reply.zone', { ...MANY, get: 'value', create: 'value' }, 'zone of the reply direction'),
  option(undefined, ['netns'], 'NAMESPACE', undefined, { ...SETTING, flush: 'value', count: 'value', statistics: 'value' }, 'network namespace: a name, a path or a process id'),
]

/** A protocol's options as the command line's. */
export function protocolOptions({ options }: Protocol): CliOption[] {
  return options.map(({ names, argument, help, sets, use }: Option) => option(undefined, names, argument, sets, use, help))
}
