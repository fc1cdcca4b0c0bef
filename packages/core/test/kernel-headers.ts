import { existsSync, readFileSync } from 'node:fs'
import type { Test } from 'tap'
import type { Row, Step, Table } from '../src/schema/table.ts'

const FOLDER = '/usr/include/linux/netfilter'

/** Why tests that read the kernel's headers are skipped, or false. */
export const skipHeaders: string | false = existsSync(`${FOLDER}/nfnetlink_conntrack.h`)
  ? false
  : `the kernel's headers (Debian: linux-libc-dev) are not installed`

/** The constants of the enums of a header, and those that #define gives a number. */
export interface Header {
  readonly enums: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly defines: ReadonlyMap<string, number>
}

/** Reads a header of linux/netfilter. */
export function readHeader(name: string): Header {
  const text = readFileSync(`${FOLDER}/${name}`, 'utf8').replaceAll(/\/\*.*?\*\//gs, '')
  const defines = new Map([...text.matchAll(/^#define\s+(\w+)\s+(0x[0-9a-fA-F]+|\d+)\s*$/gm)].map(([, key, value]) => [key, Number(value)]))
  const known = new Map<string, number>()
  const enums = new Map<string, Map<string, number>>()
  for (const [, own, body] of text.replaceAll(/^#.*$/gm, '').matchAll(/^enum\s+(\w+)\s*\{(.*?)\}/gms)) {
    const values = new Map<string, number>()
    let next = 0
    for (const item of body.split(',').filter((one) => one.trim() !== '')) {
      const [, key, expression] = /^\s*(\w+)\s*(?:=\s*(.*))?$/s.exec(item) ?? []
      const value = expression === undefined ? next : evaluate(expression, known)
      next = value + 1
      known.set(key, value)
      values.set(key, value)
    }
    enums.set(own, values)
  }
  return { enums, defines }
}

/** A number, a constant, a shift, a sum or an or of those. */
function evaluate(expression: string, known: ReadonlyMap<string, number>): number {
  const terms = expression.replaceAll(/[()]/g, ' ').split(/[|+]/)
  const one = (token: string): number => known.get(token.trim()) ?? Number(token)
  const value = terms.reduce(
    (sum, term) =>
      sum +
      term
        .split('<<')
        .map(one)
        .reduce((left, right) => left << right),
    0,
  )
  if (!Number.isSafeInteger(value)) throw new Error(`cannot evaluate '${expression}'`)
  return value
}

/** Every attribute of a table, those within others included, by the kernel's name. */
export function attributesOf(table: Table): Map<string, number> {
  const found = new Map<string, number>()
  const note = (path: readonly Step[]): void => {
    for (const { id, name } of path) {
      if (found.has(name) && found.get(name) !== id) throw new Error(`${name} is both ${found.get(name)} and ${id}`)
      found.set(name, id)
    }
  }
  const walk = (rows: readonly Row[]): void => {
    for (const row of rows) {
      if (row.row === 'perFamily') walk(row.alternatives)
      else note(row.path)
      if (row.row === 'nest') walk(Object.values(row.table))
    }
  }
  walk(Object.values(table))
  return found
}

/** Says that a table's attributes have the numbers that the header gives their names. `newer` are those too new for any header. */
export function sameAsHeader(t: Test, table: Table, newer: Readonly<Record<string, number>> = {}): void {
  const header = new Map([...readHeader('nfnetlink_conntrack.h').enums.values()].flatMap((values) => [...values]))
  const attributes = attributesOf(table)
  t.ok(attributes.size > 0)
  for (const [name, id] of attributes) t.equal(id, header.get(name) ?? newer[name], name)
}

/** The attributes of an enum that are not in a table; UNSPEC, MAX and PAD are in none. */
export function missingFrom(table: Table, enumeration: string): string[] {
  const attributes = attributesOf(table)
  const values = readHeader('nfnetlink_conntrack.h').enums.get(enumeration)
  if (values === undefined) throw new Error(`no enum ${enumeration}`)
  return [...values.keys()].filter((name) => !attributes.has(name) && !/^__|_(UNSPEC|MAX|PAD)$/.test(name))
}
