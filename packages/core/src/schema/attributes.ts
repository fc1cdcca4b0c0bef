import { payloadLength } from './scan.ts'

const NLA_HDRLEN = 4
/** Type without the bits NLA_F_NESTED (0x8000) and NLA_F_NET_BYTEORDER (0x4000). */
const NLA_TYPE_MASK = 0x3fff

const typeAt = (bytes: Uint8Array, at: number): number => (bytes[at + 2] | (bytes[at + 3] << 8)) & NLA_TYPE_MASK

/** The end of the attribute at `at`, padding included; the end of all where its length cannot be. */
function next(bytes: Uint8Array, at: number, end: number): number {
  const length = bytes[at] | (bytes[at + 1] << 8)
  return length < NLA_HDRLEN ? end : Math.min(end, at + ((length + 3) & ~3))
}

/** Where the payload of the first attribute of a type between `at` and `end` begins, or 0; nests are not searched. */
export function findAttribute(bytes: Uint8Array, at: number, end: number, type: number): number {
  for (let here = at; here + NLA_HDRLEN <= end; here = next(bytes, here, end)) if (typeAt(bytes, here) === type) return here + NLA_HDRLEN
  return 0
}

/** Whether two attributes, by where their payloads begin, have the same payload. */
export function isSamePayload(one: Uint8Array, at: number, other: Uint8Array, otherAt: number): boolean {
  const length = payloadLength(one, at)
  if (length !== payloadLength(other, otherAt)) return false
  for (let i = 0; i < length; i++) if (one[at + i] !== other[otherAt + i]) return false
  return true
}

/** A stretch of bytes with attributes. */
export interface Attributes {
  readonly bytes: Uint8Array
  readonly at: number
  readonly end: number
}

/**
 * Puts the later attributes in the places of the earlier, as far as each has one there of its own length; they may be of one memory.
 * @returns whether all had, so that nothing is left to do for {@link mergeAttributes}
 */
export function overlayAttributes(earlier: Attributes, later: Attributes): boolean {
  const { bytes, at, end } = earlier
  const source = later.bytes
  let to = at
  for (let here = later.at; here + NLA_HDRLEN <= later.end; here = next(source, here, later.end)) {
    const type = typeAt(source, here)
    // Both are in the kernel's order, so it is mostly behind the one before.
    const payload = findAttribute(bytes, to, end, type) || findAttribute(bytes, at, end, type)
    const length = source[here] | (source[here + 1] << 8)
    if (payload === 0 || payloadLength(bytes, payload) !== length - NLA_HDRLEN) return false
    to = payload - NLA_HDRLEN
    // What is cut off is cut off in both.
    const copied = Math.min(length, later.end - here, end - to)
    for (let i = NLA_HDRLEN; i < copied; i++) bytes[to + i] = source[here + i]
  }
  return true
}

/** The later attributes, and those of the earlier that the later lack, behind `head`. An attribute counts as a whole, with what is nested in it. */
export function mergeAttributes(head: Uint8Array, earlier: Attributes, later: Attributes): Uint8Array {
  const length = later.end - later.at
  const merged = new Uint8Array(head.length + length + 3 + (earlier.end - earlier.at))
  merged.set(head)
  merged.set(later.bytes.subarray(later.at, later.end), head.length)
  let at = head.length + ((length + 3) & ~3)
  for (let here = earlier.at; here + NLA_HDRLEN <= earlier.end; ) {
    const end = next(earlier.bytes, here, earlier.end)
    if (findAttribute(later.bytes, later.at, later.end, typeAt(earlier.bytes, here)) === 0) {
      merged.set(earlier.bytes.subarray(here, end), at)
      at += end - here
    }
    here = end
  }
  return merged.subarray(0, at)
}
