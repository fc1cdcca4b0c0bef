import { type Formatter, type ProtocolVariant, type Shape, word } from '@conntrack/core/plugin'
import { type LabelNames, labelsInLine } from './labels.ts'
import { BLANK, endOfLine, labelled, place, placeIfAny, type Step, sequence, statusBit, tuple } from './parts.ts'
import { clock, deltaTime } from './time.ts'

/** What a line shows besides the usual. */
export interface LineOptions {
  /** The address family in front: `ipv4     2 `. */
  readonly extended?: boolean
  /** The kernel's id of the flow at the end: `id=123`. */
  readonly id?: boolean
  /** When the flow began and ended: `[start=Mon Nov 23 23:54:40 2026]`, in the local time zone. */
  readonly kernelTimestamp?: boolean
  /** The labels at the end, by these names: `labels=a,b`. */
  readonly labels?: LabelNames
}

const HEADS = new Map([
  [2, word('ipv4     2 ')],
  [10, word('ipv6     10 ')],
])
const UNKNOWN_FAMILY = 'unknown  '

/** A flow as a line of text, byte for byte what conntrack(8) prints. */
export function line(options: LineOptions = {}): Formatter<ProtocolVariant> {
  return { name: 'line', compile: (shape) => compile(shape, options) }
}

function compile(shape: Shape<ProtocolVariant>, { extended, id, kernelTimestamp, labels }: LineOptions): Step {
  const { protocol } = shape.variant
  const state = placeIfAny(shape, protocol.state)
  return sequence([
    ...(extended ? [family] : []),
    head(shape),
    labelled('', place(shape, 'timeout')),
    ...(state === undefined ? [] : [labelled('', state)]),
    ...direction(shape, 'original', 'zone-orig='),
    unreplied(shape),
    ...direction(shape, 'reply', 'zone-reply='),
    fate(shape),
    labelled('mark=', place(shape, 'mark')),
    labelled('secmark=', place(shape, 'secmark')),
    labelled('secctx=', place(shape, 'securityContext.name')),
    labelled('zone=', place(shape, 'zone')),
    deltaTime(place(shape, 'timestamp.start'), place(shape, 'timestamp.stop')),
    ...(kernelTimestamp ? [clock('[start=', place(shape, 'timestamp.start')), clock('[stop=', place(shape, 'timestamp.stop'))] : []),
    labelled('helper=', place(shape, 'helper.name')),
    labelled('use=', place(shape, 'use')),
    ...(id ? [labelled('id=', place(shape, 'id'))] : []),
    ...(labels === undefined ? [] : [labelsInLine(place(shape, 'labels'), labels)]),
    endOfLine,
  ])
}

const family: Step = ({ message }, text) => {
  const known = HEADS.get(message.family)
  if (known !== undefined) return text.word(known)
  text.string(UNKNOWN_FAMILY)
  text.decimal(message.family)
  text.byte(BLANK)
}

/** The protocol's name, padded to eight, and its number. */
function head(shape: Shape<ProtocolVariant>): Step {
  const { protocol } = shape.variant
  const name = word(`${protocol.name.padEnd(8)} `)
  const number = place(shape, 'original.protocolNumber')
  return ({ bytes, slots }, text) => {
    const at = slots[number.slot]
    text.word(name)
    text.decimal(at === 0 ? 0 : bytes[at])
    text.byte(BLANK)
  }
}

function direction(shape: Shape<ProtocolVariant>, side: 'original' | 'reply', zone: string): Step[] {
  return [
    ...tuple(shape, side),
    labelled(zone, place(shape, `${side}.zone`)),
    labelled('packets=', place(shape, `${side}Counters.packets`)),
    labelled('bytes=', place(shape, `${side}Counters.bytes`)),
  ]
}

const UNREPLIED = word('[UNREPLIED] ')
const HW_OFFLOAD = word('[HW_OFFLOAD] ')
const OFFLOAD = word('[OFFLOAD] ')
const ASSURED = word('[ASSURED] ')

function unreplied(shape: Shape<ProtocolVariant>): Step {
  const isReplied = statusBit(shape, 'SEEN_REPLY')
  return (entry, text) => {
    if (isReplied(entry) === false) text.word(UNREPLIED)
  }
}

/** Who handles the flow, or that it is worth keeping: the first that holds. */
function fate(shape: Shape<ProtocolVariant>): Step {
  const isInHardware = statusBit(shape, 'HW_OFFLOAD')
  const isOffloaded = statusBit(shape, 'OFFLOAD')
  const isAssured = statusBit(shape, 'ASSURED')
  return (entry, text) => {
    if (isInHardware(entry)) text.word(HW_OFFLOAD)
    else if (isOffloaded(entry)) text.word(OFFLOAD)
    else if (isAssured(entry)) text.word(ASSURED)
  }
}
