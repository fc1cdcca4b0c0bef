/**
 * TCP.
 * @module @conntrack/proto-tcp
 */
import {
  attribute,
  enumeration,
  oppositePorts,
  portOptions,
  ports,
  PROPERTY_USE,
  protocol,
  type Protocol,
  STATE_USE,
  u8,
  within,
} from '@conntrack/core/plugin'
import { type WindowFlags, windowFlags, withFlag } from './flags.ts'

/** enum tcp_conntrack, the states of a connection as the kernel sees it pass by; SYN_SENT2 was once called LISTEN. */
const state = enumeration(
  'TCP state',
  ['NONE', 'SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE', 'SYN_SENT2'],
  { LISTEN: 'SYN_SENT2' },
)

/** States in which the connection is about to end, so that the kernel is told of it when such a flow is made. */
const CLOSING: readonly (string | undefined)[] = ['TIME_WAIT', 'CLOSE', 'SYN_SENT2']

/** What an option calls a direction, and the fields of it. */
const directions = [
  { end: 'orig', where: 'the original direction', scale: 'windowScaleOriginal', flags: 'flagsOriginal' },
  { end: 'reply', where: 'the reply direction', scale: 'windowScaleReply', flags: 'flagsReply' },
] as const

/** What a flow may have to do with windows. */
interface Windows {
  readonly windowScaleOriginal?: number
  readonly windowScaleReply?: number
  readonly flagsOriginal?: WindowFlags
  readonly flagsReply?: WindowFlags
}

const isScaled = ({ windowScaleOriginal, windowScaleReply }: Windows): boolean =>
  windowScaleOriginal !== undefined || windowScaleReply !== undefined

/** Window scales as the kernel takes them: both, and with WINDOW_SCALE among the flags. Without a scale nothing is added. */
function scaled<Given extends Windows>(given: Given): Given {
  if (!isScaled(given)) return given
  const { windowScaleOriginal = 0, windowScaleReply = 0, flagsOriginal, flagsReply } = given
  const windowScale = { flagsOriginal: withFlag(flagsOriginal, 'WINDOW_SCALE'), flagsReply: withFlag(flagsReply, 'WINDOW_SCALE') }
  return { ...given, windowScaleOriginal, windowScaleReply, ...windowScale }
}

/** What CTA_PROTOINFO has of TCP. */
const protoinfo = within(1, 'CTA_PROTOINFO_TCP', {
  /** The state as the kernel sees the connection pass by, as in enum tcp_conntrack (CTA_PROTOINFO_TCP_STATE). */
  state: attribute(1, 'CTA_PROTOINFO_TCP_STATE', state),
  /** Bits that windows in the original direction are shifted by (CTA_PROTOINFO_TCP_WSCALE_ORIGINAL). */
  windowScaleOriginal: attribute(2, 'CTA_PROTOINFO_TCP_WSCALE_ORIGINAL', u8),
  /** The same in the reply direction (CTA_PROTOINFO_TCP_WSCALE_REPLY). */
  windowScaleReply: attribute(3, 'CTA_PROTOINFO_TCP_WSCALE_REPLY', u8),
  /** What was seen of who began, as IP_CT_TCP_FLAG_*, and which of them a change is about (CTA_PROTOINFO_TCP_FLAGS_ORIGINAL). */
  flagsOriginal: attribute(4, 'CTA_PROTOINFO_TCP_FLAGS_ORIGINAL', windowFlags),
  /** The same of who answers (CTA_PROTOINFO_TCP_FLAGS_REPLY). */
  flagsReply: attribute(5, 'CTA_PROTOINFO_TCP_FLAGS_REPLY', windowFlags),
})

/** The type of {@link tcp}: `Flow<Tcp>` is a flow of TCP. */
export interface Tcp extends Protocol<'tcp', typeof ports, typeof protoinfo> {}

/** IPPROTO_TCP. */
export const tcp: Tcp = protocol({
  name: 'tcp',
  number: 6,
  isBuiltIn: true,
  tuple: ports,
  labels: { sourcePort: 'sport', destinationPort: 'dport' },
  protoinfo,
  state: 'state',
  options: [
    ...portOptions,
    { names: ['state'], argument: 'STATE', help: 'state of the connection, such as ESTABLISHED', sets: 'state', use: STATE_USE },
    ...directions.flatMap(({ end, where, scale, flags }) => [
      {
        names: [`${end}-wscale`] as const,
        argument: 'BITS',
        help: `window scale of ${where}`,
        sets: scale,
        use: PROPERTY_USE,
        isOurs: true,
        saved: 'unless zero' as const,
      },
      // Flags are what the kernel has made of the packets so far: complete() gives a restored flow those that suit a new start.
      {
        names: [`${end}-flags`] as const,
        argument: 'FLAGS[/MASK]',
        help: `flags of ${where}, such as BE_LIBERAL`,
        sets: flags,
        use: PROPERTY_USE,
        isOurs: true,
        saved: 'never' as const,
      },
    ]),
  ],
  opposite: oppositePorts,
  /**
   * A flow made by hand has no history of windows: BE_LIBERAL tells the kernel not to judge by it. Flags as a list tells them, with no
   * mask, would change nothing, and count as not given.
   */
  complete(flow) {
    const flags: WindowFlags['flags'] = ['SACK_PERM', 'BE_LIBERAL', ...(CLOSING.includes(flow.state) ? (['CLOSE_INIT'] as const) : [])]
    const wanted = (given: WindowFlags | undefined): WindowFlags =>
      given === undefined || given.mask.length === 0 ? { flags, mask: flags } : given
    return scaled({ ...flow, flagsOriginal: wanted(flow.flagsOriginal), flagsReply: wanted(flow.flagsReply) })
  },
  /** The kernel takes both window scales or none. */
  amend: (change, { windowScaleOriginal, windowScaleReply }) =>
    isScaled(change) ? scaled({ windowScaleOriginal, windowScaleReply, ...change }) : change,
})
