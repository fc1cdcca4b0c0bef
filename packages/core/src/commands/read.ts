import { DumpInterruptedError, NetlinkError } from '../errors.ts'
import { Entry, type Formatter, printer } from '../schema/entry.ts'
import { layout } from '../schema/layout.ts'
import type { Filter } from '../schema/match.ts'
import type { Decoded } from '../schema/table.ts'
import { Text } from '../schema/text.ts'
import { flowMessages } from '../tables/messages.ts'
import type { FlowVariant } from '../tables/protocol.ts'
import { cpuStatisticsTable, globalStatisticsTable } from '../tables/statistics.ts'
import { NLM_F_DUMP } from '../transport/message.ts'
import type { Replies, Request, Requests } from '../transport/request.ts'
import { type FlowContext, type FlowEntry, familyNumber, flowEntry, flowMatcher, flowOf } from './context.ts'
import { kernelFilter } from './plan.ts'
import { type GivenFlow, tupleRequest } from './tuple.ts'

/** Bytes of text that are collected before a sink gets them. */
const CHUNK = 65536

/** Options of a list. */
export interface ListOptions {
  /** Which list of the kernel: the table, entries that are about to be destroyed, or not yet in the table. */
  readonly table?: 'conntrack' | 'dying' | 'unconfirmed'
  /** Set the counters of all entries to 0 as they are read. There can be no filter then, since the kernel would zero what is not listed. */
  readonly zeroCounters?: boolean
  /** Throw DumpInterruptedError at the end when the table changed in a way that entries may be missing or come twice. */
  readonly consistent?: boolean
}

/**
 * The flows that answer a question, read from the kernel as they are consumed: memory does not grow with their number.
 * Each iteration, `print` or `forEach` asks anew.
 */
export class Listing<Flow> implements Iterable<Flow> {
  /** Whether the table changed while it was listed (NLM_F_DUMP_INTR), so that entries may be missing or come twice. Known at the end. */
  interrupted = false
  readonly #context: FlowContext
  readonly #request: Request
  readonly #matches: (entry: FlowEntry) => boolean
  readonly #consistent: boolean

  constructor(context: FlowContext, request: Request, matches: (entry: FlowEntry) => boolean, consistent = false) {
    this.#context = context
    this.#request = request
    this.#matches = matches
    this.#consistent = consistent
  }

  /** The flows, one after the other, as objects that last. Leaving the loop early ends the conversation. */
  *[Symbol.iterator](): Generator<Flow, void, undefined> {
    const entry = flowEntry(this.#context)
    const replies = this.#ask()
    try {
      while (replies.next()) if (this.#matches(entry.load(replies))) yield flowOf(entry) as Flow
      this.#end(replies)
    } finally {
      replies.close()
    }
  }

  /** Calls `visit` with a view of each flow, which is valid until `visit` returns, and tells how many there were. */
  forEach(visit: (entry: FlowEntry) => void): number {
    const entry = flowEntry(this.#context)
    const replies = this.#ask()
    let count = 0
    try {
      while (replies.next()) {
        if (!this.#matches(entry.load(replies))) continue
        count++
        visit(entry)
      }
      this.#end(replies)
    } finally {
      replies.close()
    }
    return count
  }

  /**
   * Writes each flow as text without making an object of it. `sink` gets UTF-8 in chunks of 64 KiB and more, as a view that is
   * valid until it returns.
   * @returns how many flows were written
   */
  print(formatter: Formatter<FlowVariant>, sink: (chunk: Uint8Array) => void): number {
    const text = new Text(CHUNK * 2)
    const print = printer(formatter)
    text.string(formatter.head ?? '')
    const count = this.forEach((entry) => {
      print(entry, text)
      if (text.length < CHUNK) return
      sink(text.view())
      text.clear()
    })
    text.string(formatter.tail ?? '')
    if (text.length > 0) sink(text.view())
    return count
  }

  #ask(): Replies {
    return this.#context.requests.ask(this.#request)
  }

  #end({ interrupted }: Replies): void {
    this.interrupted = interrupted
    if (interrupted && this.#consistent) throw new DumpInterruptedError()
  }
}

const TABLES = { conntrack: flowMessages.get, dying: flowMessages.getDying, unconfirmed: flowMessages.getUnconfirmed }

/** The flows for which a filter holds. @throws RangeError when counters are to be zeroed and there is a filter */
export function list<Flow>(
  context: FlowContext,
  filter: Filter,
  { table = 'conntrack', zeroCounters, consistent }: ListOptions = {},
): Listing<Flow> {
  const matches = flowMatcher(context, filter)
  const isFiltered = Object.entries(filter).some(([field, condition]) => field !== 'family' && condition !== undefined)
  if (zeroCounters && (isFiltered || table !== 'conntrack'))
    throw new RangeError('zeroCounters: works on the whole table, or one family of it')
  const body = table === 'conntrack' ? kernelFilter(filter) : undefined
  const message = zeroCounters ? flowMessages.getAndZero : TABLES[table]
  return new Listing(context, { ...message, flags: NLM_F_DUMP, family: familyNumber(filter.family), body }, matches, consistent)
}

/**
 * The one flow with this tuple, if the filter holds for it, as a listing. Reading it throws NetlinkError ENOENT when there is no
 * flow with the tuple.
 */
export function lookup<Flow>(context: FlowContext, tuple: GivenFlow, filter: Filter = {}): Listing<Flow> {
  return new Listing(context, tupleRequest(context, flowMessages.get, tuple), flowMatcher(context, filter))
}

/** The one flow with this tuple, or undefined. */
export function get<Flow>(context: FlowContext, tuple: GivenFlow): Flow | undefined {
  try {
    for (const flow of lookup<Flow>(context, tuple)) return flow
  } catch (error) {
    if (!(error instanceof NetlinkError && error.code === 'ENOENT')) throw error
  }
  return undefined
}

/** What one CPU has counted since start. */
export type CpuStatistics = { readonly cpu: number } & Decoded<typeof cpuStatisticsTable>

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
  const entry = new Entry(layout([{ name: 'cpu', number: 0, table: cpuStatisticsTable }]))
  const cpus: CpuStatistics[] = []
  const replies = requests.ask({ ...flowMessages.cpuStatistics, flags: NLM_F_DUMP, family: 0 })
  while (replies.next()) cpus.push(entry.load(replies).decode({ cpu: replies.resource }) as CpuStatistics)
  return cpus
}

function globalStatistics(requests: Requests): Decoded<typeof globalStatisticsTable> {
  const entry = new Entry(layout([{ name: 'global', number: 0, table: globalStatisticsTable }]))
  const replies = requests.ask({ ...flowMessages.globalStatistics, flags: 0, family: 0 })
  const value: Record<string, unknown> = { entries: 0 }
  while (replies.next()) entry.load(replies).decode(value)
  return value as Decoded<typeof globalStatisticsTable>
}
