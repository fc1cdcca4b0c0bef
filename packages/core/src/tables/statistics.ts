import { u32 } from '../schema/kinds.ts'
import { always, attribute } from '../schema/table.ts'

/** enum ctattr_stats_cpu: events counted by one CPU since start. Which of them are sent depends on the kernel's age. */
export const cpuStatisticsTable = {
  searched: attribute(1, 'CTA_STATS_SEARCHED', u32),
  found: attribute(2, 'CTA_STATS_FOUND', u32),
  new: attribute(3, 'CTA_STATS_NEW', u32),
  invalid: attribute(4, 'CTA_STATS_INVALID', u32),
  ignore: attribute(5, 'CTA_STATS_IGNORE', u32),
  delete: attribute(6, 'CTA_STATS_DELETE', u32),
  deleteList: attribute(7, 'CTA_STATS_DELETE_LIST', u32),
  insert: attribute(8, 'CTA_STATS_INSERT', u32),
  insertFailed: attribute(9, 'CTA_STATS_INSERT_FAILED', u32),
  drop: attribute(10, 'CTA_STATS_DROP', u32),
  earlyDrop: attribute(11, 'CTA_STATS_EARLY_DROP', u32),
  error: attribute(12, 'CTA_STATS_ERROR', u32),
  searchRestart: attribute(13, 'CTA_STATS_SEARCH_RESTART', u32),
  clashResolve: attribute(14, 'CTA_STATS_CLASH_RESOLVE', u32),
  chainTooLong: attribute(15, 'CTA_STATS_CHAIN_TOOLONG', u32),
}

/** enum ctattr_stats_global: entries there are, and net.netfilter.nf_conntrack_max. */
export const globalStatisticsTable = {
  entries: always(attribute(1, 'CTA_STATS_GLOBAL_ENTRIES', u32)),
  maximum: attribute(2, 'CTA_STATS_GLOBAL_MAX_ENTRIES', u32),
}

/** enum ctattr_expect_stats: the expectation table's events counted by one CPU since start. */
export const expectationStatisticsTable = {
  new: attribute(1, 'CTA_STATS_EXP_NEW', u32),
  create: attribute(2, 'CTA_STATS_EXP_CREATE', u32),
  delete: attribute(3, 'CTA_STATS_EXP_DELETE', u32),
}
