import type { Conntrack, Outcome, Steps, WriteOptions } from '@conntrack/core'
import { type Protocol, printer, Text } from '@conntrack/core/plugin'
import { FAILED, NO_ROOM_FOR_LABELS, refusalOf } from './failure.ts'
import { assertMeant } from './guard.ts'
import type { Io } from './io.ts'
import { progressLine } from './progress.ts'
import type { Job, Surroundings } from './run.ts'

/** What became of a command on many entries. */
interface Written {
  readonly count: number
  readonly outcome: Outcome
}

/** A command on many entries, as the SDK does it. */
type Work = (options: WriteOptions) => Steps<Written>

/** What a command does to the entries that are: a flush is a delete without a look at each. */
export function workOf({ command, table, query: { conditions, values } }: Job, { flows, expectations }: Conntrack<Protocol>): Work {
  return function* work(options) {
    if (command === 'update') {
      const { updated, ...outcome } = yield* flows.steps.updateAll(conditions, values, options)
      return { count: updated, outcome }
    }
    // What is expected by one tuple is told by values.
    const { deleted, ...outcome } = yield* table === 'expect'
      ? expectations.steps.deleteAll({ ...conditions, ...values }, options)
      : flows.steps.deleteAll(conditions, options)
    return { count: deleted, outcome }
  }
}

/** Refuses to do a command that was not meant. @throws Failure */
export async function assertJobMeant(job: Job, surroundings: Surroundings): Promise<void> {
  const work = workOf(job, surroundings.conntrack)
  await assertMeant([job], job.limits, surroundings, (touch, pace) => pace.all(work({ dryRun: true, onEntry: touch })))
}

/** Bytes of text that are collected while entries are changed. */
const CHUNK = 65536

/**
 * Changes entries and shows each that was changed, or would be; `done` is the word for it. What was done before an error, a wish to
 * stop or the end of output is shown and counted too. Gives the exit status.
 */
export async function writing(job: Job, surroundings: Surroundings, done: 'updated' | 'deleted'): Promise<number> {
  await assertJobMeant(job, surroundings)
  const { format, table, isQuiet, query } = job
  const { io, say, conntrack, stoppable } = surroundings
  const dryRun = job.limits?.dryRun
  const text = new Text(CHUNK)
  const print = printer(format)
  text.string(format.head ?? '')
  const total = io.status === undefined || Object.keys(query.conditions).length > 0 ? undefined : conntrack.flows.count()
  const progress = progressLine(io, done, total)
  const flush = (least: number): void => {
    if (text.length < least || text.length === 0) return
    const chunk = text.view()
    text.clear()
    progress.clear()
    io.out(chunk)
  }
  let count = 0
  const onEntry: WriteOptions['onEntry'] = (entry) => {
    count++
    print(entry, text)
  }
  const finish = (): void => {
    progress.clear()
    if (isQuiet) return
    try {
      text.string(format.tail ?? '')
      flush(0)
    } finally {
      say(`${count} ${table === 'expect' ? 'expectations' : 'flow entries'} ${dryRun ? 'would be' : 'have been'} ${done}.`)
    }
  }
  const work = workOf(job, conntrack)
  const options: WriteOptions = { dryRun, ...(!isQuiet && { onEntry }), onProgress: (so) => progress.step(so.done) }
  try {
    // Nothing is written while the kernel's answers are read: output that fails must not hide what else was done.
    const written = await stoppable((pace) => pace.all(work(options), () => flush(CHUNK)))
    count = Math.max(count, written.count)
    const refusal = refusalOf(withoutLabels(written.outcome, io))
    if (refusal !== undefined) throw refusal
  } catch (error) {
    if (count > 0) finish()
    else progress.clear()
    throw error
  }
  finish()
  return count === 0 ? FAILED : 0
}

/** What was refused but for labels, without which a flow is changed all the same: a warning tells of them. */
function withoutLabels(outcome: Outcome, io: Io): Outcome {
  const { ENOSPC = 0, ...refused } = outcome.refused
  if (ENOSPC === 0) return outcome
  io.err(`WARNING: labels were not set: ${NO_ROOM_FOR_LABELS}`)
  return { ...outcome, refused, refusals: outcome.refusals.filter(({ error }) => error.code !== 'ENOSPC') }
}
