import { bytes } from '../schema/kinds.ts'
import type { Variant } from '../schema/layout.ts'
import type { Conditions } from '../schema/match.ts'
import { type Attribute, type Decoded, type Encodable, type Flat, type PerFamily, type Row, type Table, whole } from '../schema/table.ts'
import { expectationTable } from './expectation.ts'
import { flowTable } from './flow.ts'
import { layer4 } from './unknown.ts'
import type { NatConditions } from './nat.ts'
import { ports } from './tuple.ts'

/** What a program can be told to do; the command line's commands. */
export type Command = 'list' | 'get' | 'create' | 'add' | 'update' | 'delete' | 'event'

/**
 * What an option is to a command: a condition on the entries it works on, or a value of the entry it asks for or makes.
 * `required` is a value that must be given; `pair` is one half of a direction, of which at least one must be whole; `ignored` says
 * nothing to the command, and is taken because scripts have always given it.
 */
export type Use = 'condition' | 'value' | 'required' | 'pair' | 'ignored'

/** One option of the command line: all there is to it, since its field's kind reads the argument. */
export interface Option<Path extends string = string> {
  /** Long names without the dashes; the first is the one that is printed. */
  readonly names: readonly [string, ...string[]]
  /** What stands for the argument in help: `PORT`. */
  readonly argument: string
  /** A line of help. */
  readonly help: string
  /** The field that it is about: `original.sourcePort`. */
  readonly sets: Path
  /** What it is to each command on flows; a command that is not named does not take it. */
  readonly use: Uses
  /** The same for commands on expectations: `original` is the expected tuple to them, or the master's for a new one. */
  readonly expectation?: Uses
  /** Not an option of conntrack(8): its name takes no abbreviation away from those that are. */
  readonly isOurs?: boolean
  /** When the format `save` writes it; always, if absent. What a restored flow has anyway, or should not have, is left out. */
  readonly saved?: 'always' | 'unless zero' | 'never'
}

/** What an option is to each command. */
export type Uses = Readonly<Partial<Record<Command, Use>>>

/** {@link Option.use} of what tells flows apart: conditions on many, and the tuple of the one that is asked for or made. */
export const TUPLE_USE = {
  list: 'condition',
  event: 'condition',
  delete: 'condition',
  update: 'condition',
  get: 'pair',
  create: 'pair',
  add: 'pair',
} as const

/** {@link Option.expectation} of what conntrack(8) wants to know of an expectation, which has no such thing. */
export const IGNORED_USE = { get: 'ignored', delete: 'ignored', create: 'ignored' } as const

/** {@link Option.use} of a flow's state: a condition, a new value for `update`, and compulsory for a new flow. */
export const STATE_USE = {
  list: 'condition',
  event: 'condition',
  delete: 'condition',
  get: 'condition',
  update: 'value',
  create: 'required',
  add: 'required',
} as const

/** {@link Option.use} of any other property: a condition, and a value of the flow that is made or changed. */
export const PROPERTY_USE = { ...STATE_USE, create: 'value', add: 'value' } as const

/** {@link Option.expectation} of what tells packets apart. */
export const EXPECTED_USE = { list: 'condition', event: 'condition', get: 'required', delete: 'required', create: 'required' } as const

/**
 * {@link Option.expectation} of what a new expectation has beside its master's tuple: what it expects. As a condition too, and then the
 * options of the tuple are about the master.
 */
export const EXPECTED_BESIDE_MASTER_USE = { list: 'condition', event: 'condition', create: 'required' } as const

/** {@link Option.expectation} of the mask over what is expected. */
export const MASK_USE = { ...EXPECTED_BESIDE_MASTER_USE, get: 'condition', delete: 'condition' } as const

type TuplePath<L4> = `${'original' | 'reply' | 'mask' | 'tuple'}.${keyof L4 & string}`

/**
 * A transport protocol: the vocabulary of its flows, as data. Everything that lists, filters, prints and makes flows of it
 * follows from this.
 */
export interface Protocol<Name extends string = string, L4 extends Table = Table, Info extends Table = Table> {
  /** As in `flow.protocol` and after `-p`. */
  readonly name: Name
  /** IPPROTO_*: the number in the IP header. */
  readonly number: number
  /** The one family that has flows of it; both if absent. */
  readonly family?: Family
  /** Rows inside CTA_TUPLE_PROTO, beside the protocol's number. */
  readonly tuple: L4
  /** Rows inside CTA_PROTOINFO. */
  readonly protoinfo: Info
  /** The word for each field of the tuple in lines of text: `{ sourcePort: 'sport' }`. */
  readonly labels: Readonly<Record<keyof L4 & string, string>>
  /** The field of `protoinfo` that a line shows as the state. */
  readonly state?: keyof Info & string
  /** Its options on the command line. */
  readonly options: readonly Option<TuplePath<L4> | (keyof Info & string)>[]
  /** Whether every kernel with connection tracking tracks it. Of others the kernel is asked before the first flow is made. */
  readonly isBuiltIn?: boolean
  /** What a tuple has where the user does not say. */
  readonly defaults?: Encodable<L4>
  /** The protocol's part of the tuple in the other direction. */
  opposite(tuple: Encodable<L4>): Encodable<L4>
  /** What the kernel wants to know of a new flow and the user did not say. */
  complete?(flow: Encodable<Info>): Encodable<Info>
  /** A change of its fields, with what the kernel takes only together with them; `current` is the flow that is changed. */
  amend?(change: Encodable<Info>, current: Encodable<Info>): Encodable<Info>
}

/** Declares a protocol; its types follow from the tables. */
export function protocol<const Name extends string, L4 extends Table, Info extends Table>(
  plugin: Protocol<Name, L4, Info>,
): Protocol<Name, L4, Info> {
  return plugin
}

/** {@link Protocol.opposite} of the protocols with ports: the two change places. */
export function oppositePorts({ sourcePort, destinationPort }: Encodable<typeof ports>): Encodable<typeof ports> {
  return { sourcePort: destinationPort, destinationPort: sourcePort }
}

/** One end of a pair: its field in a tuple, and the word that lines have for it. */
interface End<Field extends string> {
  readonly field: Field
  readonly label: string
}

/** The options of a protocol whose tuple is a source and a destination; `what` they are is a port or a key. */
export function pairOptions<const Source extends string, const Destination extends string>(
  what: string,
  source: End<Source>,
  destination: End<Destination>,
): readonly Option<TuplePath<Record<Source | Destination, unknown>>>[] {
  const ends = [
    { ...source, end: 'src', word: 'source' },
    { ...destination, end: 'dst', word: 'destination' },
  ] as const
  const both = <Side extends string>(
    side: Side,
    names: (end: string, label: string) => Option['names'],
    where: string,
    uses: Pick<Option, 'use' | 'expectation'>,
  ) =>
    ends.map(({ field, label, end, word }) => ({
      names: names(end, label),
      argument: what.toUpperCase(),
      help: `${word} ${what} ${where}`,
      sets: `${side}.${field}` as const,
      ...uses,
    }))
  return [
    ...both('original', (end, label) => [label, `orig-${what}-${end}`], 'in original direction', {
      use: TUPLE_USE,
      expectation: EXPECTED_USE,
    }),
    ...both('reply', (end) => [`reply-${what}-${end}`], 'in reply direction', { use: TUPLE_USE, expectation: IGNORED_USE }),
    ...both('mask', (end) => [`mask-${what}-${end}`], 'mask of an expectation', { use: {}, expectation: MASK_USE }),
    ...both('tuple', (end) => [`tuple-${what}-${end}`], 'that is expected', { use: {}, expectation: EXPECTED_BESIDE_MASTER_USE }),
  ]
}

/** The options of the protocols with ports. */
export const portOptions: readonly Option<TuplePath<typeof ports>>[] = pairOptions(
  'port',
  { field: 'sourcePort', label: 'sport' },
  { field: 'destinationPort', label: 'dport' },
)

/** The attribute behind a field of a protocol's flows, `original.sourcePort`: what reads an option's argument. @throws RangeError */
export function flowRow({ tuple, protoinfo }: Protocol, path: string): Attribute<unknown> | PerFamily {
  return rowAt(flowTable(tuple, protoinfo), path)
}

/** The same for a field of its expectations, `tuple.sourcePort`. @throws RangeError */
export function expectationRow({ tuple }: Protocol, path: string): Attribute<unknown> | PerFamily {
  return rowAt(expectationTable(tuple), path)
}

/** The field of a master's tuple that stands where this field of a protocol's tuple does: GRE's keys travel where ports do. */
export function masterField({ tuple }: Protocol, field: string): string {
  const numberOf = (row: Row | undefined): number | undefined => (row?.row === 'attribute' ? row.path.at(-1)?.id : undefined)
  const wanted = numberOf(tuple[field])
  return Object.entries(ports).find(([, row]) => numberOf(row) === wanted)?.[0] ?? field
}

function rowAt(root: Table, path: string): Attribute<unknown> | PerFamily {
  let table = root
  const parts = path.split('.')
  const last = parts.pop() as string
  for (const part of parts) {
    const row = Object.hasOwn(table, part) ? table[part] : undefined
    table = row?.row === 'nest' ? row.table : {}
  }
  const row = Object.hasOwn(table, last) ? table[last] : undefined
  if (row !== undefined && row.row !== 'nest') return row
  throw new RangeError(`unknown field '${path}'`)
}

/** {@link Option.use} of bytes that are what the kernel sent. */
const RAW_USE = { ...TUPLE_USE, get: 'value', create: 'value', add: 'value' } as const

/** Stands for every protocol that is not installed: what it does not know it keeps as bytes, so that nothing is lost. */
export const unknownProtocol = protocol({
  name: 'unknown',
  number: -1,
  tuple: { layer4: whole(layer4) },
  protoinfo: { protoinfo: whole(bytes) },
  labels: { layer4: '' },
  options: [
    ...(['original', 'reply'] as const).map((side) => ({
      names: [side === 'original' ? 'orig-layer4' : 'reply-layer4'] as const,
      argument: 'HEX',
      help: `attributes of the protocol in ${side} direction`,
      sets: `${side}.layer4` as const,
      use: RAW_USE,
      isOurs: true,
      saved: 'unless zero' as const,
    })),
    ...(['tuple', 'mask'] as const).map((part) => ({
      names: [`${part}-layer4`] as const,
      argument: 'HEX',
      help: `attributes of the protocol in the ${part} of an expectation`,
      sets: `${part}.layer4` as const,
      use: {},
      expectation: { create: 'value' } as const,
      isOurs: true,
      saved: 'unless zero' as const,
    })),
    { names: ['protoinfo'], argument: 'HEX', help: 'attributes of its state', sets: 'protoinfo', use: PROPERTY_USE, isOurs: true },
  ],
  opposite: () => ({}),
})

type FlowTable<L4 extends Table, Info extends Table> = ReturnType<typeof flowTable<L4, Info>>

/** nfgen_family of a flow: AF_INET or AF_INET6. */
export type Family = 'ipv4' | 'ipv6'

/** What every entry has, whatever its protocol. */
interface Named<Name> {
  /** The protocol's name, which tells what other fields there are. */
  readonly protocol: Name
  /** That of its addresses. */
  readonly family: Family
}

interface OfProtocol<Name> {
  /** The protocol's name, which tells what other fields there may be. */
  readonly protocol: Name
}

interface OfFamily {
  /** That of the addresses: AF_INET or AF_INET6. */
  readonly family?: Family
}

/** What makes, finds or filters entries of a protocol. */
interface Naming<Name> extends OfProtocol<Name>, OfFamily {}

/** A flow of one protocol: a plain object that lasts. `P` is the protocol's type: `FlowOf<typeof tcp>`. */
export type FlowOf<P> = P extends Protocol<infer N, infer L4, infer Info> ? Flat<Named<N> & Decoded<FlowTable<L4, Info>>> : never

/** What can be said of a flow to make or change it. Fields that only the kernel tells are not taken. */
export type NewFlowOf<P> = P extends Protocol<infer N, infer L4, infer Info> ? Flat<Naming<N> & Encodable<FlowTable<L4, Info>>> : never

type FlowConditions<L4 extends Table, Info extends Table> = NatConditions &
  Omit<Conditions<FlowTable<L4, Info>>, keyof NatConditions> &
  OfFamily

/** Conditions on flows: those of one protocol, with its fields, or those that all have. */
export type FlowFilterOf<P> =
  | (P extends Protocol<infer N, infer L4, infer Info> ? Flat<OfProtocol<N> & FlowConditions<L4, Info>> : never)
  | Flat<{ readonly protocol?: undefined } & FlowConditions<Record<never, never>, Record<never, never>>>

/** A protocol with a table of its entries: flows or expectations. */
export interface ProtocolVariant extends Variant {
  /** The protocol itself. */
  readonly protocol: Protocol
}

const variants = (protocols: readonly Protocol[], table: (protocol: Protocol) => Table): ProtocolVariant[] =>
  [...protocols, unknownProtocol as unknown as Protocol].map((one) => ({
    name: one.name,
    number: one.number,
    table: table(one),
    protocol: one,
  }))

/** The flow table of these protocols, with the unknown one last. */
export function flowVariants(protocols: readonly Protocol[]): ProtocolVariant[] {
  return variants(protocols, ({ tuple, protoinfo }) => flowTable(tuple, protoinfo))
}

/** The expectation table of these protocols, with the unknown one last. */
export function expectationVariants(protocols: readonly Protocol[]): ProtocolVariant[] {
  return variants(protocols, ({ tuple }) => expectationTable(tuple))
}

type ExpectationTable<L4 extends Table> = ReturnType<typeof expectationTable<L4>>

/** An expectation of one protocol: a plain object that lasts. */
export type ExpectationOf<P> = P extends Protocol<infer N, infer L4, infer _> ? Flat<Named<N> & Decoded<ExpectationTable<L4>>> : never

/** What can be said of an expectation to make or find it. */
export type NewExpectationOf<P> = P extends Protocol<infer N, infer L4, infer _> ? Flat<Naming<N> & Encodable<ExpectationTable<L4>>> : never

/** Conditions on expectations: those of one protocol, with its fields, or those that all have. */
export type ExpectationFilterOf<P> =
  | (P extends Protocol<infer N, infer L4, infer _> ? Flat<Naming<N> & Conditions<ExpectationTable<L4>>> : never)
  | Flat<{ readonly protocol?: undefined; readonly family?: Family } & Conditions<ExpectationTable<Record<never, never>>>>
