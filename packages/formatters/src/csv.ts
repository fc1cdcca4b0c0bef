import {
  expectationVariants,
  type Field,
  flowVariants,
  type Formatter,
  type Protocol,
  type ProtocolVariant,
  type Row,
  type Shape,
  type Table,
  type Text,
  word,
} from '@conntrack/core/plugin'
import type { JsonOptions } from './json.ts'
import { type LabelNames, namesAt } from './labels.ts'
import { placeIfAny, plainValue, type Step } from './parts.ts'

/**
 * Flows as CSV (RFC 4180): a header, and one row for each. There is a column for every field of the SDK's flow, by its path
 * (`original.sourcePort`), in the order of the tables, and for each of the given protocols' own fields: the columns depend on the protocols
 * alone, and not on what is listed. Empty is absent. Values are those of the JSON; lists have commas, so they stand in quotes. With names of
 * labels there is a last column of them, `labelNames`.
 */
export function csv(protocols: readonly Protocol[], { labels }: JsonOptions = {}): Formatter<ProtocolVariant> {
  return csvOf(flowVariants(protocols), labels)
}

/** Expectations as CSV in the same way. */
export function expectationCsv(protocols: readonly Protocol[]): Formatter<ProtocolVariant> {
  return csvOf(expectationVariants(protocols))
}

/** Fields that are only sent to the kernel, and the halves of counters that it has not sent for long. */
const NEVER_TOLD = /^(markMask|statusMask|labelsMask|sourceNat\..*|destinationNat\..*|filter\..*|.*Counters\..*32)$/

const END = word('\r\n')
const COMMA = 0x2c
const QUOTE = 0x22

function csvOf(variants: readonly ProtocolVariant[], labels?: LabelNames): Formatter<ProtocolVariant> {
  const columns = merged(variants.map(({ table }) => paths(table))).filter((path) => !NEVER_TOLD.test(path))
  return {
    name: 'csv',
    head: `${['protocol', 'family', ...columns, ...(labels === undefined ? [] : ['labelNames'])].join(',')}\r\n`,
    compile(shape) {
      const { variant, fields } = shape
      const start = word(variant.name)
      const cells = [...columns.map((path) => cell(fields.get(path))), ...(labels === undefined ? [] : [namesCell(shape, labels)])]
      return (entry, text) => {
        text.word(start)
        text.word(entry.message.family === AF_INET6 ? IPV6 : IPV4)
        for (const print of cells) {
          text.byte(COMMA)
          print(entry, text)
        }
        text.word(END)
      }
    },
  }
}

const AF_INET6 = 10
const IPV4 = word(',ipv4')
const IPV6 = word(',ipv6')

/** The paths of all leaves of a table. */
function paths(table: Table, prefix = ''): string[] {
  return Object.entries<Row>(table).flatMap(([field, row]) =>
    row.row === 'nest' ? paths(row.table, `${prefix}${field}.`) : [`${prefix}${field}`],
  )
}

/** Lists with common parts as one: what a list adds stands behind what it stands behind there, and behind what others added there. */
function merged(lists: readonly (readonly string[])[]): string[] {
  const all: string[] = []
  for (const list of lists) {
    let at = 0
    for (const one of list) {
      const known = all.indexOf(one)
      if (known < 0) while (at < all.length && !list.includes(all[at])) at++
      if (known < 0) all.splice(at++, 0, one)
      else at = known + 1
    }
  }
  return all
}

/** A field's value, in quotes where it has to be; nothing where it is absent. */
function cell(field: Field | undefined): Step {
  const prints = (field?.places ?? []).map((place) => ({ slot: place.slot, print: plainValue(place) }))
  return (entry, text) => {
    for (const { slot, print } of prints) {
      if (entry.slots[slot] === 0) continue
      const start = text.length
      print(entry, text)
      quote(text, start)
      return
    }
  }
}

/** The names of the labels that have one. A name has neither commas nor quotes. */
function namesCell(shape: Shape<ProtocolVariant>, labels: LabelNames): Step {
  const place = placeIfAny(shape, 'labels')
  return ({ bytes, slots }, text) => {
    const at = place === undefined ? 0 : slots[place.slot]
    if (at === 0) return
    const start = text.length
    text.string(namesAt(bytes, at, labels).join(','))
    quote(text, start)
  }
}

/** Puts what was written since `start` into quotes, where it has a comma or a quote; line ends it has none, which are no printable text. */
function quote(text: Text, start: number): void {
  if (has(text, start, QUOTE)) {
    const value = new TextDecoder().decode(text.view().subarray(start))
    text.length = start
    text.string(`"${value.replaceAll('"', '""')}"`)
  } else if (has(text, start, COMMA)) {
    text.byte(QUOTE)
    text.bytes.copyWithin(start + 1, start, text.length - 1)
    text.bytes[start] = QUOTE
    text.byte(QUOTE)
  }
}

function has({ bytes, length }: Text, start: number, wanted: number): boolean {
  for (let i = start; i < length; i++) if (bytes[i] === wanted) return true
  return false
}
