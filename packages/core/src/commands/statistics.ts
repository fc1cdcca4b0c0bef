import { Entry } from '../schema/entry.ts'
import { layout } from '../schema/layout.ts'
import type { Decoded, Table } from '../schema/table.ts'
import { expectationMessages, flowMessages, type MessageType } from '../tables/messages.ts'
import { cpuStatisticsTable, expectationStatisticsTable, globalStatisticsTable } from '../tables/statistics.ts'
import { NLM_F_DUMP } from '../transport/message.ts'
import type { Requests } from '../transport/request.ts'

/** What one CPU has counted since start. */
export type CpuStatistics = { readonly cpu: number } & Decoded<typeof cpuStatisticsTable>

/** What one CPU has counted of expectations since start. */
export type ExpectationCpuStatistics = { readonly cpu: number } & Decoded<typeof expectationStatisticsTable>

/** The table as a whole: its entries, its limit (net.netfilter.nf_conntrack_max, where the kernel tells), and what each CPU has counted. */
export type Statistics = Decoded<typeof globalStatisticsTable> & { readonly cpus: readonly CpuStatistics[] }

/** How many entries the table has. */
export function count(requests: Requests): number {
  return globalStatistics(requests).entries
}

/** The table's statistics. */
export function statistics(requests: Requests): Statistics {
  return { ...globalStatistics(requests), cpus: cpuStatistics(requests) }
}

/** What each possible CPU has counted since start. */
export function cpuStatistics(requests: Requests): CpuStatistics[] {
  return perCpu(requests, flowMessages.cpuStatistics, cpuStatisticsTable)
}

/** What each possible CPU has counted of expectations since start. */
export function expectationCpuStatistics(requests: Requests): ExpectationCpuStatistics[] {
  return perCpu(requests, expectationMessages.cpuStatistics, expectationStatisticsTable)
}

function perCpu<T extends Table>(requests: Requests, message: MessageType, table: T): ({ readonly cpu: number } & Decoded<T>)[] {
  const entry = new Entry(layout([{ name: 'cpu', number: 0, table }]))
  const cpus: ({ readonly cpu: number } & Decoded<T>)[] = []
  const replies = requests.ask({ ...message, flags: NLM_F_DUMP, family: 0 })
  while (replies.next()) cpus.push(entry.load(replies).decode({ cpu: replies.resource }) as { cpu: number } & Decoded<T>)
  return cpus
}

function globalStatistics(requests: Requests): Decoded<typeof globalStatisticsTable> {
  const entry = new Entry(layout([{ name: 'global', number: 0, table: globalStatisticsTable }]))
  const replies = requests.ask({ ...flowMessages.globalStatistics, flags: 0, family: 0 })
  const value: Record<string, unknown> = { entries: 0 }
  while (replies.next()) entry.load(replies).decode(value)
  return value as Decoded<typeof globalStatisticsTable>
}
