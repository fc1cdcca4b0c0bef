import { type Protocol, unknownProtocol } from '@conntrack/core/plugin'
import { protocolNumber } from './databases.ts'
import { UsageError } from './failure.ts'

/** What follows `-p`: an installed protocol, or the number of one that is not. */
export interface ChosenProtocol {
  readonly protocol: Protocol
  /** Set where `protocol` does not tell it. */
  readonly number: number | undefined
}

/**
 * The protocol of an argument: the name of an installed one in any case, a name of /etc/protocols, or a number from 0 to 255.
 * @param written the option as the user wrote it
 * @throws UsageError
 */
export function protocolOf(argument: string, installed: readonly Protocol[], written: string): ChosenProtocol {
  const named = installed.find(({ name }) => name === argument.toLowerCase())
  if (named !== undefined) return { protocol: named, number: undefined }
  const number = /^(0[xX][0-9a-fA-F]+|\d+)$/.test(argument) ? Number(argument) : protocolNumber(argument)
  if (number === undefined || number > 255) throw new UsageError(`\`${argument}' unsupported protocol for option \`${written}'`, written)
  const numbered = installed.find((protocol) => protocol.number === number)
  if (numbered !== undefined) return { protocol: numbered, number: undefined }
  return { protocol: unknownProtocol, number }
}
