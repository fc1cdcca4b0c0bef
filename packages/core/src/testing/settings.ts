import type { Protocol } from '../tables/protocol.ts'

/** A module that looks into connections of one protocol for others to expect. */
export interface KernelHelper {
  /** As in a flow: `ftp`. */
  readonly name: string
  /** The name of the protocol whose connections it can help. */
  readonly protocol: string
  /** How many connections a master may expect at a time; the oldest goes when there is one more. */
  readonly expects: number
}

/** What an administrator sets: sysctls, rules and modules. */
export interface KernelSettings {
  /** net.netfilter.nf_conntrack_acct: packets and bytes are counted. True if absent. */
  readonly accounting?: boolean
  /** net.netfilter.nf_conntrack_timestamp: the start of a flow is kept, in nanoseconds since 1970. False if absent. */
  readonly timestamps?: boolean
  /** net.netfilter.nf_conntrack_max: the flows that there can be. 262144 if absent. */
  readonly maximum?: number
  /** Whether a rule uses connection labels; without one the kernel stores none. True if absent. */
  readonly labels?: boolean
  /** The helpers that are loaded; ftp, sip and tftp if absent. */
  readonly helpers?: readonly KernelHelper[]
  /** Whether its programs have CAP_NET_ADMIN; those without are refused everything (EPERM). True if absent. */
  readonly privileged?: boolean
  /** The CPUs that statistics are told for. 2 if absent. */
  readonly cpus?: number
  /** What the clock shows at first, in nanoseconds since 1970; the beginning of 2026 if absent. */
  readonly now?: bigint
}

/** The settings, with the usual ones where nothing was said. */
export function settingsOf(given: KernelSettings): Required<KernelSettings> {
  return {
    accounting: true,
    timestamps: false,
    maximum: 262_144,
    labels: true,
    helpers: [
      { name: 'ftp', protocol: 'tcp', expects: 1 },
      { name: 'sip', protocol: 'udp', expects: 4 },
      { name: 'tftp', protocol: 'udp', expects: 1 },
    ],
    privileged: true,
    cpus: 2,
    now: 1_767_225_600_000_000_000n,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  }
}

/** Whether there is a helper of this name for connections of the protocol. */
export function canHelp({ helpers }: Required<KernelSettings>, name: string, protocol: Protocol): boolean {
  return helpers.some((helper) => helper.name === name && helper.protocol === protocol.name)
}
