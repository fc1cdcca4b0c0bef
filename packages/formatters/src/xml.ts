import { type EventFormatter, type Formatter, type ProtocolVariant, type Shape, type Text, word } from '@conntrack/core/plugin'
import { eventElements, type EventOptions } from './event.ts'
import { type LabelNames, labelElements } from './labels.ts'
import { addresses, around, aroundIfAny, constant, element, layer3, layer4, layer4Fields } from './markup.ts'
import { place, placeIfAny, type Step, sequence, statusBit } from './parts.ts'
import { ageInSeconds } from './time.ts'

/** What the XML of a flow shows besides the usual. */
export interface XmlOptions {
  /** When the flow began and ended, in nanoseconds since 1970. */
  readonly kernelTimestamp?: boolean
  /** The labels, by these names. */
  readonly labels?: LabelNames
}

/** A flow as an element of conntrack(8)'s XML, one a line; head and tail make it one document, however many there are. */
export function xml(options: XmlOptions = {}): Formatter<ProtocolVariant> {
  return {
    name: 'xml',
    head: '<?xml version="1.0" encoding="utf-8"?>\n<conntrack>\n',
    tail: '</conntrack>\n',
    compile: (shape) => sequence([constant('<flow>'), ...content(shape, options), ...end(shape)]),
  }
}

/** Events of flows as elements of one document: `<flow type="new">`. */
export function eventXml({ timestamp, ...options }: XmlOptions & EventOptions = {}): EventFormatter<ProtocolVariant> {
  return eventElements(xml(), { timestamp }, (shape) => ({ before: content(shape, options), after: end(shape) }))
}

const end = (shape: Shape<ProtocolVariant>): Step[] => [element('helper', place(shape, 'helper.name')), constant('</flow>\n')]

function content(shape: Shape<ProtocolVariant>, options: XmlOptions): Step[] {
  return [direction(shape, 'original'), direction(shape, 'reply'), independent(shape, options)]
}

function direction(shape: Shape<ProtocolVariant>, side: 'original' | 'reply'): Step {
  return around(
    `<meta direction="${side}">`,
    [
      layer3,
      ...addresses(shape, side),
      constant('</layer3>'),
      layer4(shape, 'original.protocolNumber'),
      ...layer4Fields(shape, side),
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

function independent(shape: Shape<ProtocolVariant>, { kernelTimestamp, labels }: XmlOptions): Step {
  const state = placeIfAny(shape, shape.variant.protocol.state)
  const start = place(shape, 'timestamp.start')
  const stop = place(shape, 'timestamp.stop')
  return around(
    '<meta direction="independent">',
    [
      ...(state === undefined ? [] : [element('state', state)]),
      element('timeout', place(shape, 'timeout')),
      element('mark', place(shape, 'mark')),
      ...(labels === undefined ? [] : [labelElements(place(shape, 'labels'), labels)]),
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

/** An empty element, where a bit of the status is as wanted. */
function flag(name: string, shape: Shape<ProtocolVariant>, bit: Parameters<typeof statusBit>[1], wanted: boolean): Step {
  const tag = word(`<${name}/>`)
  const isSet = statusBit(shape, bit)
  return (entry, text) => {
    if (isSet(entry) === wanted) text.word(tag)
  }
}
