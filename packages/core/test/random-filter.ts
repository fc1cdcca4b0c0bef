import type { Kind } from '../src/schema/kinds.ts'
import type { Row, Table } from '../src/schema/table.ts'
import type { Random } from './random.ts'
import { randomValue } from './random-flow.ts'
import { isNest } from './schema/match-naively.ts'

type Fields = Record<string, unknown>

/** A value like the flow's own, or any. */
function likely(random: Random, kind: Kind<unknown>, own: unknown): unknown {
  if (own !== undefined && !random.oneIn(3)) return own
  if (typeof own === 'number') return random.pick([Math.max(0, own - 1), 0])
  return randomValue(random, kind)
}

/** A condition that can be on a field of this kind. */
function condition(random: Random, kind: Kind<unknown>, own: unknown, depth = 2): unknown {
  const value = (): unknown => likely(random, kind, own)
  const deeper = (): unknown => condition(random, kind, own, depth - 1)
  if (depth > 0 && random.oneIn(4)) return random.oneIn(2) ? { not: deeper() } : { oneOf: Array.from({ length: random.below(4) }, deeper) }
  const sample = value()
  if (Array.isArray(sample)) {
    const some = (): unknown[] => random.some(value() as unknown[])
    return random.pick([some, () => ({ all: some() }), () => ({ none: some() }), () => ({ all: some(), none: some() })])()
  }
  if (sample instanceof Uint8Array) {
    const mask = random.bytes(sample.length)
    return random.oneIn(2) ? sample : { value: sample.map((byte, i) => byte & mask[i]), mask }
  }
  if (typeof sample === 'string' && kind.name !== 'ipv4' && kind.name !== 'ipv6') return sample
  if (random.oneIn(3)) return sample
  // Both ends of a range must be of one family.
  const another = value()
  const other = typeof sample === 'string' && sample.includes(':') !== String(another).includes(':') ? sample : another
  if (typeof sample === 'string' && random.oneIn(2)) return `${sample}/${random.below(sample.includes(':') ? 129 : 33)}`
  if (random.oneIn(2)) return { from: sample, to: other }
  if (typeof sample !== 'number') return { value: sample, mask: other }
  const mask = randomValue(random, kind) as number
  return { value: random.oneIn(4) ? sample : Number(BigInt(sample) & BigInt(mask)), mask }
}

/** Conditions on one to three fields of a table. */
function conditions(random: Random, table: Table, own: Fields, family: 'ipv4' | 'ipv6', prefix = ''): Fields {
  const names = Object.keys(table).filter((name) => table[name].row !== 'nest' || isNest(prefix + name))
  const chosen = Array.from({ length: random.oneIn(2) ? 1 : 2 }, () => random.pick(names))
  return Object.fromEntries(
    chosen.map((name) => {
      const row: Row = table[name]
      if (row.row === 'nest') return [name, conditions(random, row.table, (own[name] ?? {}) as Fields, family, `${name}.`)]
      const { kind } = row.row === 'attribute' ? row : row.alternatives[family === 'ipv4' ? 0 : 1]
      return [name, condition(random, kind, own[name])]
    }),
  )
}

/** A filter out of the table of one protocol; many hold for the flow `own`. */
export function randomFilter(random: Random, table: Table, own: Fields, protocols: readonly string[]): Fields {
  const family = random.pick(['ipv4', 'ipv6'] as const)
  return {
    ...(random.oneIn(4) ? { protocol: random.pick(protocols) } : {}),
    ...(random.oneIn(4) ? { family } : {}),
    ...conditions(random, table, own, random.oneIn(4) ? family : (own.family as 'ipv4' | 'ipv6')),
  }
}
