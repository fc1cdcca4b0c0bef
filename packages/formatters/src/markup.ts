import { type Place, type ProtocolVariant, payloadLength, type Shape, withoutControls, word } from '@conntrack/core/plugin'
import { addressPlaces, labelsOf, place, type Step, sequence } from './parts.ts'

/** A tag as it is. */
export function constant(tag: string): Step {
  const bytes = word(tag)
  return (_, text) => text.word(bytes)
}

/** `<name>value</name>`, or nothing where the attribute is absent. */
export function element(name: string, { slot, kind }: Place): Step {
  const open = word(`<${name}>`)
  const close = word(`</${name}>`)
  return ({ bytes, slots }, text) => {
    const at = slots[slot]
    if (at === 0) return
    text.word(open)
    // Only what has no fixed size can hold characters that XML knows.
    if (kind.size === undefined) text.string(escaped(String(kind.read(bytes, at, payloadLength(bytes, at)))))
    else kind.print(text, bytes, at, kind.size)
    text.word(close)
  }
}

const ENTITIES: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' }

/** Text as XML can hold it: markup as entities; control characters, of which it cannot write most, and U+FFFE and U+FFFF as U+FFFD. */
function escaped(value: string): string {
  const visible = withoutControls(value, () => '\ufffd').replace(/[\ufffe\uffff]/g, '\ufffd')
  return visible.replace(/[<>&"]/g, (character) => ENTITIES[character])
}

/** An element around steps. */
export const around = (open: string, steps: readonly Step[], close: string): Step => sequence([constant(open), ...steps, constant(close)])

/** An element around steps, where an attribute is there. */
export function aroundIfAny({ slot }: Place, name: string, steps: readonly Step[]): Step {
  const whole = around(`<${name}>`, steps, `</${name}>`)
  return (entry, text) => {
    if (entry.slots[slot] !== 0) whole(entry, text)
  }
}

const FAMILIES = new Map([
  [2, word('<layer3 protonum="2" protoname="ipv4">')],
  [10, word('<layer3 protonum="10" protoname="ipv6">')],
])
const UNKNOWN_FAMILY = word('<layer3 protonum="0" protoname="unknown">')

/** The opening tag of the addresses. */
export const layer3: Step = ({ message }, text) => text.word(FAMILIES.get(message.family) ?? UNKNOWN_FAMILY)

/** The opening tag of the protocol's part; `path` is that of the protocol's number. */
export function layer4(shape: Shape<ProtocolVariant>, path: string): Step {
  const number = place(shape, path)
  const name = word(`" protoname="${shape.variant.protocol.name}">`)
  const open = word('<layer4 protonum="')
  return ({ bytes, slots }, text) => {
    text.word(open)
    text.decimal(slots[number.slot] === 0 ? 0 : bytes[slots[number.slot]])
    text.word(name)
  }
}

/** The addresses of a tuple. */
export function addresses(shape: Shape<ProtocolVariant>, path: string): Step[] {
  return [
    ...addressPlaces(shape, `${path}.source`).map((one) => element('src', one)),
    ...addressPlaces(shape, `${path}.destination`).map((one) => element('dst', one)),
  ]
}

/** The protocol's part of a tuple. */
export function layer4Fields(shape: Shape<ProtocolVariant>, path: string): Step[] {
  return labelsOf(shape, path).map(([field, label]) => element(label, place(shape, `${path}.${field}`)))
}
