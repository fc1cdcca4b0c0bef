import { type Conntrack, type Expectations, type Flows, NetlinkError } from '@conntrack/core'
import { type Protocol, unknownProtocol } from '@conntrack/core/plugin'
import type { CommandName, TableName } from './commands.ts'
import { FAILED, Failure, NO_ROOM_FOR_LABELS } from './failure.ts'
import type { Limits } from './guard.ts'
import type { Io } from './io.ts'
import type { Output } from './output.ts'
import type { Query } from './query.ts'
import { statisticsText } from './statistics.ts'
import type { Pace } from './stop.ts'
import { assertJobMeant, writing } from './writing.ts'
import { showEvents } from './events.ts'
import type { Watched } from './watching.ts'

/** A command line that was understood. */
export interface Job extends Output {
  readonly command: Exclude<CommandName, 'version' | 'help'>
  readonly table: TableName
  readonly query: Query
  readonly zeroCounters: boolean
  /** Absent where it was found to be meant already, as part of a file. */
  readonly limits?: Limits
  /** How events are watched, for the command that does. */
  readonly watched: Watched | undefined
  /** Whether the command line says how output is written: then a command that otherwise shows nothing shows what it made. */
  readonly isOutputAsked: boolean
  /** Whether the entries that are changed are not to be shown, nor how many there were. */
  readonly isQuiet: boolean
  /** Whether only to say how the conditions would be checked. */
  readonly isExplained: boolean
}

/** What a run needs: the kernel, and where text goes. `say` writes a summary, with the program's name before it. */
export interface Surroundings {
  readonly conntrack: Conntrack<Protocol>
  readonly io: Io
  readonly say: (line: string) => void
  /** Does work that can be told to stop between two entries. */
  readonly stoppable: <T>(work: (pace: Pace) => Promise<T>) => Promise<T>
}

/** Does a job and gives its exit status. */
export function run(job: Job, surroundings: Surroundings): number | Promise<number> {
  const runs = job.table === 'expect' ? EXPECTATION_RUNS : FLOW_RUNS
  const one = job.isExplained ? explainFilter : runs[job.command]
  if (one === undefined) throw new Error(`no ${job.command} on ${job.table}`)
  return one(job, surroundings)
}

type Run = (job: Job, surroundings: Surroundings) => number | Promise<number>
type Runs = Readonly<Partial<Record<Job['command'], Run>>>
type FlowFilterArgument = Parameters<Flows<Protocol>['delete']>[0]
type FlowArgument = Parameters<Flows<Protocol>['create']>[0]
type ExpectationArgument = Parameters<Expectations<Protocol>['create']>[0]

/** That nothing was found is an error to the shell, where one entry was asked for or something was to be changed. */
const statusOf = (count: number): number => (count === 0 ? FAILED : 0)

const show = ({ io }: Surroundings, text: string): number => {
  io.out(new TextEncoder().encode(text))
  return 0
}

/** Shows what is no entry: a record where the format has a way to write it, else as text. */
const showRecord = (records: readonly object[], text: string, { record }: Job, surroundings: Surroundings): number =>
  show(surroundings, record === undefined ? text : records.map(record).join(''))

const FLOW_RUNS: Runs = {
  list({ query, format, table, zeroCounters }, { conntrack, io, say }) {
    const options = { table: table === 'expect' ? undefined : table, zeroCounters }
    const listing = conntrack.flows.list(query.conditions, options)
    const count = listing.print(format, io.out)
    if (listing.interrupted) io.err('WARNING: the table changed while it was listed: entries may be missing or come twice')
    say(`${count} flow entries have been shown.`)
    return 0
  },

  event: (job, surroundings) => {
    const { flows } = surroundings.conntrack
    return showEvents(job, surroundings, 'flow', (options) => flows.watch({ ...options, filter: job.query.conditions }))
  },

  get({ query, format }, { conntrack, io, say }) {
    // The kernel finds an entry by either of its tuples; the options mean one of them.
    const { protocol, original, reply } = query.values
    // To the unknown protocol belong all numbers; any other has conditions of its own.
    const filter = { ...query.conditions, ...(protocol !== unknownProtocol.name && { protocol }), original, reply }
    const found = conntrack.flows.lookup(query.values as FlowArgument, filter as FlowFilterArgument)
    const count = found.print(format, io.out)
    say(`${count} flow entries have been shown.`)
    return statusOf(count)
  },

  create(job, surroundings) {
    surroundings.conntrack.flows.create(job.query.values as FlowArgument)
    showMade(job, surroundings)
    surroundings.say('1 flow entries have been created.')
    return 0
  },

  add(job, surroundings) {
    surroundings.conntrack.flows.create(job.query.values as FlowArgument, { existing: 'update' })
    showMade(job, surroundings)
    surroundings.say('1 flow entries have been added.')
    return 0
  },

  update: (job, surroundings) => writing(job, surroundings, 'updated'),

  async delete(job, surroundings) {
    if (!job.isQuiet || job.limits?.dryRun) return await writing(job, surroundings, 'deleted')
    await assertJobMeant(job, surroundings)
    return await deleteUnseen(job, surroundings)
  },

  async flush(job, surroundings) {
    const { conditions } = job.query
    if (job.limits?.dryRun) return await dryFlush(job, surroundings)
    await assertJobMeant(job, surroundings)
    await flushing(job, surroundings)
    surroundings.say(isOfAll(conditions) ? 'connection tracking table has been emptied.' : 'the flow entries that fit have been deleted.')
    return 0
  },

  count(job, surroundings) {
    const count = surroundings.conntrack.flows.count()
    return showRecord([{ count }], `${count}\n`, job, surroundings)
  },

  statistics(job, surroundings) {
    const cpus = surroundings.conntrack.flows.cpuStatistics()
    return showRecord(cpus, statisticsText(cpus), job, surroundings)
  },
}

/** Whether a flush is of a whole table, or of all of a family. */
const isOfAll = (conditions: object): boolean => Object.keys(conditions).every((name) => name === 'family')

/** Deletes without a look at what is deleted, as fast as the kernel can; whether there is something is asked before. */
async function deleteUnseen(job: Job, surroundings: Surroundings): Promise<number> {
  for (const _ of surroundings.conntrack.flows.list(job.query.conditions)) {
    await flushing(job, surroundings)
    return 0
  }
  return FAILED
}

/** Flushes. Where that has to be done one by one, and is stopped or refused in between, those that are gone are counted. */
async function flushing({ query, isQuiet, table }: Job, { conntrack, say, stoppable }: Surroundings): Promise<void> {
  const [{ steps }, what] =
    table === 'expect' ? ([conntrack.expectations, 'expectations'] as const) : ([conntrack.flows, 'flow entries'] as const)
  let count = 0
  const onEntry = (): void => void count++
  try {
    await stoppable((pace) => pace.all(steps.flush(query.conditions, { onEntry })))
  } catch (error) {
    if (count > 0 && !isQuiet) say(`${count} ${what} have been deleted.`)
    throw error
  }
}

/** Says what of the conditions the kernel checks. */
function explainFilter(job: Job, surroundings: Surroundings): number {
  const { kernel, rest, isWhole } = surroundings.conntrack.flows.explain(job.query.conditions)
  const list = (fields: readonly string[]): string => (fields.length === 0 ? 'nothing' : fields.join(', '))
  const text = [`the kernel checks: ${list(kernel)}\n`, `only this program checks: ${list(rest)}\n`]
  if (job.command === 'flush' || job.isQuiet)
    text.push(isWhole ? 'a flush in one message, if the kernel shows that it honours it\n' : 'entries are listed and deleted\n')
  return showRecord([{ kernel, rest, isWhole }], text.join(''), job, surroundings)
}

/** Shows a flow that was made, where output was asked for, and says so when the kernel has left out its labels, about which it is silent. */
function showMade({ query: { values }, isOutputAsked, format }: Job, { conntrack, io }: Surroundings): void {
  const made = (filter?: FlowFilterArgument) => conntrack.flows.lookup(values as FlowArgument, filter)
  if (isOutputAsked) made().print(format, io.out)
  if (values.labels === undefined) return
  const labels = { all: values.labels as Uint8Array, none: new Uint8Array(0) }
  if (made({ labels }).forEach(() => {}) === 0) io.err(`WARNING: the labels were not set: ${NO_ROOM_FOR_LABELS}`)
}

const EXPECTATION_RUNS: Runs = {
  list({ query, format }, { conntrack, io, say }) {
    const count = conntrack.expectations.list(query.conditions).print(format, io.out)
    say(`${count} expectations have been shown.`)
    return 0
  },

  event: (job, surroundings) => {
    const { expectations } = surroundings.conntrack
    return showEvents(job, surroundings, 'expectation', (options) => expectations.watch({ ...options, filter: job.query.conditions }))
  },

  get({ query, format }, { conntrack, io }) {
    return statusOf(conntrack.expectations.lookup(query.values as ExpectationArgument, query.conditions).print(format, io.out))
  },

  create(job, { conntrack, io }) {
    conntrack.expectations.create(job.query.values as ExpectationArgument)
    if (job.isOutputAsked) conntrack.expectations.lookup(job.query.values as ExpectationArgument).print(job.format, io.out)
    return 0
  },

  delete: (job, surroundings) => writing(job, surroundings, 'deleted'),

  async flush(job, surroundings) {
    if (job.limits?.dryRun) return await dryFlush(job, surroundings)
    await assertJobMeant(job, surroundings)
    const { conditions } = job.query
    await flushing(job, surroundings)
    surroundings.say(isOfAll(conditions) ? 'expectation table has been emptied.' : 'the expectations that fit have been deleted.')
    return 0
  },

  count(job, surroundings) {
    const count = surroundings.conntrack.expectations.count(job.query.conditions)
    return showRecord([{ count }], `${count}\n`, job, surroundings)
  },

  statistics(job, surroundings) {
    const cpus = surroundings.conntrack.expectations.cpuStatistics()
    return showRecord(cpus, statisticsText(cpus, 'expect_'), job, surroundings)
  },
}

/** Shows what a flush would delete. That there is nothing is no error to a flush. */
async function dryFlush(job: Job, surroundings: Surroundings): Promise<number> {
  await writing(job, surroundings, 'deleted')
  return 0
}

/** Thrown where the kernel takes a command for wrong because it has no connection tracking: told by asking the simplest question. */
export function explained(error: unknown, conntrack: Conntrack<Protocol>): unknown {
  if (!isRefusal(error)) return error
  try {
    conntrack.flows.count()
    return error
  } catch (cause) {
    if (!isRefusal(cause)) return error
    return new Failure("this kernel has no connection tracking over netlink: load it with `modprobe nf_conntrack_netlink'", FAILED, {
      cause,
    })
  }
}

/** Whether the kernel took a message of conntrack's for wrong; EINVAL of a system call is another matter. */
function isRefusal(error: unknown): boolean {
  return error instanceof NetlinkError && error.code === 'EINVAL' && error.command.startsWith('IPCTNL_')
}
