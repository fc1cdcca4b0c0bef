import {
  type Entry,
  type ProtocolVariant,
  type Place,
  payloadLength,
  type Print,
  type Shape,
  STATUS_BITS,
  word,
} from '@conntrack/core/plugin'

/** A step of a formatter: writes what it is about, or nothing. */
export type Step = Print<ProtocolVariant>

/** Runs steps in turn. */
export function sequence(steps: readonly Step[]): Step {
  return (entry, text) => {
    for (let i = 0; i < steps.length; i++) steps[i](entry, text)
  }
}

/** An attribute's value behind a label, `mark=0 `; nothing where it is absent. */
export function labelled(label: string, { slot, kind }: Place): Step {
  const before = word(label)
  const { size } = kind
  return ({ bytes, slots }, text) => {
    const at = slots[slot]
    if (at === 0) return
    text.word(before)
    kind.print(text, bytes, at, size ?? payloadLength(bytes, at))
    text.byte(BLANK)
  }
}

/**
 * An attribute's value so that nothing is lost, for an attribute that is there: numbers in decimal, and by its number what has no name.
 */
export function plainValue({ slot, kind }: Place): Step {
  const { size, schema, words } = kind
  const lengthAt = (bytes: Uint8Array, at: number): number => size ?? payloadLength(bytes, at)
  if (schema.type === 'integer') return ({ bytes, slots }, text) => kind.json(text, bytes, slots[slot], lengthAt(bytes, slots[slot]))
  return ({ bytes, slots }, text) => {
    const at = slots[slot]
    const value = words === undefined ? undefined : kind.read(bytes, at, lengthAt(bytes, at))
    if (typeof value === 'string') text.string(value)
    else kind.print(text, bytes, at, lengthAt(bytes, at))
  }
}

/** The blank behind every part of a line. */
export const BLANK = 0x20

const NEWLINE = 0x0a

/** The end of a line of parts: a newline in place of the last one's blank. There may be no part, and what stands before is another line. */
export const endOfLine: Step = (_, text) => {
  if (text.length > 0 && text.bytes[text.length - 1] === BLANK) text.trim()
  text.byte(NEWLINE)
}

/** The place of a field that every flow's table has. */
export function place(shape: Shape<ProtocolVariant>, path: string): Place {
  const field = shape.fields.get(path)
  if (field === undefined) throw new RangeError(`the table of ${shape.variant.name} has no field '${path}'`)
  return field.places[0]
}

/** The same for a field that some tables lack. */
export function placeIfAny(shape: Shape<ProtocolVariant>, path: string | undefined): Place | undefined {
  return path === undefined ? undefined : shape.fields.get(path)?.places[0]
}

/** The two places of an address, of which a flow has the one of its family. */
export function addressPlaces(shape: Shape<ProtocolVariant>, path: string): readonly Place[] {
  return shape.fields.get(path)?.places ?? []
}

/** A test of one bit of the status: undefined where the kernel did not send it. */
export function statusBit(
  shape: Shape<ProtocolVariant>,
  name: (typeof STATUS_BITS)[number],
): (entry: Entry<ProtocolVariant>) => boolean | undefined {
  const { slot } = place(shape, 'status')
  const bit = STATUS_BITS.indexOf(name)
  // Network order: the lowest eight bits are in the last of four bytes.
  const byte = 3 - (bit >> 3)
  const mask = 1 << (bit & 7)
  return ({ bytes, slots }) => (slots[slot] === 0 ? undefined : (bytes[slots[slot] + byte] & mask) !== 0)
}

/** The fields of a tuple that have a word, with that word; `path` is the tuple's. A master has ports, whatever it expects. */
export function labelsOf(shape: Shape<ProtocolVariant>, path: string): [field: string, label: string][] {
  return Object.entries(path === 'master' ? PORTS : shape.variant.protocol.labels).filter(([, label]) => label !== '')
}

const PORTS = { sourcePort: 'sport', destinationPort: 'dport' }

/** A tuple in a line: `src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 `; addresses may have a prefix, `mask-src=`. */
export function tuple(shape: Shape<ProtocolVariant>, path: string, prefix = ''): Step[] {
  return [
    ...addressPlaces(shape, `${path}.source`).map((one) => labelled(`${prefix}src=`, one)),
    ...addressPlaces(shape, `${path}.destination`).map((one) => labelled(`${prefix}dst=`, one)),
    ...labelsOf(shape, path).map(([field, label]) =>
      (path === 'master' ? labelled : labelledOrZero)(`${label}=`, place(shape, `${path}.${field}`)),
    ),
  ]
}

const ZERO = new Uint8Array(8)

/** The tuple of a protocol is shown whole: a kernel that does not track its ports sends none, and they are shown as 0. */
function labelledOrZero(label: string, { slot, kind }: Place): Step {
  const before = word(label)
  return ({ bytes, slots }, text) => {
    const at = slots[slot]
    text.word(before)
    if (at === 0) kind.print(text, ZERO, 0, kind.size ?? 0)
    else kind.print(text, bytes, at, kind.size ?? payloadLength(bytes, at))
    text.byte(BLANK)
  }
}
