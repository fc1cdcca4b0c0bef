import { type Formatter, portOptions, type ProtocolVariant, type Shape, word } from '@conntrack/core/plugin'
import { addressPlaces, endOfLine, labelled, place, placeIfAny, type Step, sequence } from './parts.ts'
import { argument, unknownName } from './save.ts'

/**
 * An expectation as options that make it again: a line for `conntrack -R`, to be done when its master connection is there. With `-D`, as
 * options that delete it. The kernel gives a new one the time that its helper has for it, and what is told of NAT is left out.
 */
export function expectationSave(command: '-I' | '-D' = '-I'): Formatter<ProtocolVariant> {
  return { name: 'save', compile: (shape) => sequence([...(command === '-I' ? creation(shape) : removal(shape)), endOfLine]) }
}

const start = (text: string): Step => {
  const first = word(text)
  return (_, out) => out.word(first)
}

function creation(shape: Shape<ProtocolVariant>): Step[] {
  return [
    start('-I expect '),
    labelled('-t ', place(shape, 'timeout')),
    labelled('-w ', place(shape, 'zone')),
    ifAny('--class ', shape, 'class'),
    ifAny('--expect-flags ', shape, 'flags'),
    ...addresses(shape, 'master', '-s ', '-d '),
    ...addresses(shape, 'tuple', '--tuple-src ', '--tuple-dst '),
    ...addresses(shape, 'mask', '--mask-src ', '--mask-dst '),
    protocolName(shape),
    masterProtocol(shape),
    ...portOptions
      .filter(({ sets }) => sets.startsWith('original.'))
      .map((option) => argument(option, placeIfAny(shape, option.sets.replace('original', 'master')))),
    ...shape.variant.protocol.options
      .filter(({ sets }) => /^(tuple|mask)\./.test(sets))
      .map((option) => argument(option, placeIfAny(shape, option.sets))),
  ]
}

/** What conntrack(8) wants to know of one that is to be deleted. */
function removal(shape: Shape<ProtocolVariant>): Step[] {
  return [
    start('-D expect '),
    labelled('-w ', place(shape, 'zone')),
    ...addresses(shape, 'tuple', '-s ', '-d '),
    protocolName(shape),
    ...shape.variant.protocol.options
      .filter(({ sets }) => sets.startsWith('original.'))
      .map((option) => argument(option, placeIfAny(shape, option.sets.replace('original', 'tuple')))),
  ]
}

const addresses = (shape: Shape<ProtocolVariant>, path: string, source: string, destination: string): Step[] => [
  ...addressPlaces(shape, `${path}.source`).map((one) => labelled(source, one)),
  ...addressPlaces(shape, `${path}.destination`).map((one) => labelled(destination, one)),
]

/** An option for a number that is not 0, or flags of which one is set: both are four bytes. */
function ifAny(option: string, shape: Shape<ProtocolVariant>, path: string): Step {
  const one = place(shape, path)
  const print = labelled(option, one)
  return (entry, text) => {
    const at = entry.slots[one.slot]
    if (at !== 0 && entry.bytes.subarray(at, at + 4).some((byte) => byte !== 0)) print(entry, text)
  }
}

/** The master's protocol, where it is another or what is expected has no ports, of which the master has some. */
function masterProtocol(shape: Shape<ProtocolVariant>): Step {
  const [master, own] = [place(shape, 'master.protocolNumber'), place(shape, 'tuple.protocolNumber')]
  const print = labelled('--master-protonum ', master)
  if (placeIfAny(shape, 'tuple.sourcePort') === undefined) return print
  return (entry, text) => {
    if (!entry.isSame(master, own)) print(entry, text)
  }
}

/** `-p tcp`, or the number of a protocol that is not installed. */
function protocolName(shape: Shape<ProtocolVariant>): Step {
  const { name, number } = shape.variant.protocol
  return number < 0 ? unknownName(shape, 'tuple') : start(`-p ${name} `)
}
