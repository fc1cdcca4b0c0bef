import {
  type Entry,
  type ProtocolVariant,
  type Formatter,
  type Option,
  type Place,
  payloadLength,
  printable,
  type Shape,
  type Text,
  word,
} from '@conntrack/core/plugin'
import { type LabelNames, labelsOption } from './labels.ts'
import { addressPlaces, BLANK, endOfLine, labelled, place, placeIfAny, type Step, sequence, statusBit } from './parts.ts'

/** What a line of `save` does when it is run: makes the entry again, changes it, or deletes it. */
export type SaveCommand = '-A' | '-U' | '-D'

/** How a flow is saved. */
export interface SaveOptions {
  /** The names that labels are called by; `bit64` where they have none. */
  readonly labels?: LabelNames
}

/** A flow as options that make it again: a line for `conntrack -R`, as conntrack(8) saves it, with mark, helper and labels too. */
export function save(command: SaveCommand = '-A', options: SaveOptions = {}): Formatter<ProtocolVariant> {
  return { name: 'save', compile: (shape) => compile(shape, command, options) }
}

function compile(shape: Shape<ProtocolVariant>, command: SaveCommand, { labels = [] }: SaveOptions): Step {
  const start = word(`${command} `)
  const { protocol } = shape.variant
  const own = protocol.options.map((option) => argument(option, placeIfAny(shape, option.sets)))
  return sequence([
    (_, text) => text.word(start),
    labelled('-t ', place(shape, 'timeout')),
    status(shape),
    mark(place(shape, 'mark')),
    labelled('-w ', place(shape, 'zone')),
    labelled('--orig-zone ', place(shape, 'original.zone')),
    labelled('--reply-zone ', place(shape, 'reply.zone')),
    named('--helper ', place(shape, 'helper.name')),
    labelsOption(command === '-D' ? '-l' : '--label-add', place(shape, 'labels'), labels),
    together('--orig-seqadj ', adjustment(shape, 'originalSequenceAdjustment')),
    together('--reply-seqadj ', adjustment(shape, 'replySequenceAdjustment')),
    together('--synproxy ', fields(shape, 'synproxy', ['initialSequence', 'initialTimestamp', 'timestampOffset'])),
    address(shape, 'original.source', '-s '),
    address(shape, 'original.destination', '-d '),
    translated(shape, DNAT),
    translated(shape, SNAT),
    protocolName(shape),
    ...own,
    endOfLine,
  ])
}

/** An option with a name that may have anything in it, as one word; a control character is shown as what it is, and taken for none. */
function named(option: string, { slot, kind }: Place): Step {
  const before = word(option)
  return ({ bytes, slots }, text) => {
    const at = slots[slot]
    if (at === 0) return
    text.word(before)
    text.string(asWord(kind.read(bytes, at, payloadLength(bytes, at)) as string))
    text.byte(BLANK)
  }
}

/** A text as one word of a line for `conntrack -R`: in double quotes where it has to be. */
const asWord = (value: string): string => (isPlain(value) ? value : quoted(value))

const quoted = (value: string): string =>
  /^[^\s"\\#][^\s"\\]*$/.test(value) ? printable(value) : `"${printable(value.replaceAll(/["\\]/g, '\\$&'))}"`

/** Whether it is a word as it stands, without a look by regular expressions, which makes objects: nearly all are. */
function isPlain(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code <= BLANK || code >= DELETE || code === QUOTE || code === BACKSLASH || (i === 0 && code === HASH)) return false
  }
  return value.length > 0
}

const [QUOTE, HASH, BACKSLASH, DELETE] = [0x22, 0x23, 0x5c, 0x7f]

/** An option with the value as `parse` reads it: numbers in decimal and states by number where they have no name, whatever a line shows. */
export function argument({ names, saved }: Option, one: Place | undefined): Step {
  if (one === undefined || saved === 'never') return () => {}
  const { slot, kind } = one
  const before = word(`--${names[0]} `)
  const print: typeof kind.print = (text, bytes, at, length) => {
    const value = kind.read(bytes, at, length)
    if (typeof value === 'object') kind.print(text, bytes, at, length)
    else if (typeof value === 'string') text.string(asWord(value))
    else text.string(`${value as string | number | bigint}`)
  }
  return ({ bytes, slots }, text) => {
    const at = slots[slot]
    if (at === 0) return
    const length = kind.size ?? payloadLength(bytes, at)
    if (saved === 'unless zero' && isZero(kind, bytes, at, length)) return
    text.word(before)
    if (kind.schema.type === 'integer') kind.json(text, bytes, at, length)
    else print(text, bytes, at, length)
    text.byte(BLANK)
  }
}

/** Whether a value is the number 0, or no bytes at all. */
function isZero(kind: Place['kind'], bytes: Uint8Array, at: number, length: number): boolean {
  if (kind.words !== undefined) return false
  if (kind.size === undefined) return (kind.read(bytes, at, length) as string | Uint8Array).length === 0
  for (let i = 0; i < length; i++) if (bytes[at + i] !== 0) return false
  return true
}

const fields = (shape: Shape<ProtocolVariant>, path: string, names: readonly string[]): Place[] =>
  names.map((name) => place(shape, `${path}.${name}`))
const adjustment = (shape: Shape<ProtocolVariant>, path: string): Place[] =>
  fields(shape, path, ['correctionPosition', 'offsetBefore', 'offsetAfter'])

/** An option for numbers that the kernel takes together: with colons between them; nothing where all are 0, as in most flows. */
function together(option: string, places: readonly Place[]): Step {
  const before = word(option)
  return ({ bytes, slots }, text) => {
    if (!places.some(({ slot, kind }) => slots[slot] !== 0 && !isZero(kind, bytes, slots[slot], 4))) return
    const values = places.map(({ slot, kind }) => (slots[slot] === 0 ? 0 : kind.read(bytes, slots[slot], 4)))
    text.word(before)
    text.string(`${values.join(':')} `)
  }
}

const mark = (one: Place): Step => {
  const print = labelled('-m ', one)
  return (entry, text) => {
    const at = entry.slots[one.slot]
    if (at !== 0 && !isZero(one.kind, entry.bytes, at, 4)) print(entry, text)
  }
}

/** The bits that the kernel lets a user set. EXPECTED is none of them, though conntrack(8) saves it: it could not be restored. */
const SETTABLE = ['SEEN_REPLY', 'ASSURED', 'FIXED_TIMEOUT'] as const

function status(shape: Shape<ProtocolVariant>): Step {
  const { slot } = place(shape, 'status')
  const tests = SETTABLE.map((name) => statusBit(shape, name))
  // For every combination, by the number whose bits say which are set.
  const words = Array.from({ length: 1 << SETTABLE.length }, (_, bits) => {
    const set = SETTABLE.filter((_, i) => (bits >> i) & 1)
    return word(`-u ${set.length === 0 ? 'UNSET' : set.join(',')} `)
  })
  return (entry, text) => {
    if (entry.slots[slot] === 0) return
    let bits = 0
    for (let i = 0; i < tests.length; i++) if (tests[i](entry)) bits |= 1 << i
    text.word(words[bits])
  }
}

const address = (shape: Shape<ProtocolVariant>, path: string, option: string): Step =>
  sequence(addressPlaces(shape, path).map((one) => labelled(option, one)))

/** One kind of address translation: the bit that tells of it, and the fields of both directions that differ by it. */
interface Translation {
  readonly bit: 'SRC_NAT_DONE' | 'DST_NAT_DONE'
  readonly option: string
  readonly plain: string
  readonly original: 'source' | 'destination'
  readonly reply: 'source' | 'destination'
}

const DNAT: Translation = { bit: 'DST_NAT_DONE', option: '-g ', plain: '-r ', original: 'destination', reply: 'source' }
const SNAT: Translation = { bit: 'SRC_NAT_DONE', option: '-n ', plain: '-q ', original: 'source', reply: 'destination' }

/** An address of the reply direction: as the address to translate to, where there is a translation of address or port. */
function translated(shape: Shape<ProtocolVariant>, { bit, option, plain, original, reply }: Translation): Step {
  const isDone = statusBit(shape, bit)
  const asIs = address(shape, `reply.${reply}`, plain)
  const asTarget = address(shape, `reply.${reply}`, option)
  const pairs = [
    ...addressPlaces(shape, `original.${original}`).map((one, i) => [one, addressPlaces(shape, `reply.${reply}`)[i]] as const),
    ...pairIfAny(placeIfAny(shape, `original.${original}Port`), placeIfAny(shape, `reply.${reply}Port`)),
  ]
  const differs = (entry: Entry<ProtocolVariant>): boolean => pairs.some((pair) => !entry.isSame(pair[0], pair[1]))
  // The ports of a protocol that is not installed are not known: the kernel's bit tells that they are translated.
  const isKnown = shape.variant.protocol.number >= 0
  const isTranslated = statusBit(shape, bit === 'SRC_NAT_DONE' ? 'SRC_NAT' : 'DST_NAT')
  return (entry: Entry<ProtocolVariant>, text: Text) =>
    (isDone(entry) && (isKnown ? differs(entry) : isTranslated(entry)) ? asTarget : asIs)(entry, text)
}

const pairIfAny = (one: Place | undefined, other: Place | undefined): (readonly [Place, Place])[] =>
  one === undefined || other === undefined ? [] : [[one, other]]

/** `-p 50`; with attributes that are saved as they are, `-p unknown:50`, so that nobody who knows the protocol asks for more. */
export function unknownName(shape: Shape<ProtocolVariant>, tuple: string): Step {
  const plain = labelled('-p ', place(shape, `${tuple}.protocolNumber`))
  const raw = labelled('-p unknown:', place(shape, `${tuple}.protocolNumber`))
  const { slot, kind } = place(shape, `${tuple}.layer4`)
  return (entry, text) => {
    const at = entry.slots[slot]
    const isBare = at === 0 || isZero(kind, entry.bytes, at, payloadLength(entry.bytes, at))
    return (isBare ? plain : raw)(entry, text)
  }
}

/**
 * `-p tcp`, or the number of a protocol that is not installed. A kernel that does not track a protocol keeps its flows without ports or
 * whatever it has: `-p unknown:33`, so that nobody asks for them when the flow is made again.
 */
function protocolName(shape: Shape<ProtocolVariant>): Step {
  const { name, number, tuple, protoinfo } = shape.variant.protocol
  if (number < 0) return unknownName(shape, 'original')
  const own = [...Object.keys(tuple).map((field) => `original.${field}`), ...Object.keys(protoinfo)]
  const parts = own.map((path) => place(shape, path).slot)
  const isUntracked = ({ slots }: Entry<ProtocolVariant>): boolean => parts.length > 0 && parts.every((slot) => slots[slot] === 0)
  const [known, unknown] = [word(`-p ${name} `), word(`-p unknown:${number} `)]
  return (entry, text) => text.word(isUntracked(entry) ? unknown : known)
}
