import { attribute, expectationRow, flowRow, masterField, port, type Protocol, unknownProtocol } from '@conntrack/core/plugin'
import type { CommandName, TableName } from './commands.ts'
import { UsageError } from './failure.ts'
import type { Parsed } from './getopt.ts'
import { addLabels, type LabelMap, labelsToAdd, labelsToDelete, parseLabels, parseLabelsCondition } from './labels.ts'
import { type CliOption, useOf } from './options.ts'
import type { ChosenProtocols } from './protocols.ts'
import {
  type FieldRow,
  maskAddress,
  parseAddress,
  parseCondition,
  parseMasked,
  parseNegated,
  parseNewStatus,
  parseStatus,
  parseValue,
  splitTarget,
} from './values.ts'

/** What a command line says of flows: conditions on those that are, and values of the one that is asked for, made or changed. */
export interface Query {
  readonly conditions: Fields
  readonly values: Fields
}

type Fields = Record<string, unknown>
type Given = Parsed<CliOption>

/**
 * Turns options into fields. Each option says which field it is about, and the field's kind reads the argument.
 * @throws UsageError that names the option and its value
 */
export function query(
  command: CommandName,
  table: TableName,
  given: readonly Given[],
  chosen: ChosenProtocols | undefined,
  labels: () => LabelMap,
  master?: ChosenProtocols,
): Query {
  const conditions: Fields = {}
  const values: Fields = {}
  const isOfMaster = command === 'create' || given.some(({ option }) => option.sets?.startsWith('tuple.'))
  const views = (chosen === undefined || chosen.protocols.length === 0 ? [unknownProtocol] : chosen.protocols).map((protocol) =>
    table === 'expect' ? expectationFields(protocol, labels, isOfMaster) : flowFields(protocol, labels),
  )
  const [{ path: pathOf }] = views
  for (const one of given) {
    const { sets } = one.option
    const use = useOf(one.option, command, table)
    if (sets === undefined || use === undefined || use === 'ignored') continue
    const path = pathOf(sets)
    const found = read(one, () =>
      agreed(
        views.map((about) =>
          use === 'condition'
            ? inParts(one, path, true, (part, at) => condition(part, at, about))
            : inParts(one, path, false, (part, at) => value(part, at, about, command)),
        ),
      ),
    )
    for (const [name, field] of Object.entries(found)) set(use === 'condition' ? conditions : values, name, field, one)
  }
  if (table !== 'expect') applyMasks(conditions)
  // To a new expectation alone: no other command takes the option.
  const masterNumber = master?.number ?? (table === 'expect' && command === 'create' ? chosen?.number : undefined)
  if (masterNumber !== undefined) set(values, 'master.protocolNumber', masterNumber)
  const isOneEntry = command === 'get' || command === 'create' || command === 'add' || (command === 'delete' && table === 'expect')
  const target = isOneEntry ? values : conditions
  const family = familyOf(
    given.filter(({ option }) => useOf(option, command, table) !== 'ignored'),
    !isOneEntry,
  )
  if (family !== undefined) target.family = family
  if (chosen === undefined) return { conditions, values }
  if (isOneEntry && typeof chosen.number !== 'number')
    throw new UsageError(`\`${chosen.argument}' for option \`${chosen.written}': this command takes one protocol`, chosen.written)
  const names = chosen.protocols.map(({ name }) => name)
  const isInstalled = names.length > 0 && !chosen.protocols.includes(unknownProtocol)
  // What is not installed is told by its number: an entry of it may be of an installed protocol that the kernel does not track.
  if (isInstalled || (isOneEntry && names.length === 1)) target.protocol = names.length === 1 ? names[0] : names
  if (!isInstalled) set(target, table === 'expect' ? 'tuple.protocolNumber' : 'original.protocolNumber', chosen.number)
  return { conditions, values }
}

/** Reads an argument as one value, or as one for each part of a field that is an object; a condition on all of these may be negated. */
function inParts(given: Given, path: string, canBeNegated: boolean, read: (one: Given, path: string) => Fields): Fields {
  const { parts, placeholder } = given.option
  if (parts === undefined) return read(given, path)
  const { argument = '' } = given
  const told = canBeNegated ? parseNegated(argument, (one) => one) : argument
  const isNegated = typeof told !== 'string'
  const pieces = (isNegated ? told.not : told).split(':')
  if (pieces.length !== parts.length) throw new RangeError(`expected ${placeholder}`)
  const fields = parts.flatMap((part, i) => Object.entries(read({ ...given, argument: pieces[i] }, `${path}.${part}`)))
  return Object.fromEntries(isNegated ? fields.map(([name, field]) => [name.replace(path, `${path}.not`), field]) : fields)
}

/** What an argument says to each protocol, which must be one and the same. */
function agreed<T>([first, ...others]: readonly T[]): T {
  const text = compared(first)
  if (others.some((other) => compared(other) !== text)) throw new RangeError('it means something else to each protocol')
  return first
}

/** A value as text that is the same for what is the same. JSON knows no bigint. */
const compared = (value: unknown): string => JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one}n` : one))

/** What the options of a command line are about: how the fields are called there, and their rows. */
interface FieldsOf {
  readonly protocol: Protocol
  readonly labels: () => LabelMap
  readonly path: (path: string) => string
  readonly row: (path: string) => FieldRow
}

// A flow has no mask: it is for the address of the same end.
const flowFields = (protocol: Protocol, labels: () => LabelMap): FieldsOf => ({
  protocol,
  labels,
  path: (path) => path,
  row: (path) => flowRow(protocol, path.replace(/^mask\./, 'original.')),
})

/**
 * The original direction is the expected tuple, or the master's where an option of its own tells what is expected, as of a new
 * expectation. The helper has no more than a name.
 */
function expectationFields(protocol: Protocol, labels: () => LabelMap, isOfMaster: boolean): FieldsOf {
  const path = (sets: string): string => {
    const [side, field] = sets.split('.')
    if (side !== 'original') return sets === 'helper.name' ? 'helper' : sets
    return isOfMaster ? `master.${masterField(protocol, field)}` : `tuple.${field}`
  }
  return { protocol, labels, path, row: (at) => expectationRow(protocol, at) }
}

/** `--mask-src` is a mask for `--src`, and so on. */
function applyMasks(conditions: Fields): void {
  const { mask, original } = conditions as { mask?: Fields; original?: Fields }
  for (const [end, option] of [
    ['source', 'src'],
    ['destination', 'dst'],
  ] as const) {
    const bits = mask?.[end]
    if (bits === undefined) continue
    const given = original?.[end]
    const isNegated = typeof given === 'object' && given !== null && 'not' in given
    const address = isNegated ? given.not : given
    if (original === undefined || typeof address !== 'string' || address.includes('/'))
      throw new UsageError(`Can't use --mask-${option} without --${option} and an address`)
    if (typeof bits !== 'string') throw new UsageError(`a mask is an address of bits: \`!' stands before that of \`--${option}'`)
    if (bits.includes(':') !== address.includes(':'))
      throw new UsageError(`mismatched address family: \`--${option} ${address}' and \`--mask-${option} ${bits}'`, `--mask-${option}`)
    const masked = { value: maskAddress(address, bits), mask: bits }
    original[end] = isNegated ? { not: masked } : masked
  }
  delete conditions.mask
}

/** Names the option and its value in what a kind says against it. */
function read<T>({ written, argument }: Given, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const value = argument === undefined ? 'missing value' : `invalid value \`${argument}'`
    throw new UsageError(`${value} for option \`${written}': ${error.message}`, written, { cause: error })
  }
}

function condition({ argument = '' }: Given, path: string, { protocol, row, labels }: FieldsOf): Fields {
  if (path.endsWith('Nat')) return { [path]: parseNegated(argument, (one) => one === '' || translationCondition(one, protocol)) }
  if (path === 'status') return { status: parseStatus(argument) }
  if (path === 'labels') return { labels: parseLabelsCondition(argument, labels()) }
  return { [path]: parseCondition(argument, row(path), protocol.name, path === 'mark') }
}

/** The kind of a port, whichever protocol has it. */
const PORT = attribute(1, 'CTA_PROTONAT_PORT_MIN', port)

/** What an address and a port must be after translation. The rows are those of the reply direction, where it shows. */
function translationCondition(argument: string, protocol: Protocol): Fields {
  const { address, port } = splitTarget(argument)
  return {
    ...(address !== undefined && { address: parseCondition(address, flowRow(protocol, 'reply.source'), protocol.name, false) }),
    ...(port !== undefined && { port: parseCondition(port, PORT, protocol.name, false) }),
  }
}

/** What a new entry is translated to. */
function translationValue(argument: string, protocol: Protocol): Fields {
  const { address, port } = splitTarget(argument)
  if (address === undefined) throw new RangeError('a new entry needs the address to translate to')
  return {
    minimum: parseValue(address, flowRow(protocol, 'reply.source')),
    ...(port !== undefined && { minimumPort: parseValue(port, PORT, protocol.name) }),
  }
}

function value({ argument = '' }: Given, path: string, { protocol, row: rowOf, labels }: FieldsOf, command: CommandName): Fields {
  if (path.endsWith('Nat')) return { [path]: translationValue(argument, protocol) }
  const row = rowOf(path)
  if (path === 'status') return { status: parseNewStatus(argument) }
  if (path === 'labels') return labelsToAdd(parseLabels(argument, labels()))
  if (path === 'labelsMask') return labelsToDelete(argument === '' ? undefined : parseLabels(argument, labels()))
  if (path === 'mark') {
    const { value, mask } = parseMasked(argument, row)
    if (mask === undefined) return { mark: value }
    if (command !== 'update') throw new RangeError('a new entry takes a mark without a mask')
    return { mark: value, markMask: mask }
  }
  return { [path]: row.row === 'perFamily' ? parseAddress(argument, row) : parseValue(argument, row, protocol.name) }
}

/** Sets a field by its path. Status bits and labels add up; anything else can be said once. */
function set(target: Fields, path: string, field: unknown, by?: Given): void {
  const parts = path.split('.')
  const last = parts.pop() as string
  const level = parts.reduce((fields, part) => (fields[part] ??= {}) as Fields, target)
  if (level[last] === undefined) level[last] = field
  else if (ADDS_UP.has(path)) level[last] = joined(level[last], field)
  else throw new UsageError(`option \`${by?.written}' is given twice`, by?.written)
}

const ADDS_UP = new Set(['status', 'labels', 'labelsMask'])

/** Bits of two arguments: names or bytes, or those that must, and that must not, be set. */
function joined(one: unknown, other: unknown): unknown {
  if (Array.isArray(one)) return [...one, ...(other as string[])]
  if (one instanceof Uint8Array) return addLabels(one, other as Uint8Array)
  const [a, b] = [one, other] as { all: unknown; none: unknown }[]
  return { all: joined(a.all, b.all), none: joined(a.none, b.none) }
}

/** The address family that `-f` and the addresses agree on, if any. */
function familyOf(given: readonly Given[], canBeNegated: boolean): string | undefined {
  const [first, ...others] = given.flatMap((one) => {
    const family = familyIn(one, canBeNegated)
    return family === undefined ? [] : [{ family, one }]
  })
  const other = others.find(({ family }) => family !== first.family)
  if (other === undefined) return first?.family
  const [one, another] = [first, other].map(({ one: { written, argument } }) => `\`${written} ${argument}'`)
  throw new UsageError(`mismatched address family: ${one} and ${another}`, other.one.written)
}

/** The family that one option tells of. A condition under `!` tells of none but `-f`'s: entries of the other family are not like it too. */
function familyIn(one: Given, canBeNegated: boolean): string | undefined {
  const { option, argument = '' } = one
  if (option.names[0] === 'family') return read(one, () => parseFamily(argument, canBeNegated))
  // A mask is of the family of the address that it is for.
  if (argument.startsWith('!') || (canBeNegated && option.sets?.startsWith('mask.'))) return undefined
  const families = new Set(
    addressIn(one)
      ?.split(',')
      .map((each) => (each.includes(':') ? 'ipv6' : 'ipv4')),
  )
  return families.size === 1 ? [...families][0] : undefined // a list may have addresses of both
}

/** The address, or the list of them, that an option was given. */
function addressIn(one: Given): string | undefined {
  const { option, argument = '' } = one
  if (/\.(source|destination)$/.test(option.sets ?? '')) return argument
  return option.sets?.endsWith('Nat') ? read(one, () => splitTarget(argument)).address : undefined
}

function parseFamily(argument: string, canBeNegated: boolean): string {
  const [, negated, version] = /^(!?)ipv([46])$/.exec(argument) ?? []
  if (version === undefined || (negated !== '' && !canBeNegated)) throw new RangeError('expected ipv4 or ipv6')
  return (version === '4') === (negated === '') ? 'ipv4' : 'ipv6'
}
