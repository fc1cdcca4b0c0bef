import { type Kind, KINDS } from './kinds.ts'

/** Seconds from one conversation's start to the next one's. */
const PACE = 1.6
/** No conversation is in the table for longer than this, in seconds. */
const LONGEST = 1000

/** A conversation of the demonstration: which one it is tells all about it, so that every run shows the same network as it goes on. */
export interface Conversation {
  readonly number: number
  readonly kind: Kind
  /** When it starts, in seconds since 1970, and how long it lasts. */
  readonly start: number
  readonly seconds: number
  /** The flow that its first packet makes. */
  readonly flow: Readonly<Record<string, unknown>>
}

/** Those that may be in the table at a time, in seconds since 1970, oldest first. */
export function conversationsAround(time: number): Conversation[] {
  const last = Math.floor(time / PACE)
  const count = Math.ceil(LONGEST / PACE)
  return Array.from({ length: count }, (_, i) => conversation(last - count + 1 + i))
}

function conversation(number: number): Conversation {
  const draw = drawer(number)
  const kind = pick(draw)
  const [least, most] = kind.seconds
  return { number, kind, start: number * PACE, seconds: least + draw() * (most - least), flow: flowOf(kind, draw) }
}

function pick(draw: () => number): Kind {
  let left = draw() * KINDS.reduce((sum, { weight }) => sum + weight, 0)
  return KINDS.find(({ weight }) => (left -= weight) < 0) ?? KINDS[0]
}

function flowOf({ protocol, family, port, nat, mark, helper }: Kind, draw: () => number): Conversation['flow'] {
  const whole = (least: number, most: number): number => least + Math.floor(draw() * (most - least + 1))
  // Addresses that are reserved for documentation, and private ones.
  const [client, server] =
    family === 'ipv6'
      ? [`2001:db8:1::${whole(10, 99)}`, `2001:db8:ffff::${whole(1, 9)}`]
      : [`192.168.1.${whole(10, 60)}`, nat === 'destination' ? '198.51.100.7' : `203.0.113.${whole(1, 40)}`]
  const clientPort = whole(32768, 60999)
  const ends = nat === 'destination' ? [server.replace('198.51.100.7', `203.0.113.${whole(100, 200)}`), '198.51.100.7'] : [client, server]
  const original = { source: ends[0], destination: ends[1], ...layer4(protocol, clientPort, port ?? 0) }
  return {
    protocol,
    original,
    ...(nat === 'source' ? { sourceNat: { minimum: '198.51.100.7' } } : {}),
    ...(nat === 'destination' ? { destinationNat: { minimum: `192.168.1.${whole(2, 4)}`, minimumPort: 8080 } } : {}),
    ...(mark === undefined ? {} : { mark }),
    ...(helper === undefined ? {} : { helper: { name: helper } }),
  }
}

function layer4(protocol: string, clientPort: number, port: number): object {
  if (protocol === 'icmp') return { type: 8, code: 0, id: clientPort & 0xfff }
  if (protocol === 'icmpv6') return { type: 128, code: 0, id: clientPort & 0xfff }
  if (protocol === 'gre') return { sourceKey: 0, destinationKey: clientPort & 0xff }
  return { sourcePort: clientPort, destinationPort: port }
}

/** Numbers from 0 to 1 that look random and are always the same for a seed (mulberry32). */
function drawer(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
