import type { Encodable } from '../schema/table.ts'
import type { MessageType } from '../tables/messages.ts'
import type { Protocol } from '../tables/protocol.ts'
import type { tupleOf } from '../tables/tuple.ts'
import type { Request } from '../transport/request.ts'
import { type TableContext, familyNumber } from './context.ts'

/** A tuple as the caller gives it, with whatever its protocol adds. */
export type Tuple = Encodable<ReturnType<typeof tupleOf<Record<never, never>>>>

/** A flow as the caller gives it, of whatever protocol. */
export interface GivenFlow {
  readonly protocol?: string
  readonly family?: string
  readonly original?: Tuple
  readonly reply?: Tuple
  readonly [field: string]: unknown
}

/** The tools to encode a flow's protocol. @throws RangeError when it is not installed */
export function encoderOf({ encoders }: TableContext, { protocol }: Pick<GivenFlow, 'protocol'>) {
  const tools = encoders.get(protocol ?? '')
  if (tools !== undefined) return tools
  throw new RangeError(protocol === undefined ? 'protocol: which one is missing' : `protocol '${protocol}' is not installed`)
}

/** The address family that a flow's addresses and `family` agree on. @throws RangeError when they do not, or there is no address */
export function familyOf({ family, original, reply }: GivenFlow): string {
  return familyOfTuples(family, [original, reply])
}

/** The same for any tuples. */
export function familyOfTuples(family: string | undefined, tuples: readonly (Tuple | undefined)[]): string {
  const addresses = tuples.flatMap((tuple) => [tuple?.source, tuple?.destination]).filter((address) => address !== undefined)
  const families = new Set(addresses.map((address) => (address.includes(':') ? 'ipv6' : 'ipv4')))
  if (family !== undefined) families.add(family as 'ipv4')
  if (families.size > 1) throw new RangeError('mismatched address family')
  const [only] = families
  if (only === undefined) throw new RangeError('a source and a destination address are missing')
  return only
}

/** The tuple with its protocol's number. */
export function numbered(tuple: Tuple, protocol: Protocol): Tuple {
  return protocol.number < 0 ? tuple : { ...tuple, protocolNumber: protocol.number }
}

/** The other direction of a tuple: addresses change places, and the protocol's part becomes its opposite. */
function oppositeTuple({ source, destination, protocolNumber, zone: _, ...layer4 }: Tuple, protocol: Protocol): Tuple {
  return { source: destination, destination: source, protocolNumber, ...protocol.opposite(layer4) }
}

/** Both directions of a flow: what one lacks is taken from the other's opposite. Undefined where neither is given. */
export function bothDirections({ original, reply }: GivenFlow, protocol: Protocol): { original: Tuple; reply: Tuple } | undefined {
  if (original === undefined && reply === undefined) return undefined
  const mirrored = reply && defined(oppositeTuple(reply, protocol))
  const there = numbered({ ...protocol.defaults, ...mirrored, ...defined(original ?? {}) }, protocol)
  return { original: there, reply: numbered({ ...defined(oppositeTuple(there, protocol)), ...defined(reply ?? {}) }, protocol) }
}

function defined(tuple: Tuple): Tuple {
  return Object.fromEntries(Object.entries(tuple).filter(([, value]) => value !== undefined))
}

/** A request about the one flow that has this tuple, original or else reply, in this zone. */
export function tupleRequest(context: TableContext, message: MessageType, given: GivenFlow): Request {
  const { encoder, protocol } = encoderOf(context, given)
  const both = bothDirections(given, protocol)
  if (both === undefined) throw new RangeError('original: the tuple to look for is missing')
  const tuple = given.original === undefined ? { reply: both.reply } : { original: both.original }
  return { ...message, flags: 0, family: familyNumber(familyOf(given)), body: encoder.encode({ ...tuple, zone: given.zone }) }
}
