import {
  EXPECTED_BESIDE_MASTER_USE,
  EXPECTED_USE,
  expectationRow,
  flowRow,
  IGNORED_USE,
  MASK_USE,
  type Protocol,
  TUPLE_USE,
  type Use,
} from '@conntrack/core/plugin'
import type { CommandName, TableName } from './commands.ts'
import type { OptionSyntax } from './getopt.ts'

/** An option of the command line. */
export interface CliOption extends OptionSyntax {
  /** What stands for the argument in help: empty where there is none, in brackets where it can be left out. */
  readonly placeholder: string
  readonly help: string
  /** The field of a flow that it is about; options about the program itself have none. */
  readonly sets?: string
  /** The parts of a field that is an object: the argument has one value for each, with colons between them. */
  readonly parts?: readonly string[]
  readonly use: Uses
  /** The same for commands on expectations. */
  readonly expectation?: Uses
}

/** What an option is to each command. */
type Uses = Readonly<Partial<Record<CommandName, Use>>>

/** What an option is to a command on a table, if it takes it at all. */
export function useOf({ use, expectation }: CliOption, command: CommandName, table: TableName): Use | undefined {
  return table === 'expect' ? expectation?.[command] : use[command]
}

/** A condition wherever many entries may be meant. */
const CONDITION = { list: 'condition', event: 'condition', delete: 'condition', update: 'condition' } as const
/** A condition on entries that are, and a value of the entry that is made or changed. */
const PROPERTY = { list: 'condition', event: 'condition', delete: 'condition', update: 'value', create: 'value', add: 'value' } as const
/** A condition, and part of what names the entry that is asked for or made. */
const PART_OF_NAME = { ...CONDITION, get: 'value', create: 'value', add: 'value' } as const
/** A condition wherever entries are shown or changed. */
const ANYWHERE = { ...CONDITION, get: 'condition' } as const
/** A condition on entries that are, and a value of one that is made. */
const TRANSLATION = { ...CONDITION, create: 'value', add: 'value' } as const
/** How far a NAT helper has moved TCP's sequence numbers, and from which position on. */
const sequenceAdjustment = (sets: string) =>
  ({ sets, parts: ['correctionPosition', 'offsetBefore', 'offsetAfter'], use: PROPERTY, isOurs: true }) as const
const ADJUSTMENT = 'POSITION:BEFORE:AFTER'
const TARGET = '[ADDRESS][:PORT]'
/** About the program itself. */
const EVERYWHERE = {
  list: 'value',
  event: 'value',
  get: 'value',
  create: 'value',
  add: 'value',
  update: 'value',
  delete: 'value',
  flush: 'value',
  count: 'value',
  statistics: 'value',
} as const

/** Taken by every command, and of no use to any. */
const IGNORED = Object.fromEntries(Object.keys(EVERYWHERE).map((command) => [command, 'ignored'])) as Uses

/** About events. */
const WATCHING = { event: 'value' } as const

const NETWORK = 'ADDRESS[/LENGTH]'

/** Part of what names an expectation where one is asked for, made or deleted, and a condition elsewhere. */
const PART_OF_EXPECTED = { list: 'condition', event: 'condition', get: 'value', delete: 'value', create: 'value' } as const
/** A condition on expectations, on one that is named by its tuple too. */
const PROPERTY_OF_EXPECTATION = { list: 'condition', event: 'condition', get: 'condition', delete: 'condition' } as const

type Row = Omit<CliOption, 'argument'>

const row = (
  names: readonly [short: string | undefined, ...long: string[]],
  placeholder: string,
  help: string,
  about: Pick<Row, 'sets' | 'parts' | 'use' | 'expectation' | 'isOurs'>,
): Row => ({
  short: names[0],
  names: names.slice(1) as string[],
  placeholder,
  help,
  ...about,
})

// In the order of conntrack(8)'s own table, which is the order in which it complains.
const rows: readonly Row[] = [
  row(['s', 'src', 'orig-src'], NETWORK, 'source, original direction', {
    sets: 'original.source',
    use: TUPLE_USE,
    expectation: EXPECTED_USE,
  }),
  row(['d', 'dst', 'orig-dst'], NETWORK, 'destination, original direction', {
    sets: 'original.destination',
    use: TUPLE_USE,
    expectation: EXPECTED_USE,
  }),
  row(['r', 'reply-src'], NETWORK, 'source, reply direction', { sets: 'reply.source', use: TUPLE_USE, expectation: IGNORED_USE }),
  row(['q', 'reply-dst'], NETWORK, 'destination, reply direction', { sets: 'reply.destination', use: TUPLE_USE, expectation: IGNORED_USE }),
  row(['p', 'protonum'], 'PROTOCOL', 'protocol', {
    use: { ...CONDITION, get: 'required', create: 'required', add: 'required', help: 'value' },
    expectation: EXPECTED_USE,
  }),
  row(['t', 'timeout'], 'SECONDS', 'time until it expires', {
    sets: 'timeout',
    use: { ...PROPERTY, create: 'required', add: 'required' },
    expectation: { ...PROPERTY_OF_EXPECTATION, create: 'required' },
  }),
  row(['u', 'status'], 'STATUS,…', 'ASSURED, SEEN_REPLY, UNREPLIED, !ASSURED, …', {
    sets: 'status',
    use: PROPERTY,
    expectation: { create: 'ignored' },
  }),
  row(['e', 'event-mask'], 'EVENT,…', 'ALL, NEW, UPDATES, DESTROY', { use: WATCHING, expectation: WATCHING }),
  row(['z', 'zero'], '', 'set all counters to 0 while listing', { use: { list: 'value' } }),
  row(['[', 'tuple-src'], 'ADDRESS', 'source that is expected', { sets: 'tuple.source', use: {}, expectation: EXPECTED_BESIDE_MASTER_USE }),
  row([']', 'tuple-dst'], 'ADDRESS', 'destination that is expected', {
    sets: 'tuple.destination',
    use: {},
    expectation: EXPECTED_BESIDE_MASTER_USE,
  }),
  row(['{', 'mask-src'], 'ADDRESS', 'mask of the source', { sets: 'mask.source', use: CONDITION, expectation: MASK_USE }),
  row(['}', 'mask-dst'], 'ADDRESS', 'mask of the destination', {
    sets: 'mask.destination',
    use: CONDITION,
    expectation: MASK_USE,
  }),
  row(['a', 'nat-range'], 'ADDRESS', 'deprecated: use --src-nat or --dst-nat', { use: IGNORED, expectation: IGNORED }),
  row(['m', 'mark'], 'MARK[/MASK]', 'mark', { sets: 'mark', use: PROPERTY }),
  row(['i', 'id'], 'ID', 'id, as -o id shows it', {
    sets: 'id',
    use: ANYWHERE,
    expectation: PROPERTY_OF_EXPECTATION,
  }),
  row(['f', 'family'], 'FAMILY', 'ipv4 or ipv6', {
    use: { ...PART_OF_NAME, flush: 'condition' },
    expectation: PART_OF_EXPECTED,
  }),
  row(['n', 'src-nat'], TARGET, 'source translated, to this', { sets: 'sourceNat', use: TRANSLATION }),
  row(['g', 'dst-nat'], TARGET, 'destination translated, to this', { sets: 'destinationNat', use: TRANSLATION }),
  row(['o', 'output'], 'FORMAT,…', 'how entries are written', { use: EVERYWHERE, expectation: EVERYWHERE }),
  row(['b', 'buffer-size'], 'BYTES', 'what the kernel may use to queue events; K, M and G are taken', {
    use: WATCHING,
    expectation: WATCHING,
  }),
  row(['c', 'secmark'], 'SECMARK', 'security mark', { sets: 'secmark', use: CONDITION }),
  row(['j', 'any-nat'], TARGET, 'source or destination translated', { sets: 'anyNat', use: CONDITION }),
  row(['w', 'zone'], 'ZONE', 'zone of both directions', {
    sets: 'zone',
    use: PART_OF_NAME,
    expectation: PART_OF_EXPECTED,
  }),
  row(['l', 'label'], 'LABEL,…', 'labels that are set, or with ! before one, that are not', { sets: 'labels', use: ANYWHERE }),
  row(['<', 'label-add'], 'LABEL,…', 'labels to set', { sets: 'labels', use: { create: 'value', add: 'value', update: 'value' } }),
  row(['>', 'label-del'], '[LABEL,…]', 'labels to clear; all where none is named', { sets: 'labelsMask', use: { update: 'value' } }),
  row(['(', 'orig-zone'], 'ZONE', 'zone, original direction', { sets: 'original.zone', use: PART_OF_NAME }),
  row([')', 'reply-zone'], 'ZONE', 'zone, reply direction', { sets: 'reply.zone', use: PART_OF_NAME }),
  row(['M', 'labelmap'], 'FILE', 'names of labels; /etc/xtables/connlabel.conf if absent', {
    use: { list: 'value', event: 'value', get: 'value', create: 'value', add: 'value', update: 'value', delete: 'value' },
  }),
  row([undefined, 'quiet'], '', 'show no entries, and not how many there were', {
    isOurs: true,
    use: { delete: 'value', update: 'value' },
  }),
  row([undefined, 'explain'], '', 'do nothing but say what of the conditions the kernel checks, and what only this program', {
    isOurs: true,
    use: { list: 'value', delete: 'value', update: 'value', flush: 'value' },
  }),
  row([undefined, 'helper'], 'NAME', 'connection tracking helper, such as ftp', {
    sets: 'helper.name',
    use: PROPERTY,
    expectation: PROPERTY_OF_EXPECTATION,
    isOurs: true,
  }),
  row([undefined, 'master-protonum'], 'PROTOCOL', 'protocol of the master connection, where it is another', {
    use: {},
    expectation: { create: 'value' },
    isOurs: true,
  }),
  row([undefined, 'class'], 'NUMBER', "class of an expectation, one of its helper's", {
    sets: 'class',
    use: {},
    expectation: { ...PROPERTY_OF_EXPECTATION, create: 'value' },
    isOurs: true,
  }),
  row([undefined, 'expect-flags'], 'FLAG,…', 'PERMANENT, INACTIVE', {
    sets: 'flags',
    use: {},
    expectation: { create: 'value' },
    isOurs: true,
  }),
  row([undefined, 'orig-seqadj'], ADJUSTMENT, 'sequence numbers moved by NAT, original direction', {
    ...sequenceAdjustment('originalSequenceAdjustment'),
  }),
  row([undefined, 'reply-seqadj'], ADJUSTMENT, 'sequence numbers moved by NAT, reply direction', {
    ...sequenceAdjustment('replySequenceAdjustment'),
  }),
  row([undefined, 'synproxy'], 'ISN:ITS:OFFSET', "what the synproxy knows: initial sequence and timestamp, timestamps' offset", {
    sets: 'synproxy',
    parts: ['initialSequence', 'initialTimestamp', 'timestampOffset'],
    use: PROPERTY,
    isOurs: true,
  }),
  row([undefined, 'dry-run'], '', 'show what would be changed, and change nothing', {
    isOurs: true,
    use: { update: 'value', delete: 'value', flush: 'value' },
    expectation: { delete: 'value', flush: 'value' },
  }),
  row([undefined, 'max'], 'COUNT', 'do nothing where more entries than this would be touched', {
    isOurs: true,
    use: { update: 'value', delete: 'value', flush: 'value' },
    expectation: { delete: 'value', flush: 'value' },
  }),
  row([undefined, 'force'], '', 'even where the flow of your own SSH session is deleted', {
    isOurs: true,
    use: { delete: 'value', flush: 'value' },
  }),
  row([undefined, 'for'], 'TIME', 'end after this time: 10s, 5m, 2h', { use: WATCHING, expectation: WATCHING, isOurs: true }),
  row([undefined, 'no-resync'], '', 'do not look for what was lost when events were', {
    use: WATCHING,
    expectation: WATCHING,
    isOurs: true,
  }),
  row([undefined, 'reliable'], '', 'let who changes an entry wait until its event is queued', {
    use: WATCHING,
    expectation: WATCHING,
    isOurs: true,
  }),
  row([undefined, 'netns'], 'NAMESPACE', 'network namespace: its name, path or a process in it', {
    isOurs: true,
    use: EVERYWHERE,
    expectation: EVERYWHERE,
  }),
  row([undefined, 'demo'], '', 'on a made-up network in memory: needs no root and no Linux, changes nothing', {
    isOurs: true,
    use: EVERYWHERE,
    expectation: EVERYWHERE,
  }),
]

const countRow: Row = row([undefined, 'count'], 'N', 'end after so many events (with -E)', {
  use: WATCHING,
  expectation: WATCHING,
  isOurs: true,
})

/** The options that belong to no protocol, in the order in which a command line is checked. */
export const OPTIONS: readonly CliOption[] = rows.map(asOption)

/** The option `--count`, which there is only with -E: elsewhere that is how conntrack(8) abbreviates `--counter`. */
export const EVENT_COUNT: CliOption = asOption(countRow)

function asOption(row: Row): CliOption {
  return { ...row, use: withFlush(row.use), expectation: withWhole(row.expectation), argument: argumentOf(row.placeholder) }
}

/** A flush takes the conditions that a delete takes. */
function withFlush(use: Uses): Uses {
  return use.delete === 'condition' ? { flush: 'condition', ...use } : use
}

/** To expectations, a flush and a count take the conditions that a list takes: a delete needs the tuple of one. */
function withWhole(use: Uses = {}): Uses {
  return use.list === 'condition' ? { flush: 'condition', count: 'condition', ...use } : use
}

function argumentOf(placeholder: string): CliOption['argument'] {
  return placeholder === '' ? 'none' : placeholder.startsWith('[') ? 'optional' : 'required'
}

/** A protocol's options as the command line's. */
export function protocolOptions({ options }: Pick<Protocol, 'options'>): CliOption[] {
  return options.map(({ argument, use, expectation, ...rest }) => ({
    ...rest,
    use: withFlush(use),
    expectation: withWhole(expectation),
    placeholder: argument,
    argument: 'required',
  }))
}

/** The words that the argument of a protocol's option may be, where it is one of a few: the names of states. */
export function wordsOf(protocol: Protocol, { sets = '', use }: CliOption): readonly string[] {
  const row = Object.keys(use).length === 0 ? expectationRow(protocol, sets) : flowRow(protocol, sets)
  return row.row === 'attribute' ? (row.kind.words ?? []) : []
}
