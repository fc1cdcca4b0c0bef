import { type Attribute, ipv4, ipv6, type PerFamily, STATUS_BITS } from '@conntrack/core/plugin'
import { UsageError } from './failure.ts'
import { servicePort } from './databases.ts'

/** Status bits that conntrack(8) knows by name, in the order in which a beginning of a name is compared with them. */
const STATUS_NAMES = ['SRC_NAT', 'DST_NAT', 'ASSURED', 'SEEN_REPLY', 'UNSET', 'FIXED_TIMEOUT', 'EXPECTED', 'OFFLOAD', 'HW_OFFLOAD'] as const
/** Those that the kernel lets a user set; `UNSET` means none of them. */
const SETTABLE = ['EXPECTED', 'SEEN_REPLY', 'ASSURED', 'FIXED_TIMEOUT'] as const

/** Status bits that must, and that must not, be set. */
export interface StatusArgument {
  readonly all: readonly string[]
  readonly none: readonly string[]
}

/** Reads `ASSURED,!SEEN_REPLY`; names may be shortened and in any case. @throws RangeError */
export function parseStatus(argument: string): StatusArgument {
  const all = new Set<string>()
  const none = new Set<string>()
  for (const item of argument.split(',')) {
    const negated = item.startsWith('!')
    const wanted = (negated ? item.slice(1) : item).toUpperCase()
    if (wanted !== '' && !negated && 'UNREPLIED'.startsWith(wanted) && wanted.length > 2) {
      none.add('SEEN_REPLY')
      continue
    }
    const name = [...STATUS_NAMES, ...STATUS_BITS].find((one) => wanted !== '' && one.startsWith(wanted))
    if (name === undefined) throw new RangeError(`expected status bits such as ${SETTABLE.join(', ')}, UNREPLIED or UNSET`)
    for (const bit of name === 'UNSET' ? SETTABLE : [name]) ((name === 'UNSET') !== negated ? none : all).add(bit)
  }
  return { all: [...all], none: [...none] }
}

/** Reads the status bits to set in a flow; `UNSET` is none. @throws RangeError for those that cannot be set, or be cleared */
export function parseNewStatus(argument: string): readonly string[] {
  if ('UNSET'.startsWith(argument.toUpperCase()) && argument.length > 2) return []
  const { all, none } = parseStatus(argument)
  if (none.length > 0) throw new RangeError('status bits of an entry can be set, not cleared')
  const fixed = all.find((bit) => !SETTABLE.includes(bit as 'ASSURED'))
  if (fixed !== undefined) throw new RangeError(`${fixed} is set by the kernel alone`)
  return all
}

/** The attribute, or the two of an address, behind the field that an option sets. */
export type FieldRow = Attribute<unknown> | PerFamily

/** Reads the argument of `--max`, a whole number. @throws UsageError that names the option and its value */
export function parseMaximum(argument: string, written: string): number {
  const count = /^\d+$/.test(argument) ? Number(argument) : Number.NaN
  if (Number.isSafeInteger(count)) return count
  throw new UsageError(`invalid value \`${argument}' for option \`${written}': expected a whole number`, written)
}

/** Reads `VALUE[/MASK]` of a field. @throws RangeError */
export function parseMasked(argument: string, row: FieldRow): { value: unknown; mask: unknown } {
  const [value, mask, ...rest] = argument.split('/')
  if (rest.length > 0) throw new RangeError('expected VALUE or VALUE/MASK')
  return { value: parseValue(value, row), mask: mask === undefined ? undefined : parseValue(mask, row) }
}

/** Reads an argument as a field's kind does; a port may be the name of a service. @throws RangeError */
export function parseValue(argument: string, row: FieldRow, protocol = ''): unknown {
  if (row.row === 'attribute') {
    const service = row.kind.name === 'port' && /^[a-z]/i.test(argument) ? servicePort(argument, protocol) : undefined
    return service ?? row.kind.parse(argument)
  }
  const [ipv4, ipv6] = row.alternatives
  try {
    return (argument.includes(':') ? ipv6 : ipv4).kind.parse(argument)
  } catch (cause) {
    throw new RangeError('expected an IP address', { cause })
  }
}

/**
 * Reads what a field must be: a value, a network (`10.0.0.0/8`), a value under a mask (`1/0xff`), a range (`8000-8080`), several of these
 * (`80,443`), or with `!` before it, not that.
 * @throws RangeError
 */
export function parseCondition(argument: string, row: FieldRow, protocol: string, canBeMasked: boolean): unknown {
  if (argument.startsWith('!')) return parseNegated(argument, (one) => parseCondition(one, row, protocol, canBeMasked))
  if (row.row === 'attribute' && row.kind.condition !== undefined) return row.kind.condition(argument)
  if (argument.includes(',')) return { oneOf: argument.split(',').map((one) => parseCondition(one, row, protocol, canBeMasked)) }
  const read = (one: string): unknown => parseValue(one, row, protocol)
  if (argument.includes('/') && row.row === 'perFamily') return parseNetwork(argument, row)
  if (argument.includes('/') && canBeMasked) return parseMasked(argument, row)
  const [from, to, ...rest] = argument.split('-')
  // A service's name may have a dash: a range has digits at both ends.
  if (to === undefined || rest.length > 0 || !/^[0-9a-f:.]+$/i.test(from)) return read(argument)
  const range = { from: read(from), to: read(to) }
  if (typeof range.from === 'number' && range.from > (range.to as number)) throw new RangeError('the range ends before it begins')
  return range
}

/** Reads what a field must be, or with `!` before it, must not be. @throws RangeError */
export function parseNegated<T>(argument: string, read: (argument: string) => T): T | { readonly not: T } {
  if (argument.startsWith('!!')) throw new RangeError("`!' stands once before a value")
  return argument.startsWith('!') ? { not: read(argument.slice(1)) } : read(argument)
}

function parseNetwork(argument: string, row: PerFamily): string {
  const slash = argument.indexOf('/')
  const address = parseValue(argument.slice(0, slash), row) as string
  const length = argument.slice(slash + 1)
  const maximum = address.includes(':') ? 128 : 32
  if (!/^\d{1,3}$/.test(length) || Number(length) > maximum) throw new RangeError(`expected a netmask length from 0 to ${maximum}`)
  return `${address}/${Number(length)}`
}

/** Reads `ADDRESS`, `ADDRESS:PORT`, `[IPV6]:PORT` or `:PORT`, either part as `read` does. @throws RangeError */
export function splitTarget(argument: string): { address: string | undefined; port: string | undefined } {
  const bracketed = /^\[([^\]]*)\](.*)$/.exec(argument)
  if (argument.startsWith('[') && bracketed === null) throw new RangeError("No closing ']' around IPv6 address")
  const isPlain = bracketed === null && argument.split(':').length > 2 // an IPv6 address alone
  const address = bracketed?.[1] ?? (isPlain ? argument : argument.split(':')[0])
  const rest = bracketed?.[2] ?? (isPlain ? '' : argument.slice(address.length))
  if (bracketed?.[1] === '') throw new RangeError('No IPv6 address specified')
  if (rest !== '' && !rest.startsWith(':')) throw new RangeError("expected `:' and a port after the address")
  if (rest === ':') throw new RangeError("No port specified after `:'")
  return { address: address || undefined, port: rest.slice(1) || undefined }
}

/** Reads one address: a network of it alone, `10.0.0.1/32`, is that too. @throws RangeError */
export function parseAddress(argument: string, row: PerFamily): unknown {
  if (!argument.includes('/')) return parseValue(argument, row)
  const [address, length] = parseNetwork(argument, row).split('/')
  if (length !== (address.includes(':') ? '128' : '32')) throw new RangeError('this command takes an address, not a network')
  return address
}

/** An address without the bits that a mask has not. @throws RangeError where they are of two families */
export function maskAddress(address: string, mask: string): string {
  const kind = address.includes(':') ? ipv6 : ipv4
  const size = kind.size ?? 0
  const bytes = [address, mask].map((one) => {
    const written = new Uint8Array(size)
    kind.write(written, 0, one)
    return written
  })
  return kind.read(
    bytes[0].map((byte, i) => byte & bytes[1][i]),
    0,
    size,
  )
}
