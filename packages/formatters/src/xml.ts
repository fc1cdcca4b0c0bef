import { type ProtocolVariant, type Formatter, type Place, payloadLength, type Shape, type Text, word } from '@conntrack/core/plugin'
import { addressPlaces, place, placeIfAny, type Step, sequence, statusBit } from './parts.ts'
import { ageInSeconds } from './time.ts'

/** What the XML of a flow shows besides the usual. */
export interface XmlOptions {
  /** When the flow began and ended, in nanoseconds since 1970. */
  readonly kernelTimestamp?: boolean
}

/** A flow as an element of conntrack(8)'s XML, one a line; head and tail make it one document, however many there are. */
export function xml({ kernelTimestamp }: XmlOptions = {}): Formatter<ProtocolVariant> {
  return {
    name: 'xml',
    head: '<?xml version="1.0" encoding="utf-8"?>\n<conntrack>\n',
    tail: '</conntrack>\n',
    compile: (shape) =>
      sequence([
        constant('<flow>'),
        direction(shape, 'original'),
        direction(shape, 'reply'),
        independent(shape, kernelTimestamp === true),
        element('helper', place(shape, 'helper.name')),
        constant('</flow>\n'),
      ]),
  }
}

function constant(tag: string): Step {
  const bytes = word(tag)
  return (_, text) => text.word(bytes)
}

/** `<name>value</name>`, or nothing where the attribute is absent. */
function element(name: string, { slot, kind }: Place): Step {
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

/** Text as XML can hold it: markup as entities, and characters that XML has no way to write as U+FFFD. */
function escaped(value: string): string {
  return value
    .replace(/[<>&"]/g, (character) => ENTITIES[character])
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
}

/** An element around steps. */
const around = (open: string, steps: readonly Step[], close: string): Step => sequence([constant(open), ...steps, constant(close)])

/** An element around steps, where an attribute is there. */
function aroundIfAny({ slot }: Place, name: string, steps: readonly Step[]): Step {
  const whole = around(`<${name}>`, steps, `</${name}>`)
  return (entry, text) => {
    if (entry.slots[slot] !== 0) whole(entry, text)
  }
}

/** An empty element, where a bit of the status is as wanted. */
function flag(name: string, shape: Shape<ProtocolVariant>, bit: Parameters<typeof statusBit>[1], wanted: boolean): Step {
  const tag = word(`<${name}/>`)
  const isSet = statusBit(shape, bit)
  return (entry, text) => {
    if (isSet(entry) === wanted) text.word(tag)
  }
}

const FAMILIES = new Map([
  [2, word('<layer3 protonum="2" protoname="ipv4">')],
  [10, word('<layer3 protonum="10" protoname="ipv6">')],
])
const UNKNOWN_FAMILY = word('<layer3 protonum="0" protoname="unknown">')

const layer3: Step = ({ message }, text) => text.word(FAMILIES.get(message.family) ?? UNKNOWN_FAMILY)

function layer4(shape: Shape<ProtocolVariant>): Step {
  const number = place(shape, 'original.protocolNumber')
  const name = word(`" protoname="${shape.variant.protocol.name}">`)
  const open = word('<layer4 protonum="')
  return ({ bytes, slots }, text) => {
    text.word(open)
    text.decimal(slots[number.slot] === 0 ? 0 : bytes[slots[number.slot]])
    text.word(name)
  }
}

function direction(shape: Shape<ProtocolVariant>, side: 'original' | 'reply'): Step {
  const labels = Object.entries(shape.variant.protocol.labels).filter(([, label]) => label !== '')
  return around(
    `<meta direction="${side}">`,
    [
      layer3,
      ...addressPlaces(shape, `${side}.source`).map((one) => element('src', one)),
      ...addressPlaces(shape, `${side}.destination`).map((one) => element('dst', one)),
      constant('</layer3>'),
      layer4(shape),
      ...labels.map(([field, label]) => element(label, place(shape, `${side}.${field}`))),
      constant('</layer4>'),
      element('zone', place(shape, `${side}.zone`)),
      aroundIfAny(place(shape, `${side}Counters.packets`), 'counters', [
        element('packets', place(shape, `${side}Counters.packets`)),
        element('bytes', place(shape, `${side}Counters.bytes`)),
      ]),
    ],
    '</meta>',
  )
}

function independent(shape: Shape<ProtocolVariant>, kernelTimestamp: boolean): Step {
  const state = placeIfAny(shape, shape.variant.protocol.state)
  const start = place(shape, 'timestamp.start')
  const stop = place(shape, 'timestamp.stop')
  return around(
    '<meta direction="independent">',
    [
      ...(state === undefined ? [] : [element('state', state)]),
      element('timeout', place(shape, 'timeout')),
      element('mark', place(shape, 'mark')),
      element('secmark', place(shape, 'secmark')),
      element('secctx', place(shape, 'securityContext.name')),
      element('zone', place(shape, 'zone')),
      element('use', place(shape, 'use')),
      element('id', place(shape, 'id')),
      flag('assured', shape, 'ASSURED', true),
      flag('unreplied', shape, 'SEEN_REPLY', false),
      ...(kernelTimestamp ? [aroundIfAny(start, 'timestamp', [element('start', start), element('stop', stop)])] : []),
      aroundIfAny(start, 'deltatime', [(entry, text: Text) => text.decimal(ageInSeconds(entry, start, stop))]),
    ],
    '</meta>',
  )
}
