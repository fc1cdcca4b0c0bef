import type { Conntrack } from '@conntrack/core'
import type { Protocol } from '@conntrack/core/plugin'
import type { BatchStep } from './batch.ts'
import { type Job, run, type Surroundings } from './run.ts'
import type { Pace } from './stop.ts'
import { workOf } from './writing.ts'

/** The job of a line that does something to entries that are; undefined where the line makes one. */
function change({ job }: BatchStep): Job | undefined {
  return job?.command === 'create' || job?.command === 'add' ? undefined : job
}

/** Calls `touch` for each entry that the lines of a file would make, change or delete, in the table as it is now. */
export async function rehearse(steps: Iterable<BatchStep>, conntrack: Conntrack<Protocol>, touch: () => void, pace: Pace): Promise<void> {
  for (const step of steps) {
    const job = change(step)
    if (job === undefined) touch()
    else await pace.all(workOf(job, conntrack)({ dryRun: true, onEntry: touch }))
    await pace.pause()
  }
}

/** Shows what the lines of a file would do to the table as it is now, line by line, and how many entries they would make. */
export async function runDry(
  steps: Iterable<BatchStep>,
  completed: (job: Job) => Job,
  whereOf: (number: number) => string,
  surroundings: Surroundings,
): Promise<number> {
  const { say } = surroundings
  let made = 0
  for (const step of steps) {
    const job = change(step)
    if (job === undefined) made++
    else await run(completed(job), { ...surroundings, say: (text) => say(`${whereOf(step.number)}: ${text}`) })
  }
  say(`${made} flow entries would be created.`)
  return 0
}
