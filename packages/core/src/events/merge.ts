import { mergeAttributes, overlayAttributes } from '../schema/attributes.ts'
import { HEADER_LENGTH } from '../transport/message.ts'
import type { MessageView } from './message.ts'

/**
 * Two messages of one entry as one: the later's header and attributes, with those of the earlier that the later does not have, since
 * an update tells only what has changed. `flags` takes the place of the header's.
 */
export function merged(earlier: MessageView, later: MessageView, flags: number = later.flags): Uint8Array {
  const head = later.bytes.slice(later.start, later.start + HEADER_LENGTH)
  const bytes = mergeAttributes(head, earlier, later)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  view.setUint32(0, bytes.length, true)
  view.setUint16(6, flags, true)
  return bytes
}

/** Does the same in the earlier's own place, where its length is that of both as one. @returns whether it was; else only part of it is done */
export function mergedInPlace(earlier: MessageView, later: MessageView): boolean {
  // All of the header but its length.
  for (let i = 4; i < HEADER_LENGTH; i++) earlier.bytes[earlier.start + i] = later.bytes[later.start + i]
  return overlayAttributes(earlier, later)
}
