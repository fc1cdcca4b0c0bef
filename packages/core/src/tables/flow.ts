import { bits, bytes, hostU32, ipv4, ipv6, port, seconds, string, u16, u32, u64 } from '../schema/kinds.ts'
import { always, attribute, fromKernel, nest, perFamily, type Table, within } from '../schema/table.ts'
import { ports, tupleOf } from './tuple.ts'

/** enum ip_conntrack_status, lowest bit first: IPS_EXPECTED, IPS_SEEN_REPLY, … */
export const STATUS_BITS = [
  'EXPECTED',
  'SEEN_REPLY',
  'ASSURED',
  'CONFIRMED',
  'SRC_NAT',
  'DST_NAT',
  'SEQ_ADJUST',
  'SRC_NAT_DONE',
  'DST_NAT_DONE',
  'DYING',
  'FIXED_TIMEOUT',
  'TEMPLATE',
  'NAT_CLASH',
  'HELPER',
  'OFFLOAD',
  'HW_OFFLOAD',
] as const

const status = bits('status', 4, STATUS_BITS)

/** enum ctattr_counters: only there when net.netfilter.nf_conntrack_acct is 1. */
const counters = {
  packets: always(attribute(1, 'CTA_COUNTERS_PACKETS', u64)),
  bytes: always(attribute(2, 'CTA_COUNTERS_BYTES', u64)),
  packets32: attribute(3, 'CTA_COUNTERS32_PACKETS', u32),
  bytes32: attribute(4, 'CTA_COUNTERS32_BYTES', u32),
}

/** enum ctattr_nat: the range that a flow's address and port are rewritten to. Only sent to the kernel, which tells it by the reply's tuple. */
const nat = {
  minimum: perFamily(attribute(1, 'CTA_NAT_V4_MINIP', ipv4), attribute(4, 'CTA_NAT_V6_MINIP', ipv6)),
  maximum: perFamily(attribute(2, 'CTA_NAT_V4_MAXIP', ipv4), attribute(5, 'CTA_NAT_V6_MAXIP', ipv6)),
  ...within(3, 'CTA_NAT_PROTO', {
    minimumPort: attribute(1, 'CTA_PROTONAT_PORT_MIN', port),
    maximumPort: attribute(2, 'CTA_PROTONAT_PORT_MAX', port),
  }),
}

/** enum ctattr_seqadj: how far a NAT helper has moved TCP's sequence numbers. */
const sequenceAdjustment = {
  correctionPosition: attribute(1, 'CTA_SEQADJ_CORRECTION_POS', u32),
  offsetBefore: attribute(2, 'CTA_SEQADJ_OFFSET_BEFORE', u32),
  offsetAfter: attribute(3, 'CTA_SEQADJ_OFFSET_AFTER', u32),
}

/** enum ctattr_synproxy. */
const synproxy = {
  initialSequence: attribute(1, 'CTA_SYNPROXY_ISN', u32),
  initialTimestamp: attribute(2, 'CTA_SYNPROXY_ITS', u32),
  timestampOffset: attribute(3, 'CTA_SYNPROXY_TSOFF', u32),
}

/**
 * Fields that the kernel tells in lists and in events, but not in that of a flow's end (ctnetlink_conntrack_event). A condition on one
 * cannot be decided there.
 */
export const UNTOLD_AT_END: readonly string[] = [
  'helper',
  'labels',
  'master',
  'originalSequenceAdjustment',
  'replySequenceAdjustment',
  'secmark',
  'securityContext',
  'synproxy',
]

/**
 * enum ctattr_type: an entry of the connection table. `layer4` and `protoinfo` are the protocol's parts of CTA_TUPLE_PROTO and
 * CTA_PROTOINFO. Times are nanoseconds since 1970, `timeout` seconds from now.
 */
export function flowTable<L4 extends Table, Info extends Table>(layer4: L4, protoinfo: Info) {
  return {
    original: always(nest(1, 'CTA_TUPLE_ORIG', tupleOf(layer4))),
    reply: always(nest(2, 'CTA_TUPLE_REPLY', tupleOf(layer4))),
    zone: attribute(18, 'CTA_ZONE', u16),
    timeout: attribute(7, 'CTA_TIMEOUT', seconds),
    ...within(4, 'CTA_PROTOINFO', protoinfo),
    status: attribute(3, 'CTA_STATUS', status),
    mark: attribute(8, 'CTA_MARK', u32),
    markMask: attribute(21, 'CTA_MARK_MASK', u32),
    statusMask: attribute(26, 'CTA_STATUS_MASK', status),
    originalCounters: fromKernel(nest(9, 'CTA_COUNTERS_ORIG', counters)),
    replyCounters: fromKernel(nest(10, 'CTA_COUNTERS_REPLY', counters)),
    timestamp: fromKernel(
      nest(20, 'CTA_TIMESTAMP', {
        start: attribute(1, 'CTA_TIMESTAMP_START', u64),
        stop: attribute(2, 'CTA_TIMESTAMP_STOP', u64),
      }),
    ),
    eventTimestamp: fromKernel(attribute(27, 'CTA_TIMESTAMP_EVENT', u64)),
    helper: nest(5, 'CTA_HELP', {
      name: attribute(1, 'CTA_HELP_NAME', string),
      info: attribute(2, 'CTA_HELP_INFO', bytes),
    }),
    sourceNat: nest(6, 'CTA_NAT_SRC', nat),
    destinationNat: nest(13, 'CTA_NAT_DST', nat),
    master: nest(14, 'CTA_TUPLE_MASTER', tupleOf(ports)),
    originalSequenceAdjustment: nest(15, 'CTA_SEQ_ADJ_ORIG', sequenceAdjustment),
    replySequenceAdjustment: nest(16, 'CTA_SEQ_ADJ_REPLY', sequenceAdjustment),
    synproxy: nest(24, 'CTA_SYNPROXY', synproxy),
    secmark: fromKernel(attribute(17, 'CTA_SECMARK', u32)),
    securityContext: fromKernel(nest(19, 'CTA_SECCTX', { name: attribute(1, 'CTA_SECCTX_NAME', string) })),
    labels: attribute(22, 'CTA_LABELS', bytes),
    labelsMask: attribute(23, 'CTA_LABELS_MASK', bytes),
    filter: nest(25, 'CTA_FILTER', {
      originalFlags: attribute(1, 'CTA_FILTER_ORIG_FLAGS', hostU32),
      replyFlags: attribute(2, 'CTA_FILTER_REPLY_FLAGS', hostU32),
    }),
    id: attribute(12, 'CTA_ID', u32),
    use: fromKernel(attribute(11, 'CTA_USE', u32)),
  }
}
