import { expectationVariants, flowVariants, type Protocol, type Table, u64 } from '@conntrack/core/plugin'

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads lines that `json` and `jsonRecord` wrote: the SDK's objects again, with bigints and bytes where it has them, and `version` beside
 * them. Fields and protocols that are not known stay as they are.
 * @throws SyntaxError when a line is no JSON
 */
export function jsonReader(protocols: readonly Protocol[]): (line: string) => unknown {
  const flows = tablesByName(flowVariants(protocols))
  const expectations = tablesByName(expectationVariants(protocols))
  const entry = (value: Fields): Fields => {
    const table = ('tuple' in value ? expectations : flows).get(value.protocol as string)
    return table === undefined ? value : revived(value, table)
  }
  const event = (value: Fields): Fields =>
    Object.fromEntries(
      Object.entries(value).map(([field, one]) => {
        if (TIMES.has(field) && typeof one === 'string') return [field, u64.revive?.(one)]
        return [field, (field === 'flow' || field === 'expectation') && isObject(one) ? entry(one) : one]
      }),
    )
  return (line) => {
    const value: unknown = JSON.parse(line)
    if (!isObject(value)) return value
    return 'type' in value ? event(value) : entry(value)
  }
}

/** The fields of events that are 64-bit numbers. */
const TIMES: ReadonlySet<string> = new Set(['timestamp', 'since'])

const tablesByName = (variants: readonly { readonly name: string; readonly table: Table }[]): ReadonlyMap<string, Table> =>
  new Map(variants.map(({ name, table }) => [name, table]))

function revived(value: Fields, table: Table): Fields {
  return Object.fromEntries(
    Object.entries(value).map(([field, one]) => {
      const row = Object.hasOwn(table, field) ? table[field] : undefined
      if (row?.row === 'nest' && isObject(one)) return [field, revived(one, row.table)]
      const kind = row?.row === 'attribute' ? row.kind : undefined
      return [field, kind?.revive !== undefined && typeof one === 'string' ? kind.revive(one) : one]
    }),
  )
}

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
