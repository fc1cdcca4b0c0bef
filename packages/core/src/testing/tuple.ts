import type { Family, Protocol } from '../tables/protocol.ts'
import type { Fields } from './codec.ts'
import { Refusal } from './refusal.ts'

/**
 * A tuple of a request without its zone, as the kernel takes it: addresses of the request's family, and all that the protocol tells
 * packets apart by.
 * @throws Refusal EINVAL when something of it is missing
 */
export function tupleIn(given: unknown, family: Family | undefined, protocol: Protocol): Fields {
  const { zone: _, ...tuple } = (given ?? {}) as Fields
  const { source, destination, protocolNumber } = tuple
  const isOfFamily = (address: unknown): boolean =>
    typeof address === 'string' && family !== undefined && address.includes(':') === (family === 'ipv6')
  const isWhole = protocol.number < 0 || Object.keys(protocol.tuple).every((field) => tuple[field] !== undefined)
  if (!isOfFamily(source) || !isOfFamily(destination) || protocolNumber === undefined || !isWhole) throw new Refusal('EINVAL')
  // Of ICMP's types only some have an answer, and the kernel tracks no other.
  if ('type' in protocol.tuple && opposite(tuple, protocol).type === tuple.type) throw new Refusal('EINVAL')
  return tuple
}

/** What the answer to packets of a tuple looks like (nf_ct_invert_tuple). */
export function opposite({ source, destination, protocolNumber, ...layer4 }: Fields, protocol: Protocol): Fields {
  return { source: destination, destination: source, protocolNumber, ...(protocol.opposite(layer4) as Fields) }
}

/** A tuple as a text that is the same for the same packets. */
export function tupleKey(tuple: Fields): string {
  return Object.keys(tuple)
    .filter((field) => field !== 'zone' && tuple[field] !== undefined)
    .sort()
    .map((field) => `${field}=${String(tuple[field])}`)
    .join(' ')
}
