import type { Conntrack, CpuStatistics } from '@conntrack/core'

/** Words of the counters where they are not the field's name in snake case. */
const WORDS: Readonly<Record<string, string>> = { chainTooLong: 'chaintoolong' }

const word = (field: string): string => WORDS[field] ?? field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** One line for each CPU: `cpu=0   \tfound=0 invalid=0 …`. */
export function statisticsText({ flows }: Conntrack<never>): string {
  return flows.cpuStatistics().map(line).join('')
}

function line({ cpu, ...counters }: CpuStatistics): string {
  const parts = Object.entries(counters).map(([field, value]) => `${word(field)}=${value} `)
  return `cpu=${String(cpu).padEnd(4)}\t${parts.join('')}\n`
}
