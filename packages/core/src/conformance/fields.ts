import type { Kind } from '../schema/kinds.ts'
import type { Row, Table } from '../schema/table.ts'
import type { Random } from './random.ts'

/** Fields by name, of whatever table. */
export type Fields = Readonly<Record<string, unknown>>

/** Any value of a kind: what it reads from any bytes. */
export function randomValue(random: Random, kind: Kind<unknown>): unknown {
  if (kind.size !== undefined) return kind.read(random.bytes(kind.size), 0, kind.size)
  const length = random.below(20)
  const payload = kind.name === 'bytes' ? random.bytes(length) : Uint8Array.from({ length }, () => 0x20 + random.below(0x5f))
  return kind.read(payload, 0, length)
}

/**
 * Some fields of a table with any values, as decoding gives them: addresses of one family, and no empty objects but those that are
 * always there. Rows for which `skip` holds are left out.
 */
export function randomFields(
  random: Random,
  table: Table,
  family: 'ipv4' | 'ipv6',
  skip: (row: Row) => boolean = () => false,
): Record<string, unknown> {
  const value: Record<string, unknown> = {}
  for (const [field, row] of Object.entries(table)) {
    const always = 'always' in row
    if (skip(row) || (!always && random.oneIn(3))) continue
    if (row.row === 'nest') {
      const inner = randomFields(random, row.table, family, skip)
      if (always || Object.keys(inner).length > 0) value[field] = inner
    } else {
      const { kind } = row.row === 'perFamily' ? row.alternatives[family === 'ipv4' ? 0 : 1] : row
      value[field] = randomValue(random, kind)
    }
  }
  return value
}
