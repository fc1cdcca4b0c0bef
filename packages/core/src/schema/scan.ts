import { MalformedMessageError } from '../errors.ts'
import type { ScanNode } from './layout.ts'

/** Bytes of an attribute's header, struct nlattr: u16 length, u16 type, both in host order. */
const NLA_HDRLEN = 4
/** Type without the bits NLA_F_NESTED (0x8000) and NLA_F_NET_BYTEORDER (0x4000). */
const NLA_TYPE_MASK = 0x3fff

/**
 * Notes for every attribute between `at` and `end` that `node` knows where its payload begins: `slots[node.slot]`.
 * Unknown attributes are skipped, and so are those too short for their kind. The caller has filled `slots` with 0.
 * `trail` is told of every header that was looked at.
 * @throws MalformedMessageError where an attribute's length is less than its header or more than what is left
 */
export function scan(bytes: Uint8Array, at: number, end: number, node: ScanNode, slots: Int32Array, trail?: Trail): void {
  const { children } = node
  while (end - at >= NLA_HDRLEN) {
    const length = bytes[at] | (bytes[at + 1] << 8)
    if (length < NLA_HDRLEN || length > end - at) throw new MalformedMessageError('attribute length', at)
    trail?.add(at)
    const child = children[(bytes[at + 2] | (bytes[at + 3] << 8)) & NLA_TYPE_MASK]
    if (child !== undefined && length - NLA_HDRLEN >= child.minimum) {
      slots[child.slot] = at + NLA_HDRLEN
      if (child.children.length > 0) scan(bytes, at + NLA_HDRLEN, at + length, child, slots, trail)
    }
    at += (length + 3) & ~3
  }
}

/** Headers that a trail holds; a flow has about 40. */
const LIMIT = 128

/** The headers that a scan looked at, and what it found: the skeleton of a message. */
class Trail {
  /** Bytes of the message; -1 where nothing is kept. */
  length = -1
  /** Where each header stands and what it is, in 32-bit words from the message's first attribute. */
  readonly positions = new Int32Array(LIMIT)
  readonly headers = new Int32Array(LIMIT)
  count = 0
  /** The slots that were filled, and with what, in bytes from the first attribute. */
  readonly slots: Int32Array
  readonly offsets: Int32Array
  found = 0
  #at = 0

  constructor(slotCount: number) {
    this.slots = new Int32Array(slotCount)
    this.offsets = new Int32Array(slotCount)
  }

  begin(at: number): void {
    this.length = -1
    this.count = 0
    this.found = 0
    this.#at = at
  }

  add(at: number): void {
    if (this.count < LIMIT) this.positions[this.count] = (at - this.#at) >> 2
    this.count++
  }

  /** Keeps the skeleton, unless it has more bones than are looked at. */
  end(words: Int32Array, end: number, slots: Int32Array): void {
    if (this.count > LIMIT) return
    for (let i = 0; i < this.count; i++) this.headers[i] = words[(this.#at >> 2) + this.positions[i]]
    for (let slot = 0; slot < slots.length; slot++) {
      if (slots[slot] === 0) continue
      this.slots[this.found] = slot
      this.offsets[this.found++] = slots[slot] - this.#at
    }
    this.length = end - this.#at
  }

  /** Whether the message that begins at this word has the same headers in the same places, so that a scan would find the same. */
  fits(words: Int32Array, start: number): boolean {
    const { positions, headers, count } = this
    for (let i = 0; i < count; i++) if (words[start + positions[i]] !== headers[i]) return false
    return true
  }
}

/** How many skeletons are kept, by the length of the message; a table seldom has more. */
const SKELETONS = 32

/**
 * Scans messages of which most are like one before: of a flow of the same protocol, the kernel sends the same attributes at the same
 * places. Where every header is the same, what was found is the same too, and need not be looked for again.
 */
export class Scanner {
  readonly #root: ScanNode
  readonly #slots: Int32Array
  readonly #trails: (Trail | undefined)[] = []
  #current: Trail | undefined
  #bytes: Uint8Array = new Uint8Array(0)
  #words: Int32Array = new Int32Array(0)

  /** `slots` are filled by each scan. */
  constructor(root: ScanNode, slots: Int32Array) {
    this.#root = root
    this.#slots = slots
  }

  /** Does what {@link scan} does. */
  scan(bytes: Uint8Array, at: number, end: number): void {
    if (bytes !== this.#bytes) this.#look(bytes)
    const slots = this.#slots
    const trail = (this.#trails[((end - at) >> 2) % SKELETONS] ??= new Trail(slots.length))
    const isAligned = ((bytes.byteOffset | at) & 3) === 0
    if (isAligned && trail.length === end - at && trail.fits(this.#words, at >> 2)) {
      if (trail !== this.#current) slots.fill(0)
      this.#current = trail
      const { slots: filled, offsets, found } = trail
      for (let i = 0; i < found; i++) slots[filled[i]] = at + offsets[i]
      return
    }
    slots.fill(0)
    this.#current = undefined
    if (!isAligned) return scan(bytes, at, end, this.#root, slots)
    trail.begin(at)
    scan(bytes, at, end, this.#root, slots, trail)
    trail.end(this.#words, end, slots)
    this.#current = trail
  }

  #look(bytes: Uint8Array): void {
    this.#bytes = bytes
    if ((bytes.byteOffset & 3) === 0) this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
  }
}

/** Bytes of the payload that begins at `at`, as its header says: valid for offsets that a scan noted. */
export function payloadLength(bytes: Uint8Array, at: number): number {
  return (bytes[at - 4] | (bytes[at - 3] << 8)) - NLA_HDRLEN
}
