import t from 'tap'
import { cpuStatisticsTable, expectationStatisticsTable, globalStatisticsTable } from '../../src/tables/statistics.ts'
import { missingFrom, sameAsHeader, skipHeaders as skip } from '../kernel-headers.ts'

for (const [enumeration, table] of [
  ['ctattr_stats_cpu', cpuStatisticsTable],
  ['ctattr_stats_global', globalStatisticsTable],
  ['ctattr_expect_stats', expectationStatisticsTable],
] as const) {
  t.test(`the table of enum ${enumeration} is whole and has the kernel's numbers`, { skip }, (t) => {
    sameAsHeader(t, table)
    t.strictSame(missingFrom(table, enumeration), [])
    t.end()
  })
}

t.test("a counter's name is the kernel's", (t) => {
  const constants = (table: object): string[] => Object.keys(table).map((field) => field.replaceAll(/[A-Z]/g, '_$&').toUpperCase())
  const names = Object.values(cpuStatisticsTable).map(({ path }) => path[0].name.replace('CTA_STATS_', ''))
  t.strictSame(
    constants(cpuStatisticsTable),
    names.map((name) => (name === 'CHAIN_TOOLONG' ? 'CHAIN_TOO_LONG' : name)),
  )
  t.end()
})
