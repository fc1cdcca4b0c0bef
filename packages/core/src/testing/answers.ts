import {
  align,
  HEADER_LENGTH,
  header,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
} from '../transport/message.ts'

/** A message of nfnetlink as the kernel sends it; a dump's by its flags, unless they are given. */
export function message(fields: {
  readonly type: number
  readonly sequence: number
  readonly flags?: number
  readonly family?: number
  readonly version?: number
  readonly resource?: number
  /** nlmsg_pid: on whose behalf it is sent; 0 if absent. */
  readonly portId?: number
  readonly body?: Uint8Array
}): Uint8Array {
  const { body = new Uint8Array(0), flags = NLM_F_MULTI, family = 2, portId = 0 } = fields
  const bytes = new Uint8Array(HEADER_LENGTH + body.length)
  header(bytes, 0, bytes.length, { ...fields, flags, family })
  new DataView(bytes.buffer).setUint32(12, portId, true)
  bytes.set(body, HEADER_LENGTH)
  return bytes
}

/** What an error or a DONE says beside its number: NLMSGERR_ATTR_MSG and NLMSGERR_ATTR_OFFS. */
export interface Explanation {
  readonly detail?: string
  readonly offset?: number
}

/** NLMSG_DONE: the end of a dump. `errno` is positive, 0 if all went well. */
export function done(
  sequence: number,
  errno: number = 0,
  { flags = 0, ...explanation }: Explanation & { flags?: number } = {},
): Uint8Array {
  const attributes = explain(explanation)
  return control(NLMSG_DONE, NLM_F_MULTI | flags | (attributes.length > 0 ? NLM_F_ACK_TLVS : 0), sequence, int32(-errno), attributes)
}

/** NLMSG_ERROR 0: the acknowledgement. */
export function ack(sequence: number): Uint8Array {
  return error(sequence, 0)
}

/** NLMSG_ERROR, `errno` positive. It repeats the request's header or, when `request` is given, all of the request. */
export function error(
  sequence: number,
  errno: number,
  { request, ...explanation }: Explanation & { request?: Uint8Array } = {},
): Uint8Array {
  const attributes = explain(explanation)
  const repeated = request ?? new Uint8Array(NLMSG_HDRLEN)
  const flags = (request === undefined ? NLM_F_CAPPED : 0) | (attributes.length > 0 ? NLM_F_ACK_TLVS : 0)
  return control(NLMSG_ERROR, flags, sequence, int32(-errno), repeated, attributes)
}

/** Puts messages into one datagram, each but the last padded to a multiple of 4 bytes. */
export function datagram(...messages: readonly Uint8Array[]): Uint8Array {
  const last = messages.at(-1)?.length ?? 0
  const bytes = new Uint8Array(messages.slice(0, -1).reduce((sum, { length }) => sum + align(length), last))
  let at = 0
  for (const one of messages) {
    bytes.set(one, at)
    at += align(one.length)
  }
  return bytes
}

/** A message of netlink itself: nlmsghdr and parts, each padded to a multiple of 4 bytes. */
export function control(type: number, flags: number, sequence: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const payload = datagram(...parts, new Uint8Array(0))
  const bytes = new Uint8Array(NLMSG_HDRLEN + payload.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, bytes.length, true)
  view.setUint16(4, type, true)
  view.setUint16(6, flags, true)
  view.setUint32(8, sequence, true)
  bytes.set(payload, NLMSG_HDRLEN)
  return bytes
}

function explain({ detail, offset }: Explanation): Uint8Array {
  const attributes: Uint8Array[] = []
  if (detail !== undefined) attributes.push(attribute(1, new TextEncoder().encode(`${detail}\0`)))
  if (offset !== undefined) attributes.push(attribute(2, int32(offset)))
  return datagram(...attributes, new Uint8Array(0))
}

function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + value.length)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, bytes.length, true)
  view.setUint16(2, type, true)
  bytes.set(value, 4)
  return bytes
}

function int32(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer)
}
