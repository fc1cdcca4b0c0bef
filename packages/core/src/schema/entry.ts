import { decode } from './decode.ts'
import type { Layout, Place, Shape, Variant } from './layout.ts'
import { Scanner } from './scan.ts'
import type { Text } from './text.ts'

/** One message of the kernel: attributes between `at` and `end`. */
export interface Message {
  /** The datagram. */
  readonly bytes: Uint8Array
  /** Where the attributes start. */
  readonly at: number
  /** Where they end. */
  readonly end: number
  /** Subsystem << 8 | message. */
  readonly type: number
  /** nlmsg_flags. */
  readonly flags: number
  /** nfgen_family: AF_INET 2, AF_INET6 10. */
  readonly family: number
  /** nlmsg_pid: port id of the socket on whose behalf it was sent; 0 is the kernel itself. */
  readonly portId: number
}

/**
 * A scanned message: bytes and the offsets of what is in them. It is a view, filled anew with each message and valid until the
 * next one is received; {@link Entry.decode} makes an object that lasts.
 */
export class Entry<V extends Variant = Variant> {
  /** The tables that it is read by. */
  readonly layout: Layout<V>
  /** Payload offset of each attribute by its slot, 0 for absent. */
  readonly slots: Int32Array
  /** The table of the message's protocol. */
  shape: Shape<V>
  /** What was loaded last. */
  message: Message
  /** The datagram that the message is in. */
  bytes: Uint8Array
  readonly #scanner: Scanner

  constructor(layout: Layout<V>) {
    this.layout = layout
    this.slots = new Int32Array(layout.slotCount)
    this.#scanner = new Scanner(layout.root, this.slots)
    this.shape = layout.shape(0)
    this.bytes = new Uint8Array(0)
    this.message = { bytes: this.bytes, at: 0, end: 0, type: 0, flags: 0, family: 0, portId: 0 }
  }

  /** Looks at another message. @throws MalformedMessageError */
  load(message: Message): this {
    const { slots, layout } = this
    const { bytes } = message
    this.message = message
    this.bytes = bytes
    this.#scanner.scan(bytes, message.at, message.end)
    const selector = slots[layout.selector]
    this.shape = layout.shape(selector === 0 ? -1 : bytes[selector])
    return this
  }

  /** Adds the fields to a plain object, which shares nothing with the message. */
  decode(value: Record<string, unknown> = {}): Record<string, unknown> {
    return decode(this.shape.members, this.bytes, this.slots, value)
  }

  /** Whether two attributes of the same kind have the same bytes, or are both absent. */
  isSame(one: Place, other: Place): boolean {
    const { bytes, slots } = this
    const a = slots[one.slot]
    const b = slots[other.slot]
    if (a === 0 || b === 0) return a === b
    const size = one.kind.size ?? 0
    for (let i = 0; i < size; i++) if (bytes[a + i] !== bytes[b + i]) return false
    return true
  }

  /** The payload offset of a field that is one attribute, or 0 where it is absent. */
  offset(path: string): number {
    const field = this.shape.fields.get(path)
    return field === undefined ? 0 : this.slots[field.places[0].slot]
  }
}

/** Writes one entry. */
export type Print<V extends Variant = Variant> = (entry: Entry<V>, text: Text) => void

/** A way to write entries. `compile` is called once for each protocol that comes, so that printing an entry decides little. */
export interface Formatter<V extends Variant = Variant> {
  /** As after `-o`. */
  readonly name: string
  /** Written before the first entry, even if none comes. */
  readonly head?: string
  /** Written after the last. */
  readonly tail?: string
  /** Makes the function that prints one protocol's entries. */
  compile(shape: Shape<V>): Print<V>
}

/** The printer of a formatter: compiles for a shape when its first entry comes. */
export function printer<V extends Variant>(formatter: Formatter<V>): Print<V> {
  const compiled: Print<V>[] = []
  return (entry, text) => {
    const { index } = entry.shape
    const print = compiled[index] ?? (compiled[index] = formatter.compile(entry.shape))
    print(entry, text)
  }
}
