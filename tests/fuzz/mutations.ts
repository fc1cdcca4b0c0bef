import type { Random } from '../../packages/core/test/random.ts'
import type { Draft, Piece } from './draft.ts'
import { hostileWords } from './words.ts'

/** Spoils a draft in one way. `other` is another datagram of the kernel. */
type Mutation = (draft: Draft, random: Random, other: Uint8Array) => void

/** A mutation of one attribute, if there is any left. */
const ofAttribute =
  (spoil: (draft: Draft, random: Random, one: Piece, other: Uint8Array) => void): Mutation =>
  (draft, random, other) => {
    if (draft.attributes.length > 0) spoil(draft, random, random.pick(draft.attributes), other)
  }

/** A mutation of one message, if there is any left. */
const ofMessage =
  (spoil: (draft: Draft, random: Random, one: Piece) => void): Mutation =>
  (draft, random) => {
    if (draft.messages.length > 0) spoil(draft, random, random.pick(draft.messages))
  }

const attribute = (type: number, payload: Uint8Array): Uint8Array => {
  const length = payload.length + 4
  const bytes = new Uint8Array((length + 3) & ~3)
  bytes.set([length, length >> 8, type, type >> 8])
  bytes.set(payload, 4)
  return bytes
}

const inNests = (inside: Uint8Array, type: number, depth: number): Uint8Array => {
  let bytes = inside
  for (let i = 0; i < depth && bytes.length < 0xfff0; i++) bytes = attribute(type, bytes)
  return bytes
}

/** Bytes of a kind that could upset who reads them. */
function upsetting(random: Random, length: number): Uint8Array {
  const fill = random.pick([0, 0xff, 0x80, undefined])
  if (fill !== undefined) return new Uint8Array(length).fill(fill)
  if (random.oneIn(2)) return random.pick(hostileWords)
  return random.bytes(length)
}

/** Every way to spoil a datagram, by what it makes of it. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  truncated(draft, random) {
    draft.length = random.below(draft.length + 1)
  },
  'longer at its end': (draft, random) => {
    const more = random.bytes(random.pick([1, 2, 3, 4, 15, 16, 20, 64]))
    draft.replace(draft.length, 0, more, undefined)
  },
  'of another length as an attribute says': ofAttribute((draft, random, { at, length }) => {
    draft.setU16(at, random.pick([0, 1, 3, 4, 5, length - 1, length + 1, length + 4, length * 2, 0x7fff, 0xffff, random.below(0x10000)]))
  }),
  'overlapping: an attribute reaches into what follows it': ofAttribute((draft, random, { at, length, parent }) => {
    const left = (parent === undefined ? draft.length : parent.at + parent.length) - at
    draft.setU16(at, length + random.below(Math.max(1, left - length + 2)))
  }),
  'with an attribute of another type': ofAttribute((draft, random, { at }) => {
    const type = random.pick([random.below(32), random.below(32) | 0x8000, random.below(32) | 0x4000, random.below(0x10000), 0x3fff, 0])
    draft.setU16(at + 2, type)
  }),
  'without an attribute': ofAttribute((draft, _, one) => draft.replace(one.at, draft.copy(one).length, new Uint8Array(0), one.parent)),
  'with an attribute twice': ofAttribute((draft, _, one) => draft.replace(one.at, 0, draft.copy(one), one.parent)),
  'in another order': ofAttribute((draft, _, one) => {
    const copy = draft.copy(one)
    draft.replace(one.at, copy.length, new Uint8Array(0), one.parent)
    draft.look()
    const { attributes } = draft
    const before = attributes.find(({ at, parent }) => at < one.at && parent?.at === one.parent?.at) ?? attributes[0]
    if (before !== undefined) draft.replace(before.at, 0, copy, before.parent)
  }),
  'padded: *_PAD and unknown attributes': ofAttribute((draft, random, one) => {
    const type = random.pick([3, 4, 5, 28, 29, 0x3ffe, 0xbfff])
    draft.replace(one.at, 0, attribute(type, random.bytes(random.pick([0, 0, 4, 8]))), one.parent)
  }),
  'with a payload of another size': ofAttribute((draft, random, one) => {
    const payload = upsetting(random, random.pick([0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 33]))
    const copy = attribute(draft.u16(one.at + 2), payload)
    // Now and then without the padding, so that all that follows is out of line.
    const bytes = random.oneIn(4) ? copy.subarray(0, payload.length + 4) : copy
    draft.replace(one.at, draft.copy(one).length, bytes, one.parent)
  }),
  'with a payload of the same size': ofAttribute((draft, random, { at, length }) => {
    draft.bytes.set(upsetting(random, length - 4).subarray(0, length - 4), at + 4)
  }),
  'with words that upset a reader': ofAttribute((draft, random, one) => {
    draft.replace(one.at, draft.copy(one).length, attribute(draft.u16(one.at + 2), random.pick(hostileWords)), one.parent)
  }),
  'nested deeply': ofAttribute((draft, random, one) => {
    const type = random.oneIn(2) ? draft.u16(one.at + 2) | 0x8000 : 0x8001 + random.below(27)
    draft.replace(one.at, 0, inNests(draft.copy(one), type, random.pick([1, 2, 3, 10, 200])), one.parent)
  }),
  'with an attribute of another message': ofAttribute((draft, random, one, other) => {
    const from = random.below(other.length)
    draft.replace(one.at, 0, attribute(draft.u16(one.at + 2), other.subarray(from, from + random.below(200))), one.parent)
  }),
  'very long': ofAttribute((draft, random, one) => {
    if (random.oneIn(50)) draft.replace(one.at, 0, attribute(random.below(32), new Uint8Array(random.below(60000))), one.parent)
  }),
  'of another length as a message says': ofMessage((draft, random, { at, length }) => {
    const to = random.pick([
      0,
      1,
      15,
      16,
      17,
      19,
      20,
      21,
      length - 1,
      length + 1,
      length + 4,
      draft.length,
      0x7fffffff,
      0x80000000,
      0xffffffff,
    ])
    draft.setU32(at, to)
  }),
  'with another header': ofMessage((draft, random, { at }) => {
    const [offset, value] = random.pick([
      [4, random.pick([0, 1, 2, 3, 4, 15, 16, 0x0100, 0x0102, 0x0200, 0xffff])],
      [6, random.pick([0, 2, 0x10, 0x100, 0x200, 0x300, 0x302, 0xffff])],
      [8, random.below(3)],
      [12, random.below(0x10000)],
      [16, random.pick([0, 1, 2, 10, 7, 255, 0x01ff])],
      [18, random.below(0x10000)],
    ])
    if (at + offset + 2 <= draft.length) draft.setU16(at + offset, value)
  }),
  'with another error number': ofMessage((draft, random, { at, length }) => {
    if (length >= 20) draft.setU32(at + 16, random.pick([0, 1, 0xffffffff, 0xfffffffe, 0x80000000, 0x7fffffff, -4095 >>> 0, random.u32()]))
  }),
  'together with another datagram': (draft, _, other) => draft.replace(draft.length, 0, other, undefined),
  'with a message twice': ofMessage((draft, _, one) => draft.replace(one.at, 0, draft.copy(one), undefined)),
  'with bytes that flipped': (draft, random) => {
    for (let i = random.below(8); i >= 0 && draft.length > 0; i--) draft.bytes[random.below(draft.length)] = random.below(256)
  },
}

const NAMES = Object.keys(MUTATIONS)

/** Spoils a draft in one to four ways, and tells in which. */
export function spoil(draft: Draft, random: Random, other: () => Uint8Array): string[] {
  const chosen = Array.from({ length: 1 + random.below(4) }, () => random.pick(NAMES))
  for (const name of chosen) {
    MUTATIONS[name]?.(draft, random, other())
    draft.look()
  }
  return chosen
}
