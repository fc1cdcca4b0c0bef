import {
  align,
  HEADER_LENGTH,
  header,
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
} from '../src/transport/message.ts'
import type { NetlinkSocket, SocketBuffers } from '../src/transport/socket.ts'

/** A request as the scripted kernel sees it. */
export interface ScriptedRequest {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly family: number
  readonly version: number
  readonly resource: number
  /** The attributes. */
  readonly body: Uint8Array
  /** The whole message. */
  readonly bytes: Uint8Array
  /** Which of the kernel's sockets it came through: 0 is the first that was opened. */
  readonly socket: number
}

/** What the kernel answers: one datagram an element; an Error is thrown by receive() in its place. */
export type Datagrams = Iterable<Uint8Array | Error>

/** A function that opens scripted sockets, and the sockets it opened. */
export interface ScriptedKernel {
  (): NetlinkSocket
  readonly sockets: ScriptedSocket[]
}

/** A socket at whose other end a function sits. */
export interface ScriptedSocket extends NetlinkSocket {
  readonly closed: boolean
}

/**
 * A kernel that is one function: request -> datagrams. It makes them as they are received, so a generator can be endless.
 * To receive more than it gives is an error, where a real kernel would let us wait for ever.
 */
export function scriptedKernel(
  answer: (request: ScriptedRequest) => Datagrams,
  buffers: SocketBuffers = { send: 212992, receive: 212992 },
): ScriptedKernel {
  const sockets: ScriptedSocket[] = []
  const open = (): NetlinkSocket => {
    const number = sockets.length
    let waiting: Iterator<Uint8Array | Error>[] = []
    let closed = false
    const assertOpen = (): void => {
      if (closed) throw new Error('this netlink socket is closed')
    }
    const socket: ScriptedSocket = {
      portId: 1000 + number,
      get closed() {
        return closed
      },
      send(bytes) {
        assertOpen()
        if (bytes.length > buffers.send - 32) throw new Error(`EMSGSIZE: ${bytes.length} bytes`)
        for (const request of messages(bytes.slice())) waiting.push(asked(answer(parse(request, number)), request)[Symbol.iterator]())
      },
      receive(into) {
        assertOpen()
        for (;;) {
          if (waiting.length === 0) throw new Error('the scripted kernel has nothing more to say')
          const { done, value } = waiting[0].next()
          if (done) {
            waiting = waiting.slice(1)
            continue
          }
          if (value instanceof Error) throw value
          into.set(value)
          return value.length
        }
      },
      buffers: () => buffers,
      close() {
        closed = true
      },
      [Symbol.dispose]() {
        closed = true
      },
    }
    sockets.push(socket)
    return socket
  }
  return Object.assign(open, { sockets })
}

/** The messages of a datagram. */
function messages(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer)
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at, true)
    if (length < HEADER_LENGTH || length > bytes.length - at)
      throw new Error(`nlmsg_len ${length} where ${bytes.length - at} bytes are left`)
    parts.push(bytes.slice(at, at + length))
    at += align(length)
  }
  return parts
}

/** An acknowledgement is sent to those who ask for it. */
function asked(datagrams: Datagrams, request: Uint8Array): Datagrams {
  if (request[6] & NLM_F_ACK || !Array.isArray(datagrams)) return datagrams
  return datagrams.filter((one) => one instanceof Error || !isAck(one))
}

function isAck(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return view.getUint16(4, true) === NLMSG_ERROR && view.getInt32(NLMSG_HDRLEN, true) === 0
}

function parse(bytes: Uint8Array, socket: number): ScriptedRequest {
  const view = new DataView(bytes.buffer)
  return {
    type: view.getUint16(4, true),
    flags: view.getUint16(6, true),
    sequence: view.getUint32(8, true),
    family: view.getUint8(16),
    version: view.getUint8(17),
    resource: view.getUint16(18),
    body: bytes.subarray(HEADER_LENGTH),
    bytes,
    socket,
  }
}

/** A message of nfnetlink; a dump's by its flags, unless they are given. */
export function message(fields: {
  readonly type: number
  readonly sequence: number
  readonly flags?: number
  readonly family?: number
  readonly version?: number
  readonly resource?: number
  readonly body?: Uint8Array
}): Uint8Array {
  const { body = new Uint8Array(0), flags = NLM_F_MULTI, family = 2 } = fields
  const bytes = new Uint8Array(HEADER_LENGTH + body.length)
  header(bytes, 0, bytes.length, { ...fields, flags, family })
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
