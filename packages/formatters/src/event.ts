import {
  type EventFormatter,
  type EventType,
  type Formatter,
  type Print,
  printable,
  type ProtocolVariant,
  type Shape,
  word,
} from '@conntrack/core/plugin'
import { type Step, sequence } from './parts.ts'
import { dated, when } from './time.ts'

/** What is shown of an event besides the entry. */
export interface EventOptions {
  /** When it happened. */
  readonly timestamp?: boolean
  /** The name of the program behind a netlink port id, where it is known. */
  readonly program?: (portId: number) => string | undefined
  /** Whether lines tell the port id by which a program made a change; they do if absent. */
  readonly userspace?: boolean
}

type PrintEntry = Print<ProtocolVariant>

/** A constant for each type of event, as bytes. */
export function byType(constant: (type: EventType) => string): Readonly<Record<EventType, Uint8Array>> {
  return { new: word(constant('new')), update: word(constant('update')), destroy: word(constant('destroy')) }
}

const PREFIX = byType((type) => `${`[${type.toUpperCase()}]`.padStart(9)} `)

/**
 * Events as lines, byte for byte as conntrack(8) prints them: what has happened, the entry as `entry` writes it, and who made the
 * change, if a program did. Those that were lost and found are marked.
 */
export function eventLine(entry: Formatter<ProtocolVariant>, options: EventOptions = {}): EventFormatter<ProtocolVariant> {
  return lines('line', () => entry, PREFIX, options)
}

/** Events as lines of commands that do the same again: `-A`, `-U` or `-D`. */
export function eventSave(
  entry: (command: '-A' | '-U' | '-D') => Formatter<ProtocolVariant>,
  options: EventOptions = {},
): EventFormatter<ProtocolVariant> {
  const formatters = { new: entry('-A'), update: entry('-U'), destroy: entry('-D') }
  return lines(
    'save',
    (type) => formatters[type],
    byType(() => ''),
    options,
  )
}

function lines(
  name: string,
  entry: (type: EventType) => Formatter<ProtocolVariant>,
  prefix: Readonly<Record<EventType, Uint8Array>>,
  { timestamp, program, userspace = true }: EventOptions,
): EventFormatter<ProtocolVariant> {
  return {
    name,
    compile(shape) {
      const print: Readonly<Record<EventType, PrintEntry>> = compiled(shape, entry)
      return (event, text) => {
        const { type, synthetic } = event
        const portId = userspace ? event.portId : 0
        if (timestamp) text.string(dated(event.timestamp))
        text.word(prefix[type])
        print[type](event.entry, text)
        if (portId === 0 && !synthetic) return
        // In the place of the line's end.
        text.trim()
        if (portId !== 0) text.string(` [USERSPACE] portid=${portId}${named(program?.(portId))}`)
        text.string(synthetic ? ' [SYNTHETIC]\n' : '\n')
      }
    },
  }
}

const named = (program: string | undefined): string => (program === undefined ? '' : ` progname=${printable(program)}`)

function compiled(shape: Shape<ProtocolVariant>, entry: (type: EventType) => Formatter<ProtocolVariant>): Record<EventType, PrintEntry> {
  return { new: entry('new').compile(shape), update: entry('update').compile(shape), destroy: entry('destroy').compile(shape) }
}

/** What stands in front of each row of cells. */
export interface EventCells {
  /** What parts cells. */
  readonly separator: string
  /** What ends the row of titles. */
  readonly end: string
}

/** Events as rows of cells: what has happened, when, by which port id, and whether it was found, and then the cells of the entry. */
export function eventRows(entry: Formatter<ProtocolVariant>, { separator, end }: EventCells): EventFormatter<ProtocolVariant> {
  const titles = ['event', 'timestamp', 'portId', 'synthetic', (entry.head ?? '').trimEnd()]
  return {
    name: entry.name,
    head: titles.join(separator) + end,
    compile(shape) {
      const print = entry.compile(shape)
      return ({ type, timestamp, portId, synthetic, entry: view }, text) => {
        text.string([type, timestamp, portId, synthetic, ''].join(separator))
        print(view, text)
      }
    },
  }
}

/** The parts of an entry between which an event's element has the time. */
export interface EventElement {
  readonly before: readonly Step[]
  readonly after: readonly Step[]
}

const FLOW = byType((type) => `<flow type="${type}">`)

/** Events as elements of a document like that of `entries`: `<flow type="new">`, then what `element` says of an entry. */
export function eventElements(
  { name, head, tail }: Formatter<ProtocolVariant>,
  { timestamp }: EventOptions,
  element: (shape: Shape<ProtocolVariant>) => EventElement,
): EventFormatter<ProtocolVariant> {
  return {
    name,
    head,
    tail,
    compile(shape) {
      const parts = element(shape)
      const before = sequence(parts.before)
      const after = sequence(parts.after)
      return (event, text) => {
        text.word(FLOW[event.type])
        before(event.entry, text)
        if (timestamp) text.string(when(event.timestamp))
        after(event.entry, text)
      }
    },
  }
}
