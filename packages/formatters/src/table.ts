import type { Formatter, ProtocolVariant } from '@conntrack/core/plugin'
import type { Column } from './align.ts'
import type { LabelNames } from './labels.ts'
import {
  age,
  type CellOf,
  counters,
  detail,
  end,
  fate,
  field,
  labels as labelsOf,
  protocolName,
  remaining,
  state,
  translation,
  unlessZero,
  zones,
} from './table-cells.ts'

/** What a table of flows shows besides the usual. */
export interface TableOptions {
  /** The kernel's id of each flow. */
  readonly id?: boolean
  /** The labels, by these names. */
  readonly labels?: LabelNames
}

/** A column with what stands in it. */
interface Content extends Column {
  readonly of: CellOf
}

/** Between the cells of a row: no cell has one, since values that come from outside have no control characters. */
const TAB = '\t'

/**
 * Flows as rows of cells: `align` makes a table of them. The first line has the columns' titles.
 * Two values with `/` between them are of the original and of the reply direction.
 */
export function tableRows(options: TableOptions = {}): Formatter<ProtocolVariant> {
  return rows(flowContents(options))
}

/** Expectations in the same way. */
export function expectationTableRows(): Formatter<ProtocolVariant> {
  return rows(EXPECTATION)
}

/** The columns of {@link tableRows}. */
export function tableColumns(options: TableOptions = {}): readonly Column[] {
  return flowContents(options)
}

/** The columns of {@link expectationTableRows}. */
export const expectationTableColumns = (): readonly Column[] => EXPECTATION

function rows(contents: readonly Content[]): Formatter<ProtocolVariant> {
  return {
    name: 'table',
    head: `${contents.map(({ title }) => title).join(TAB)}\n`,
    compile(shape) {
      const cells = contents.map(({ of }) => of(shape))
      return (entry, text) => text.string(`${cells.map((cell) => cell(entry)).join(TAB)}\n`)
    },
  }
}

function flowContents({ id, labels }: TableOptions): readonly Content[] {
  return [
    { title: 'PROTO', rank: 0, of: protocolName },
    { title: 'STATE', rank: 1, toned: true, of: state },
    { title: 'SOURCE', rank: 0, of: end('original', 'source') },
    { title: 'DESTINATION', rank: 0, below: true, of: end('original', 'destination') },
    { title: 'DETAIL', rank: 10, named: true, of: detail('original') },
    { title: 'NAT', rank: 11, named: true, of: translation },
    { title: 'STATUS', rank: 2, toned: true, of: fate },
    { title: 'TIMEOUT', rank: 3, right: true, of: remaining },
    { title: 'AGE', rank: 9, right: true, of: age },
    { title: 'PACKETS', rank: 5, right: true, of: counters('packets') },
    { title: 'BYTES', rank: 4, right: true, of: counters('bytes') },
    { title: 'MARK', rank: 6, right: true, of: unlessZero('mark') },
    { title: 'ZONE', rank: 7, right: true, of: zones },
    { title: 'HELPER', rank: 8, of: field('helper.name') },
    ...(labels === undefined ? [] : [{ title: 'LABELS', rank: 8, of: labelsOf(labels) }]),
    { title: 'SECCTX', rank: 13, of: field('securityContext.name') },
    ...(id ? [{ title: 'ID', rank: 12, right: true as const, of: field('id') }] : []),
  ]
}

const EXPECTATION: readonly Content[] = [
  { title: 'PROTO', rank: 0, of: protocolName },
  { title: 'SOURCE', rank: 0, of: end('tuple', 'source') },
  { title: 'DESTINATION', rank: 0, below: true, of: end('tuple', 'destination') },
  { title: 'DETAIL', rank: 10, named: true, of: detail('tuple') },
  { title: 'TIMEOUT', rank: 1, right: true, of: remaining },
  { title: 'HELPER', rank: 2, of: field('helper') },
  { title: 'FLAGS', rank: 6, of: field('flags') },
  { title: 'ZONE', rank: 5, right: true, of: unlessZero('zone') },
  { title: 'MASTER-SRC', rank: 3, of: end('master', 'source') },
  { title: 'MASTER-DST', rank: 3, of: end('master', 'destination') },
  { title: 'MASK-SRC', rank: 7, of: end('mask', 'source') },
  { title: 'MASK-DST', rank: 7, of: end('mask', 'destination') },
]
