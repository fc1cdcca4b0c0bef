import { align, HEADER_LENGTH, NLM_F_ACK, NLMSG_ERROR, NLMSG_HDRLEN } from '../src/transport/message.ts'
import type { NetlinkSocket, SocketBuffers } from '../src/transport/socket.ts'

export { ack, control, datagram, done, error, message } from '../src/testing/answers.ts'

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
