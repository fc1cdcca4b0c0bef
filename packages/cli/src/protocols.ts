import type { Condition } from '@conntrack/core'
import { type Protocol, u8, unknownProtocol } from '@conntrack/core/plugin'
import { protocolNumber } from './databases.ts'
import { UsageError } from './failure.ts'

/** What follows `-p`: which protocols are meant, and whose options the line may have. */
export interface ChosenProtocols {
  /** As the user wrote option and argument. */
  readonly written: string
  readonly argument: string
  /** All that are named, where none is excluded; a number that is not installed is the unknown protocol. */
  readonly protocols: readonly Protocol[]
  /** What the protocol's number must be. */
  readonly number: Condition<number>
}

/**
 * The protocols of an argument. Each is the name of an installed one in any case, a name of /etc/protocols, or a number from 0 to 255;
 * several stand in a list (`tcp,udp`), and `!` before it excludes them. `unknown:33` is a number of which nothing else is known, as a
 * kernel has it that does not track the protocol.
 * @param written the option as the user wrote it
 * @throws UsageError
 */
export function protocolsOf(argument: string, installed: readonly Protocol[], written: string): ChosenProtocols {
  const isNegated = argument.startsWith('!')
  const names = (isNegated ? argument.slice(1) : argument).split(',')
  const numbers = names.map((one) => numberOf(one.replace(BARE, ''), installed, written))
  const number = numbers.length === 1 ? numbers[0] : { oneOf: numbers }
  if (isNegated) return { written, argument, protocols: [], number: { not: number } }
  const protocols = numbers.map(
    (one, i) => (BARE.test(names[i]) ? undefined : installed.find((protocol) => protocol.number === one)) ?? unknownProtocol,
  )
  return { written, argument, protocols: [...new Set<Protocol>(protocols)], number }
}

const BARE = /^unknown:(?=\d)/

function numberOf(name: string, installed: readonly Protocol[], written: string): number {
  const known = installed.find((one) => one.name === name.toLowerCase())?.number ?? protocolNumber(name)
  if (known !== undefined) return known
  try {
    return u8.parse(name)
  } catch (cause) {
    throw new UsageError(`\`${name}' unsupported protocol for option \`${written}'`, written, { cause })
  }
}
