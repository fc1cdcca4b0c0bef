/** A kind of conversation of the demonstration's network: clients behind a router that translates, and servers. */
export interface Kind {
  readonly protocol: string
  readonly family?: 'ipv6'
  /** The server's port, of protocols that have ports. */
  readonly port?: number
  /** How many of all conversations are of this kind, in relation to others. */
  readonly weight: number
  /** How long they last, at least and at most. */
  readonly seconds: readonly [least: number, most: number]
  /** Bytes a second: what the client sends and what the server answers. */
  readonly rate: readonly [sent: number, answered: number]
  /** Which end is translated. */
  readonly nat?: 'source' | 'destination'
  /** Nobody answers. */
  readonly isUnanswered?: boolean
  readonly mark?: number
  readonly helper?: string
}

/** All kinds. */
export const KINDS: readonly Kind[] = [
  { protocol: 'tcp', port: 443, weight: 30, seconds: [4, 200], rate: [700, 24000], nat: 'source' },
  { protocol: 'tcp', port: 443, weight: 8, seconds: [4, 90], rate: [500, 8000], family: 'ipv6' },
  { protocol: 'udp', port: 443, weight: 12, seconds: [10, 300], rate: [900, 60000], nat: 'source', mark: 0x10 },
  { protocol: 'udp', port: 53, weight: 30, seconds: [0.2, 1], rate: [80, 240], nat: 'source' },
  { protocol: 'udp', port: 123, weight: 4, seconds: [0.2, 1], rate: [76, 76], nat: 'source' },
  { protocol: 'tcp', port: 22, weight: 3, seconds: [300, 800], rate: [60, 400], mark: 0x20 },
  { protocol: 'tcp', port: 21, weight: 1, seconds: [200, 600], rate: [20, 60], helper: 'ftp' },
  { protocol: 'tcp', port: 80, weight: 10, seconds: [1, 20], rate: [400, 9000], nat: 'destination' },
  { protocol: 'udp', port: 514, weight: 2, seconds: [60, 300], rate: [300, 0], isUnanswered: true },
  { protocol: 'icmp', weight: 3, seconds: [3, 30], rate: [84, 84] },
  { protocol: 'icmpv6', weight: 1, seconds: [3, 30], rate: [104, 104], family: 'ipv6' },
  { protocol: 'sctp', port: 36412, weight: 1, seconds: [300, 800], rate: [120, 120] },
  { protocol: 'gre', weight: 1, seconds: [100, 500], rate: [4000, 4000] },
]
