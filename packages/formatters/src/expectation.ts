import { type EventFormatter, type Formatter, type Place, type ProtocolVariant, type Shape, word } from '@conntrack/core/plugin'
import { eventElements, type EventOptions } from './event.ts'
import { addresses, around, constant, element, layer3, layer4, layer4Fields } from './markup.ts'
import { dated, now, when } from './time.ts'
import { BLANK, endOfLine, labelled, place, type Step, sequence, tuple } from './parts.ts'

/** What is shown of expectations besides themselves. */
export interface ExpectationOptions {
  /** When they were shown. */
  readonly timestamp?: boolean
}

/** An expectation as a line of text, byte for byte what conntrack(8) prints. */
export function expectationLine({ timestamp }: ExpectationOptions = {}): Formatter<ProtocolVariant> {
  return {
    name: 'line',
    compile: (shape) =>
      sequence([
        ...(timestamp ? [date] : []),
        labelled('', place(shape, 'timeout')),
        labelled('proto=', place(shape, 'tuple.protocolNumber')),
        ...tuple(shape, 'tuple'),
        ...tuple(shape, 'mask', 'mask-'),
        ...tuple(shape, 'master', 'master-'),
        labelled('zone=', place(shape, 'zone')),
        flags(place(shape, 'flags')),
        labelled('class=', place(shape, 'class')),
        labelled('helper=', place(shape, 'helper')),
        endOfLine,
      ]),
  }
}

const date: Step = (_, text) => text.string(dated(now()))
const whenElement: Step = (_, text) => text.string(when(now()))

/** `PERMANENT,INACTIVE `, or nothing where none is set. */
function flags({ slot, kind }: Place): Step {
  return ({ bytes, slots }, text) => {
    const at = slots[slot]
    if (at === 0 || (kind.read(bytes, at, 4) as readonly string[]).length === 0) return
    kind.print(text, bytes, at, 4)
    text.byte(BLANK)
  }
}

/** An expectation as an element of conntrack(8)'s XML; head and tail make it one document. */
export function expectationXml({ timestamp }: ExpectationOptions = {}): Formatter<ProtocolVariant> {
  return {
    name: 'xml',
    head: '<?xml version="1.0" encoding="utf-8"?>\n<expect>\n',
    tail: '</expect>\n',
    compile: (shape) => sequence([constant('<flow>'), ...content(shape), ...(timestamp ? [whenElement] : []), ...end(shape)]),
  }
}

/** Events of expectations as elements of one document: `<flow type="new">`. */
export function expectationEventXml({ timestamp }: EventOptions = {}): EventFormatter<ProtocolVariant> {
  return eventElements(expectationXml(), { timestamp }, (shape) => ({ before: content(shape), after: end(shape) }))
}

const content = (shape: Shape<ProtocolVariant>): Step[] => [...packets(shape), constant('<meta>'), ...details(shape)]
const end = (shape: Shape<ProtocolVariant>): Step[] => [...flagElements(shape), constant('</meta></flow>\n')]

const PARTS = [
  ['expected', 'tuple'],
  ['mask', 'mask'],
  ['master', 'master'],
] as const

const packets = (shape: Shape<ProtocolVariant>): Step[] => [
  layer3,
  ...PARTS.map(([tag, path]) => around(`<${tag}>`, addresses(shape, path), `</${tag}>`)),
  constant('</layer3>'),
  layer4(shape, 'tuple.protocolNumber'),
  ...PARTS.map(([tag, path]) => around(`<${tag}>`, layer4Fields(shape, path), `</${tag}>`)),
  constant('</layer4>'),
]

const details = (shape: Shape<ProtocolVariant>): Step[] => [
  element('helper-name', place(shape, 'helper')),
  element('timeout', place(shape, 'timeout')),
  element('class', place(shape, 'class')),
  element('zone', place(shape, 'zone')),
]

const flagElements = (shape: Shape<ProtocolVariant>): Step[] =>
  ['PERMANENT', 'INACTIVE', 'USERSPACE'].map((name) => flag(name, place(shape, 'flags')))

function flag(name: string, { slot, kind }: Place): Step {
  const tag = word(`<${name.toLowerCase()}/>`)
  return ({ bytes, slots }, text) => {
    const at = slots[slot]
    if (at !== 0 && (kind.read(bytes, at, 4) as readonly string[]).includes(name)) text.word(tag)
  }
}
