import { align, NLMSG_HDRLEN, HEADER_LENGTH, NLMSG_MIN_TYPE } from '../../packages/core/src/transport/message.ts'

const NLA_HDRLEN = 4
const NLA_F_NESTED = 0x8000

/** The longest datagram that a draft becomes: what the SDK has room for. */
export const LONGEST = 65536

/** A message, or an attribute in one, as it stands in a draft. */
export interface Piece {
  /** Where its header begins. */
  readonly at: number
  /** Its length as the header says, which was found to fit. */
  readonly length: number
  /** The nest or the message that it is in; none of a message. */
  readonly parent: Piece | undefined
}

/** A datagram that is being spoilt: bytes, and the pieces that can still be told apart in them. */
export class Draft {
  readonly bytes: Uint8Array = new Uint8Array(LONGEST)
  readonly #view = new DataView(this.bytes.buffer)
  length = 0
  messages: Piece[] = []
  attributes: Piece[] = []

  /** Begins anew with these bytes. */
  start(bytes: Uint8Array): void {
    this.bytes.set(bytes)
    this.length = bytes.length
    this.look()
  }

  /** Finds the pieces again, after a change. */
  look(): void {
    this.messages = []
    this.attributes = []
    for (let at = 0; at + NLMSG_HDRLEN <= this.length; ) {
      const length = this.#view.getUint32(at, true)
      if (length < NLMSG_HDRLEN || at + length > this.length) return
      const message = { at, length, parent: undefined }
      this.messages.push(message)
      const isControl = this.u16(at + 4) < NLMSG_MIN_TYPE
      this.#lookInside(message, at + (isControl ? NLMSG_HDRLEN + 4 + NLMSG_HDRLEN : HEADER_LENGTH), at + length)
      at += align(length)
    }
  }

  #lookInside(parent: Piece, start: number, end: number): void {
    for (let at = start; at + NLA_HDRLEN <= end; ) {
      const length = this.u16(at)
      if (length < NLA_HDRLEN || at + length > end) return
      const attribute = { at, length, parent }
      this.attributes.push(attribute)
      if (this.u16(at + 2) & NLA_F_NESTED) this.#lookInside(attribute, at + NLA_HDRLEN, at + length)
      at += align(length)
    }
  }

  u16(at: number): number {
    return this.#view.getUint16(at, true)
  }

  setU16(at: number, value: number): void {
    this.#view.setUint16(at, value, true)
  }

  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true)
  }

  /**
   * Puts `bytes` in place of `removed` bytes, and makes all that is around as much longer or shorter. Nothing, where there is no room.
   * The pieces are to be looked for again behind it.
   */
  replace(at: number, removed: number, bytes: Uint8Array, inside: Piece | undefined): void {
    const change = bytes.length - removed
    if (this.length + change > LONGEST) return
    this.bytes.copyWithin(at + bytes.length, at + removed, this.length)
    this.bytes.set(bytes, at)
    this.length += change
    for (let piece = inside; piece !== undefined; piece = piece.parent) {
      if (piece.parent === undefined) this.setU32(piece.at, piece.length + change)
      else this.setU16(piece.at, piece.length + change)
    }
  }

  /** A copy of a piece, with its padding as far as it is there. */
  copy({ at, length }: Piece): Uint8Array {
    return this.bytes.slice(at, Math.min(at + align(length), this.length))
  }
}
