import { expectationMessages, flowMessages } from '../tables/messages.ts'
import { cpuStatisticsTable, expectationStatisticsTable, globalStatisticsTable } from '../tables/statistics.ts'
import { kernelEncoder } from './codec.ts'
import type { Answer } from './request.ts'
import type { World } from './world.ts'

/** What this kernel counts of flows; what is counted of packets stays 0, since none come. */
const COUNTED = ['insert', 'insertFailed', 'drop', 'earlyDrop'] as const
/** What a kernel of today sends besides, as it counts packets. */
const SENT = ['found', 'invalid', 'error', 'searchRestart', 'clashResolve', 'chainTooLong'] as const

/** Counters since the kernel was made. */
export class Statistics {
  readonly flows: Record<(typeof COUNTED)[number], number> = { insert: 0, insertFailed: 0, drop: 0, earlyDrop: 0 }
  readonly expectations: { new: number; create: number; delete: number } = { new: 0, create: 0, delete: 0 }
}

const cpuEncoder = kernelEncoder(cpuStatisticsTable)
const expectationEncoder = kernelEncoder(expectationStatisticsTable)
const globalEncoder = kernelEncoder(globalStatisticsTable)

/** IPCTNL_MSG_CT_GET_STATS_CPU: a message for each CPU. The first one has done all the work. */
export function cpuStatistics({ settings, statistics }: World): Answer[] {
  const zero = Object.fromEntries([...SENT, ...COUNTED].map((name) => [name, 0]))
  return Array.from({ length: settings.cpus }, (_, cpu) => ({
    type: flowMessages.cpuStatistics.type,
    family: 0,
    resource: cpu,
    body: cpuEncoder.encode(cpu === 0 ? { ...zero, ...statistics.flows } : zero),
  }))
}

/** IPCTNL_MSG_EXP_GET_STATS_CPU. */
export function expectationCpuStatistics({ settings, statistics }: World): Answer[] {
  return Array.from({ length: settings.cpus }, (_, cpu) => ({
    type: expectationMessages.cpuStatistics.type,
    family: 0,
    resource: cpu,
    body: expectationEncoder.encode(cpu === 0 ? statistics.expectations : { new: 0, create: 0, delete: 0 }),
  }))
}

/** IPCTNL_MSG_CT_GET_STATS. */
export function globalStatistics({ flows, settings }: World): Answer[] {
  const body = globalEncoder.encode({ entries: flows.size, maximum: settings.maximum })
  return [{ type: flowMessages.globalStatistics.type, family: 0, body }]
}
