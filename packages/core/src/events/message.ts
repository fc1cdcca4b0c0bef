import type { Message } from '../schema/entry.ts'
import type { EventType } from '../schema/event.ts'
import { HEADER_LENGTH, NLM_F_CREATE } from '../transport/message.ts'

const TYPE = 4
const FLAGS = 6
const PORT = 12
const FAMILY = 16

/** IPCTNL_MSG_CT_DELETE and IPCTNL_MSG_EXP_DELETE, without the subsystem. */
const DELETE = 2

/** What a message of the kernel's, whose header begins at `start`, tells of an entry. */
export function eventType(bytes: Uint8Array, start: number): EventType {
  if (bytes[start + TYPE] === DELETE) return 'destroy'
  return (bytes[start + FLAGS] | (bytes[start + FLAGS + 1] << 8)) & NLM_F_CREATE ? 'new' : 'update'
}

/** A message in memory, as an entry looks at it. One object serves for all messages in turn. */
export class MessageView implements Message {
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  at = 0
  end = 0
  type = 0
  flags = 0
  family = 0
  portId = 0

  /** Looks at the message whose header begins at `start`. */
  load(bytes: Uint8Array, start: number, end: number): this {
    this.bytes = bytes
    this.start = start
    this.at = start + HEADER_LENGTH
    this.end = end
    this.type = bytes[start + TYPE] | (bytes[start + TYPE + 1] << 8)
    this.flags = bytes[start + FLAGS] | (bytes[start + FLAGS + 1] << 8)
    this.portId =
      (bytes[start + PORT] | (bytes[start + PORT + 1] << 8) | (bytes[start + PORT + 2] << 16) | (bytes[start + PORT + 3] << 24)) >>> 0
    this.family = bytes[start + FAMILY]
    return this
  }
}

/** The attribute numbers by which entries are told apart: the kernel's id, which alone is not unique among millions, and the tuple. */
export interface Keys {
  readonly id: number
  readonly tuple: number
}
