import { bytes, type Kind } from '../schema/kinds.ts'

const CTA_PROTO_NUM = 1
const NLA_HDRLEN = 4
const NLA_TYPE_MASK = 0x3fff

/** Attributes one after the other, without the protocol's number, which has a field of its own. */
function besideNumber(source: Uint8Array, start: number, length: number): Uint8Array {
  const kept: number[] = []
  for (let at = start; at + NLA_HDRLEN <= start + length; ) {
    const size = source[at] | (source[at + 1] << 8)
    const next = Math.min(at + ((Math.max(size, NLA_HDRLEN) + 3) & ~3), start + length)
    const type = (source[at + 2] | (source[at + 3] << 8)) & NLA_TYPE_MASK
    if (type !== CTA_PROTO_NUM) kept.push(...source.subarray(at, next))
    at = next
  }
  return Uint8Array.from(kept)
}

/** What CTA_TUPLE_PROTO has beside the protocol's number, for those who do not know what it is: attributes, as bytes. */
export const layer4: Kind<Uint8Array> = {
  ...bytes,
  name: 'layer4',
  read: besideNumber,
  print(text, source, at, length) {
    const rest = besideNumber(source, at, length)
    text.hexBytes(rest, 0, rest.length)
  },
  json(text, source, at, length) {
    const rest = besideNumber(source, at, length)
    bytes.json(text, rest, 0, rest.length)
  },
}
