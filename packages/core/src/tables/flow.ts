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
  /** Packets that have gone by. */
  packets: always(attribute(1, 'CTA_COUNTERS_PACKETS', u64)),
  /** Bytes that have gone by, with the headers of IP. */
  bytes: always(attribute(2, 'CTA_COUNTERS_BYTES', u64)),
  /** The same in 32 bits, which old kernels send. */
  packets32: attribute(3, 'CTA_COUNTERS32_PACKETS', u32),
  /** The same in 32 bits, which old kernels send. */
  bytes32: attribute(4, 'CTA_COUNTERS32_BYTES', u32),
}

/** enum ctattr_nat: the range that a flow's address and port are rewritten to. Only sent to the kernel, which tells it by the reply's tuple. */
const nat = {
  /** The address to translate to, or the first of a range. */
  minimum: perFamily(attribute(1, 'CTA_NAT_V4_MINIP', ipv4), attribute(4, 'CTA_NAT_V6_MINIP', ipv6)),
  /** The last address of the range; the first one if absent. */
  maximum: perFamily(attribute(2, 'CTA_NAT_V4_MAXIP', ipv4), attribute(5, 'CTA_NAT_V6_MAXIP', ipv6)),
  ...within(3, 'CTA_NAT_PROTO', {
    /** The port to translate to, or the first of a range; the kernel chooses if absent. */
    minimumPort: attribute(1, 'CTA_PROTONAT_PORT_MIN', port),
    /** The last port of the range; the first one if absent. */
    maximumPort: attribute(2, 'CTA_PROTONAT_PORT_MAX', port),
  }),
}

/** enum ctattr_seqadj: how far a NAT helper has moved TCP's sequence numbers. */
const sequenceAdjustment = {
  /** The sequence number from which on the second offset holds. */
  correctionPosition: attribute(1, 'CTA_SEQADJ_CORRECTION_POS', u32),
  /** What is added to sequence numbers before that place. */
  offsetBefore: attribute(2, 'CTA_SEQADJ_OFFSET_BEFORE', u32),
  /** What is added to sequence numbers from that place on. */
  offsetAfter: attribute(3, 'CTA_SEQADJ_OFFSET_AFTER', u32),
}

/** enum ctattr_synproxy. */
const synproxy = {
  /** The sequence number that the server began with. */
  initialSequence: attribute(1, 'CTA_SYNPROXY_ISN', u32),
  /** The timestamp that the proxy has given the client. */
  initialTimestamp: attribute(2, 'CTA_SYNPROXY_ITS', u32),
  /** What is added to the timestamps of the server. */
  timestampOffset: attribute(3, 'CTA_SYNPROXY_TSOFF', u32),
}

/** enum ctattr_timestamp. */
const timestamp = {
  /** Nanoseconds since 1970. */
  start: attribute(1, 'CTA_TIMESTAMP_START', u64),
  /** Nanoseconds since 1970; only of a flow that has ended. */
  stop: attribute(2, 'CTA_TIMESTAMP_STOP', u64),
}

/** enum ctattr_help. */
const helper = {
  /** As in `nf_conntrack_ftp`: ftp. */
  name: attribute(1, 'CTA_HELP_NAME', string),
  /** What the helper keeps, as bytes. */
  info: attribute(2, 'CTA_HELP_INFO', bytes),
}

/** enum ctattr_filter. */
const filter = {
  /** Bits of CTA_FILTER_F_* for the original direction. */
  originalFlags: attribute(1, 'CTA_FILTER_ORIG_FLAGS', hostU32),
  /** Bits of CTA_FILTER_F_* for the reply direction. */
  replyFlags: attribute(2, 'CTA_FILTER_REPLY_FLAGS', hostU32),
}

/** enum ctattr_secctx. */
const securityContext = { name: attribute(1, 'CTA_SECCTX_NAME', string) }

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
    /** Packets in the direction of the first one (CTA_TUPLE_ORIG). */
    original: always(nest(1, 'CTA_TUPLE_ORIG', tupleOf(layer4))),
    /** Packets that answer: where the original direction is translated, other addresses and ports (CTA_TUPLE_REPLY). */
    reply: always(nest(2, 'CTA_TUPLE_REPLY', tupleOf(layer4))),
    /** The zone of both directions, which tells equal tuples apart (CTA_ZONE); 0 if absent. */
    zone: attribute(18, 'CTA_ZONE', u16),
    /** Seconds until it ends, if no packet comes (CTA_TIMEOUT). Offloaded flows have none. */
    timeout: attribute(7, 'CTA_TIMEOUT', seconds),
    ...within(4, 'CTA_PROTOINFO', protoinfo),
    /** Bits of enum ip_conntrack_status, without IPS_ (CTA_STATUS): SEEN_REPLY, ASSURED, SRC_NAT, … */
    status: attribute(3, 'CTA_STATUS', status),
    /** The mark that rules and programs use, 32 bits (CTA_MARK). */
    mark: attribute(8, 'CTA_MARK', u32),
    /** The bits of the mark that a change is about; all if absent (CTA_MARK_MASK). */
    markMask: attribute(21, 'CTA_MARK_MASK', u32),
    /** The status bits that a filter of the kernel looks at (CTA_STATUS_MASK). */
    statusMask: attribute(26, 'CTA_STATUS_MASK', status),
    /** Packets and bytes in the original direction, if net.netfilter.nf_conntrack_acct is 1; in events only at the end (CTA_COUNTERS_ORIG). */
    originalCounters: fromKernel(nest(9, 'CTA_COUNTERS_ORIG', counters)),
    /** The same in the reply direction (CTA_COUNTERS_REPLY). */
    replyCounters: fromKernel(nest(10, 'CTA_COUNTERS_REPLY', counters)),
    /** When it began and ended, if net.netfilter.nf_conntrack_timestamp is 1 (CTA_TIMESTAMP). */
    timestamp: fromKernel(nest(20, 'CTA_TIMESTAMP', timestamp)),
    /** When an event happened, in nanoseconds since 1970 (CTA_TIMESTAMP_EVENT). */
    eventTimestamp: fromKernel(attribute(27, 'CTA_TIMESTAMP_EVENT', u64)),
    /** The module that looks into the connection for others to expect (CTA_HELP). Only a new flow can be given one. */
    helper: nest(5, 'CTA_HELP', helper),
    /** What a new flow's source is translated to (CTA_NAT_SRC). The kernel tells it by the reply direction. */
    sourceNat: nest(6, 'CTA_NAT_SRC', nat),
    /** What a new flow's destination is translated to (CTA_NAT_DST). The kernel tells it by the reply direction. */
    destinationNat: nest(13, 'CTA_NAT_DST', nat),
    /** The connection because of which this one was expected: its original direction (CTA_TUPLE_MASTER). */
    master: nest(14, 'CTA_TUPLE_MASTER', tupleOf(ports)),
    /** How far a NAT helper has moved TCP's sequence numbers in the original direction (CTA_SEQ_ADJ_ORIG). */
    originalSequenceAdjustment: nest(15, 'CTA_SEQ_ADJ_ORIG', sequenceAdjustment),
    /** The same in the reply direction (CTA_SEQ_ADJ_REPLY). */
    replySequenceAdjustment: nest(16, 'CTA_SEQ_ADJ_REPLY', sequenceAdjustment),
    /** What SYNPROXY keeps of a connection that it has answered for the server (CTA_SYNPROXY). */
    synproxy: nest(24, 'CTA_SYNPROXY', synproxy),
    /** The security mark as a number, of old kernels (CTA_SECMARK). */
    secmark: fromKernel(attribute(17, 'CTA_SECMARK', u32)),
    /** The security context (CTA_SECCTX). */
    securityContext: fromKernel(nest(19, 'CTA_SECCTX', securityContext)),
    /** Connection labels: 128 bits as bytes, bit 0 in the first byte (CTA_LABELS). */
    labels: attribute(22, 'CTA_LABELS', bytes),
    /** The labels that a change is about; all if absent (CTA_LABELS_MASK). */
    labelsMask: attribute(23, 'CTA_LABELS_MASK', bytes),
    /** What of the tuples a filter of the kernel compares (CTA_FILTER); the SDK fills it in. */
    filter: nest(25, 'CTA_FILTER', filter),
    /** The kernel's number of this entry, random, the same as long as it lives (CTA_ID). */
    id: attribute(12, 'CTA_ID', u32),
    /** How many parts of the kernel hold it (CTA_USE). */
    use: fromKernel(attribute(11, 'CTA_USE', u32)),
  }
}
