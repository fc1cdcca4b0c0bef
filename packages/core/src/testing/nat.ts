import type { Protocol } from '../tables/protocol.ts'
import type { Fields } from './codec.ts'
import { opposite } from './tuple.ts'

/** CTA_NAT_SRC or CTA_NAT_DST: what an address and a port are to become. */
interface Range {
  readonly minimum?: string
  readonly maximum?: string
  readonly minimumPort?: number
  readonly maximumPort?: number
}

/** What translation makes of a new flow. */
export interface Translated {
  readonly reply: Fields
  readonly status: readonly string[]
}

const STEPS = [
  { range: 'destinationNat', address: 'destination', port: 'destinationPort', bit: 'DST_NAT' },
  { range: 'sourceNat', address: 'source', port: 'sourcePort', bit: 'SRC_NAT' },
] as const

/**
 * Translates a new flow (ctnetlink_setup_nat): of the packets that answer, the destination is what the source became, and the other
 * way round. Where one end is translated the other is bound as well, to what it is. `isTaken` tells of a reply that another flow has:
 * then the next port of the range is tried, and without a range the next of all.
 */
export function translated(given: Fields, reply: Fields, protocol: Protocol, isTaken: (reply: Fields) => boolean): Translated {
  if (STEPS.every(({ range }) => given[range] === undefined)) return { reply, status: [] }
  const status: string[] = []
  let answer = reply
  for (const { range, address, port, bit } of STEPS) {
    const packets = opposite(answer, protocol)
    const wanted = (given[range] ?? {}) as Range
    const moved = { ...packets, [address]: wanted.minimum ?? packets[address] }
    const chosen = port in protocol.tuple ? withFreePort(moved, port, wanted, (one) => isTaken(opposite(one, protocol))) : moved
    if (chosen[address] !== packets[address] || chosen[port] !== packets[port]) {
      answer = opposite(chosen, protocol)
      status.push(bit)
    }
    status.push(`${bit}_DONE`)
  }
  return { reply: answer, status }
}

/** The packets with the first port that is free, or the first of all where none is. */
function withFreePort(packets: Fields, port: string, range: Range, isTaken: (packets: Fields) => boolean): Fields {
  let first: Fields | undefined
  for (const one of candidates(range, packets[port] as number)) {
    const moved = { ...packets, [port]: one }
    if (!isTaken(moved)) return moved
    first ??= moved
  }
  return first ?? packets
}

/** The ports to try, the one that the packets have first if it is in the range. */
function* candidates({ minimumPort, maximumPort = minimumPort }: Range, before: number): Generator<number> {
  const [first, last] = minimumPort === undefined ? [1024, 65535] : [minimumPort, maximumPort as number]
  if (minimumPort === undefined || (before >= first && before <= last)) yield before
  for (let port = first; port <= last; port++) yield port
}
