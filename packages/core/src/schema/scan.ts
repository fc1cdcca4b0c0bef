import { MalformedMessageError } from '../errors.ts'
import type { ScanNode } from './layout.ts'

/** Bytes of an attribute's header, struct nlattr: u16 length, u16 type, both in host order. */
const NLA_HDRLEN = 4
/** Type without the bits NLA_F_NESTED (0x8000) and NLA_F_NET_BYTEORDER (0x4000). */
const NLA_TYPE_MASK = 0x3fff

/**
 * Notes for every attribute between `at` and `end` that `node` knows where its payload begins: `slots[node.slot]`.
 * Unknown attributes are skipped, and so are those too short for their kind. The caller has filled `slots` with 0.
 * @throws MalformedMessageError where an attribute's length is less than its header or more than what is left
 */
export function scan(bytes: Uint8Array, at: number, end: number, node: ScanNode, slots: Int32Array): void {
  const { children } = node
  while (end - at >= NLA_HDRLEN) {
    const length = bytes[at] | (bytes[at + 1] << 8)
    if (length < NLA_HDRLEN || length > end - at) throw new MalformedMessageError('attribute length', at)
    const child = children[(bytes[at + 2] | (bytes[at + 3] << 8)) & NLA_TYPE_MASK]
    if (child !== undefined && length - NLA_HDRLEN >= child.minimum) {
      slots[child.slot] = at + NLA_HDRLEN
      if (child.children.length > 0) scan(bytes, at + NLA_HDRLEN, at + length, child, slots)
    }
    at += (length + 3) & ~3
  }
}

/** Bytes of the payload that begins at `at`, as its header says: valid for offsets that {@link scan} noted. */
export function payloadLength(bytes: Uint8Array, at: number): number {
  return (bytes[at - 4] | (bytes[at - 3] << 8)) - NLA_HDRLEN
}
