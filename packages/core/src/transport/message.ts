import { MalformedMessageError } from '../errors.ts'

// linux/netlink.h. Numbers are in the host's order, and hosts are little-endian; attributes bring their own order.

/** Length of nlmsghdr: u32 length, u16 type, u16 flags, u32 sequence number, u32 port id. */
export const NLMSG_HDRLEN = 16
/** Length of nlmsghdr and of the nfgenmsg that follows it in every message of nfnetlink: u8 family, u8 version, be16 res_id. */
export const HEADER_LENGTH = 20

/** NLMSG_ERROR: a negative errno, or 0 for an acknowledgement, and the header of the request. */
export const NLMSG_ERROR = 2
/** NLMSG_DONE: the end of a dump. */
export const NLMSG_DONE = 3
/** NLMSG_OVERRUN: messages were lost. */
export const NLMSG_OVERRUN = 4
/** NLMSG_MIN_TYPE: below are the messages of netlink itself. */
export const NLMSG_MIN_TYPE = 16

/** NLM_F_REQUEST: every request has it. */
export const NLM_F_REQUEST = 0x01
/** NLM_F_MULTI: one message of a list that NLMSG_DONE ends. */
export const NLM_F_MULTI = 0x02
/** NLM_F_ACK: answer with NLMSG_ERROR 0 when it is done. */
export const NLM_F_ACK = 0x04
/** NLM_F_DUMP_INTR: the table changed while it was dumped. */
export const NLM_F_DUMP_INTR = 0x10
/** NLM_F_DUMP (NLM_F_ROOT and NLM_F_MATCH), asking: the whole table. */
export const NLM_F_DUMP = 0x300
/** NLM_F_EXCL, creating: EEXIST when it is there. */
export const NLM_F_EXCL = 0x200
/** NLM_F_CREATE, creating: make it when it is not there. */
export const NLM_F_CREATE = 0x400
/** NLM_F_CAPPED, in an answer of type NLMSG_ERROR: of the request only its header is repeated. */
export const NLM_F_CAPPED = 0x100
/** NLM_F_ACK_TLVS, in NLMSG_ERROR or NLMSG_DONE: attributes follow that explain it. */
export const NLM_F_ACK_TLVS = 0x200

/** What stands in a request's header besides its length. */
export interface Header {
  /** Subsystem << 8 | message: NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET is 0x0101. */
  readonly type: number
  readonly flags: number
  /** nlmsg_seq; the answers repeat it. */
  readonly sequence: number
  /** nfgen_family: AF_INET, AF_INET6 or 0 for any. */
  readonly family: number
  /** nfgenmsg's version: 0 if absent. */
  readonly version?: number
  /** res_id: 0 if absent. */
  readonly resource?: number
}

/** Writes nlmsghdr and nfgenmsg of a message of `length` bytes, these 20 included, at `at`. The port id stays 0: the kernel knows. */
export function header(
  bytes: Uint8Array,
  at: number,
  length: number,
  { type, flags, sequence, family, version = 0, resource = 0 }: Header,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, HEADER_LENGTH)
  view.setUint32(0, length, true)
  view.setUint16(4, type, true)
  view.setUint16(6, flags, true)
  view.setUint32(8, sequence, true)
  view.setUint32(12, 0, true)
  view.setUint8(16, family)
  view.setUint8(17, version)
  view.setUint16(18, resource)
}

/**
 * One step of the walk through a datagram: the end of the message that starts at `at`. The next one starts at `align(end)`.
 *
 * `words` are the datagram's bytes as 32-bit numbers, `size` its length in bytes, `at` a multiple of 4.
 *
 * @throws MalformedMessageError when the message is shorter than its header, or longer than what is left.
 */
export function messageEnd(words: Int32Array, at: number, size: number): number {
  const left = size - at
  // Of less than a header not even the length is there.
  const length = left < NLMSG_HDRLEN ? left : words[at >> 2]
  if (length < NLMSG_HDRLEN || length > left) throw malformed(length, left, at)
  return at + length
}

/** NLMSG_ALIGN: the next multiple of 4. */
export function align(length: number): number {
  return (length + 3) & ~3
}

// Away from the walk itself, which is small enough that it costs no call.
function malformed(length: number, left: number, at: number): MalformedMessageError {
  return new MalformedMessageError(`a netlink message of ${length >>> 0} bytes where ${left} are left`, at)
}
