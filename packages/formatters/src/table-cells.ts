import { type Entry, payloadLength, type Place, type ProtocolVariant, type Shape, Text } from '@conntrack/core/plugin'
import { type LabelNames, namesAt } from './labels.ts'
import { addressPlaces, labelsOf, place, placeIfAny, plainValue, type Step, statusBit } from './parts.ts'
import { ageInSeconds } from './time.ts'

/** The text of one cell; empty where there is nothing to say. */
type Cell = (entry: Entry<ProtocolVariant>) => string

/** What stands in a column, for the flows or expectations of each protocol. */
export type CellOf = (shape: Shape<ProtocolVariant>) => Cell

/** What a step writes, as a string. */
function written(step: Step): Cell {
  const scratch = new Text(64)
  return (entry) => {
    scratch.clear()
    step(entry, scratch)
    return scratch.toString()
  }
}

const NOTHING: Cell = () => ''

/** A field's value; nothing where it is absent. */
export function field(path: string): CellOf {
  return (shape) => value(placeIfAny(shape, path))
}

function value(one: Place | undefined): Cell {
  if (one === undefined) return NOTHING
  const print = written(plainValue(one))
  return (entry) => (entry.slots[one.slot] === 0 ? '' : print(entry))
}

/** The same, but nothing for what most entries have: 0. */
export const unlessZero =
  (path: string): CellOf =>
  (shape) => {
    const print = field(path)(shape)
    return (entry) => print(entry).replace(/^0$/, '')
  }

/** The name of an installed protocol, or the number of another. */
export const protocolName: CellOf = (shape) => {
  const { name, number } = shape.variant.protocol
  const own = value(placeIfAny(shape, 'original.protocolNumber') ?? placeIfAny(shape, 'tuple.protocolNumber'))
  return number < 0 ? own : () => name
}

/** One end of a tuple: `10.0.0.1:80`, `[fd00::1]:80`, without ports the address alone. */
export function end(path: string, which: 'source' | 'destination'): CellOf {
  return (shape) => {
    const addresses = addressPlaces(shape, `${path}.${which}`).map(value)
    const port = value(placeIfAny(shape, `${path}.${which}Port`))
    return (entry) => {
      const address = addresses.map((print) => print(entry)).join('')
      const number = port(entry)
      if (number === '') return address
      return address.includes(':') ? `[${address}]:${number}` : `${address}:${number}`
    }
  }
}

/** What a tuple has in place of ports: `type=8 code=0 id=77`. */
export const detail =
  (path: string): CellOf =>
  (shape) => {
    const parts = labelsOf(shape, path)
      .filter(([name]) => !name.endsWith('Port'))
      .map(([name, label]) => ({ label, print: printed(place(shape, `${path}.${name}`)) }))
    return (entry) =>
      parts
        .map(({ label, print }) => ({ label, text: print(entry) }))
        .filter(({ text }) => text !== '')
        .map(({ label, text }) => `${label}=${text}`)
        .join(' ')
  }

/** A value as a line has it. */
function printed({ slot, kind }: Place): Cell {
  const print = written(({ bytes, slots }, text) => kind.print(text, bytes, slots[slot], kind.size ?? payloadLength(bytes, slots[slot])))
  return (entry) => (entry.slots[slot] === 0 ? '' : print(entry))
}

/** The ends that packets really have after translation, where the reply direction is not the opposite of the original one. */
export const translation: CellOf = (shape) => {
  const pairs = [
    { word: 'src', before: end('original', 'source')(shape), after: end('reply', 'destination')(shape) },
    { word: 'dst', before: end('original', 'destination')(shape), after: end('reply', 'source')(shape) },
  ]
  return (entry) =>
    pairs
      .filter(({ before, after }) => before(entry) !== after(entry))
      .map(({ word, after }) => `${word}=${after(entry)}`)
      .join(' ')
}

/** Who handles the flow, or how far it has come. */
export const fate: CellOf = (shape) => {
  const bits = (['HW_OFFLOAD', 'OFFLOAD', 'ASSURED'] as const).map((name) => ({ name, isSet: statusBit(shape, name) }))
  const isReplied = statusBit(shape, 'SEEN_REPLY')
  return (entry) => bits.find(({ isSet }) => isSet(entry))?.name ?? (isReplied(entry) === false ? 'UNREPLIED' : '')
}

/** Seconds as people say them, in two units at most: `59s`, `2m5s`, `4d23h`. */
export function duration(seconds: number): string {
  const units = [
    ['d', 86400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const
  const first = units.findIndex(([, size]) => seconds >= size)
  if (first < 0) return '0s'
  const [unit, size] = units[first]
  const [nextUnit, nextSize] = units[first + 1] ?? ['', Infinity]
  const rest = Math.floor((seconds % size) / nextSize)
  return `${Math.floor(seconds / size)}${unit}${rest === 0 ? '' : `${rest}${nextUnit}`}`
}

/** A large number in four digits at most: `9999`, `12.3K`, `4.56M`. */
export function short(number: bigint): string {
  if (number < 10000n) return String(number)
  let rest = Number(number)
  let unit = 0
  while (rest >= 999.5) {
    rest /= 1000
    unit++
  }
  return `${rest.toPrecision(3)}${'KMGTPE'[unit - 1]}`
}

/** What was counted in both directions: `4/3`. */
export const counters =
  (name: 'packets' | 'bytes'): CellOf =>
  (shape) => {
    const [original, reply] = ['original', 'reply'].map((side) => value(placeIfAny(shape, `${side}Counters.${name}`)))
    return (entry) => (original(entry) === '' ? '' : `${short(BigInt(original(entry)))}/${short(BigInt(reply(entry) || '0'))}`)
  }

/** How long it stays without another packet. */
export const remaining: CellOf = (shape) => {
  const print = field('timeout')(shape)
  return (entry) => (print(entry) === '' ? '' : duration(Number(print(entry))))
}

/** How old a flow is, where the kernel keeps the time. */
export const age: CellOf = (shape) => {
  const [start, stop] = [place(shape, 'timestamp.start'), place(shape, 'timestamp.stop')]
  return (entry) => (entry.slots[start.slot] === 0 ? '' : duration(ageInSeconds(entry, start, stop)))
}

/** The zone of both directions, or of the one that has one. */
export const zones: CellOf = (shape) => {
  const [both, original, reply] = ['zone', 'original.zone', 'reply.zone'].map((path) => value(placeIfAny(shape, path)))
  return (entry) =>
    both(entry) || [original(entry) && `orig=${original(entry)}`, reply(entry) && `reply=${reply(entry)}`].filter(Boolean).join(',')
}

/** The state, of protocols that have one. */
export const state: CellOf = (shape) => {
  const { protocol } = shape.variant
  return value(placeIfAny(shape, protocol.state))
}

/** The labels that have names. */
export const labels =
  (names: LabelNames): CellOf =>
  (shape) => {
    const { slot } = place(shape, 'labels')
    return ({ bytes, slots }) => (slots[slot] === 0 ? '' : namesAt(bytes, slots[slot], names).join(','))
  }
