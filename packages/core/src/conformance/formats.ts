import type { Formatter } from '../schema/entry.ts'
import type { Attribute } from '../schema/table.ts'
import type { Protocol, ProtocolVariant } from '../tables/protocol.ts'
import { type Check, must, same } from './check.ts'
import type { Fields } from './fields.ts'
import { at, eachFlow, printed } from './texts.ts'

/** Formatters that are tried where they are given. */
export interface MoreFormatters {
  /** `-o xml`: `xml()`. */
  readonly xml?: Formatter<ProtocolVariant>
  /** `-o csv`: `csv([protocol])`. */
  readonly csv?: Formatter<ProtocolVariant>
  /** `-o table`: `tableRows()`. */
  readonly table?: Formatter<ProtocolVariant>
}

/** Whether the formats that are made of elements and cells tell what the object tells. */
export function formats(protocol: Protocol, { xml, csv, table }: MoreFormatters): Check[] {
  return [
    ...(xml === undefined ? [] : [inXml(protocol, xml)]),
    ...(csv === undefined ? [] : [inCsv(protocol, csv)]),
    ...(table === undefined ? [] : [inTable(protocol, table)]),
  ]
}

const SIDES = ['original', 'reply'] as const

/** A field of the protocol's part of a tuple, as lines show it; undefined where a flow has none. */
function shown({ tuple }: Protocol, flow: Fields, side: string, field: string): string | undefined {
  const value = at(flow, `${side}.${field}`)
  return value === undefined ? undefined : printed(tuple[field] as Attribute<unknown>, value)
}

function stateOf({ protoinfo, state }: Protocol, flow: Fields): string | undefined {
  const value = state === undefined ? undefined : flow[state]
  return state === undefined || value === undefined ? undefined : printed(protoinfo[state] as Attribute<unknown>, value)
}

function inXml(protocol: Protocol, xml: Formatter<ProtocolVariant>): Check {
  return {
    name: 'XML has an element for each field of its tuple, and for its state',
    run: () =>
      eachFlow(protocol, xml, (text, flow) => {
        const open: string[] = []
        for (const [tag, end, name, empty] of text.matchAll(/<(\/?)([a-z0-9-]+)(?: [a-z]+="[^"<]*")*(\/?)>/g))
          if (end !== '') must(open.pop() === name, `${tag} ends what is not open in '${text}'`)
          else if (empty === '') open.push(name)
        same(open, [], 'elements that are not ended')
        for (const side of SIDES) {
          const [, layer4 = ''] = new RegExp(`<meta direction="${side}">.*?<layer4 [^>]*>(.*?)</layer4>`).exec(text) ?? []
          for (const [field, label] of Object.entries(protocol.labels)) {
            const value = shown(protocol, flow, side, field)
            if (value !== undefined) must(layer4.includes(`<${label}>${value}</${label}>`), `${side} ${label} ${value} is not in '${text}'`)
          }
        }
        const state = stateOf(protocol, flow)
        must(state === undefined || text.includes(`<state>${state}</state>`), `the state ${state} is not in '${text}'`)
      }),
  }
}

function inCsv(protocol: Protocol, csv: Formatter<ProtocolVariant>): Check {
  return {
    name: 'CSV has a column for each of its fields, with what the option of it takes',
    run() {
      const columns = cellsOf(csv.head ?? '')
      const rows = [
        ...SIDES.flatMap((side) => Object.entries(protocol.tuple).map(([field, row]) => ({ path: `${side}.${field}`, row }))),
        ...Object.entries(protocol.protoinfo).map(([path, row]) => ({ path, row })),
      ]
      eachFlow(protocol, csv, (text, flow) => {
        const cells = cellsOf(text)
        same(cells.length, columns.length, `cells of '${text}'`)
        for (const { path, row } of rows) {
          const cell = cells[columns.indexOf(path)]
          const value = at(flow, path)
          if (value === undefined) same(cell, '', path)
          else same((row as Attribute<unknown>).kind.parse(cell), value, path)
        }
      })
    },
  }
}

/** The cells of a row by RFC 4180. */
function cellsOf(row: string): string[] {
  const cells = row.trimEnd().matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)
  return Array.from(cells, ([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain)
}

function inTable(protocol: Protocol, table: Formatter<ProtocolVariant>): Check {
  return {
    name: 'a table shows its tuple and its state',
    run: () =>
      eachFlow(protocol, table, (text, flow) => {
        const cells = text.trimEnd().split('\t')
        same(cells[0], protocol.name, 'protocol')
        const words = cells.flatMap((cell) => cell.split(/[ ,:]|\]:/))
        for (const [field, label] of Object.entries(protocol.labels)) {
          const value = shown(protocol, flow, 'original', field)
          const isThere = value === undefined || words.includes(value) || words.includes(`${label}=${value}`)
          must(isThere, `${label} ${value} is not in '${text}'`)
        }
        // A state without a name is a number here.
        const state = stateOf(protocol, flow)
        const isThere = state === undefined || cells.includes(state) || cells.includes(String(flow[protocol.state as string]))
        must(isThere, `the state ${state} is not in '${text}'`)
      }),
  }
}
