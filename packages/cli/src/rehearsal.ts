import type { Conntrack } from '@conntrack/core'
import type { Protocol } from '@conntrack/core/plugin'
import type { BatchLine } from './batch.ts'
import { type Job, run, type Surroundings } from './run.ts'
import type { Pace } from './stop.ts'
import { workOf } from './writing.ts'

const makes = ({ command }: Job): boolean => command === 'create' || command === 'add'

/** Calls `touch` for each entry that the lines of a file would make, change or delete, in the table as it is now. */
export async function rehearse(jobs: readonly Job[], conntrack: Conntrack<Protocol>, touch: () => void, pace: Pace): Promise<void> {
  for (const job of jobs) {
    if (makes(job)) touch()
    else await pace.all(workOf(job, conntrack)({ dryRun: true, onEntry: touch }))
    await pace.pause()
  }
}

/** Shows what the lines of a file would do to the table as it is now, line by line, and how many entries they would make. */
export async function runDry(jobs: readonly Job[], lines: readonly BatchLine[], surroundings: Surroundings): Promise<number> {
  const { say } = surroundings
  for (const [i, job] of jobs.entries()) {
    if (!makes(job)) await run(job, { ...surroundings, say: (text) => say(`${lines[i].where}: ${text}`) })
  }
  say(`${jobs.filter(makes).length} flow entries would be created.`)
  return 0
}
