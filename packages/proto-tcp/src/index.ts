import { attribute, enumeration, oppositePorts, portOptions, ports, protocol, STATE_USE, u8, within } from '@conntrack/core/plugin'
import { type WindowFlags, windowFlags } from './flags.ts'

/** enum tcp_conntrack, the states of a connection as the kernel sees it pass by; SYN_SENT2 was once called LISTEN. */
const state = enumeration(
  'TCP state',
  ['NONE', 'SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE', 'SYN_SENT2'],
  { LISTEN: 'SYN_SENT2' },
)

/** States in which the connection is about to end, so that the kernel is told of it when such a flow is made. */
const CLOSING: readonly (string | undefined)[] = ['TIME_WAIT', 'CLOSE', 'SYN_SENT2']

/** IPPROTO_TCP. */
export const tcp = protocol({
  name: 'tcp',
  number: 6,
  tuple: ports,
  labels: { sourcePort: 'sport', destinationPort: 'dport' },
  protoinfo: within(1, 'CTA_PROTOINFO_TCP', {
    state: attribute(1, 'CTA_PROTOINFO_TCP_STATE', state),
    windowScaleOriginal: attribute(2, 'CTA_PROTOINFO_TCP_WSCALE_ORIGINAL', u8),
    windowScaleReply: attribute(3, 'CTA_PROTOINFO_TCP_WSCALE_REPLY', u8),
    flagsOriginal: attribute(4, 'CTA_PROTOINFO_TCP_FLAGS_ORIGINAL', windowFlags),
    flagsReply: attribute(5, 'CTA_PROTOINFO_TCP_FLAGS_REPLY', windowFlags),
  }),
  state: 'state',
  options: [
    ...portOptions,
    { names: ['state'], argument: 'STATE', help: 'state of the connection, such as ESTABLISHED', sets: 'state', use: STATE_USE },
  ],
  opposite: oppositePorts,
  /**
   * A flow made by hand has no history of windows: BE_LIBERAL tells the kernel not to judge by it. WINDOW_SCALE is what the kernel
   * wants to take the two scales. Flags as a list tells them, with no mask, would change nothing, and count as not given.
   */
  complete(flow) {
    const isScaled = flow.windowScaleOriginal !== undefined && flow.windowScaleReply !== undefined
    const flags: WindowFlags['flags'] = [
      'SACK_PERM',
      'BE_LIBERAL',
      ...(CLOSING.includes(flow.state) ? (['CLOSE_INIT'] as const) : []),
      ...(isScaled ? (['WINDOW_SCALE'] as const) : []),
    ]
    const wanted = (given: WindowFlags | undefined): WindowFlags =>
      given === undefined || given.mask.length === 0 ? { flags, mask: flags } : given
    return { ...flow, flagsOriginal: wanted(flow.flagsOriginal), flagsReply: wanted(flow.flagsReply) }
  },
})
