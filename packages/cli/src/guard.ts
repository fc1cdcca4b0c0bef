import { Failure, WRONG_USAGE } from './failure.ts'
import type { Job, Surroundings } from './run.ts'
import { concerns, sessionOf } from './session.ts'
import type { Pace } from './stop.ts'

/** What keeps a command from doing more than was meant. */
export interface Limits {
  /** Show what would be done, and do nothing. */
  readonly dryRun: boolean
  /** The most entries that may be touched. */
  readonly maximum: number | undefined
  /** Whether one's own SSH session may be among what is deleted. */
  readonly force: boolean
}

/** Goes through what would be done, and calls `touch` for each entry. */
export type Rehearsal = (touch: () => void, pace: Pace) => Promise<unknown>

/**
 * Refuses, before anything is done, to touch more than `--max` allows, and to delete the flow of the SSH session of somebody who sits
 * at a terminal. Programs are not asked whether they mean it.
 * @throws Failure
 */
export async function assertMeant(
  jobs: Iterable<Job>,
  limits: Limits | undefined,
  surroundings: Surroundings,
  rehearse: Rehearsal,
): Promise<void> {
  if (limits === undefined || limits.dryRun) return
  assertSessionLives(jobs, limits, surroundings)
  const { maximum } = limits
  if (maximum === undefined) return
  let count = 0
  const touch = (): void => {
    if (++count > maximum) throw new Failure(`more than ${maximum} entries would be touched, which --max does not allow: nothing was done`)
  }
  await surroundings.stoppable((pace) => rehearse(touch, pace))
}

function assertSessionLives(jobs: Iterable<Job>, { force }: Limits, { conntrack, io }: Surroundings): void {
  const session = sessionOf(io.person?.()?.sshConnection)
  if (session === undefined) return
  const isMeant = ({ command, table, query }: Job): boolean =>
    (command === 'delete' || command === 'flush') && table === 'conntrack' && concerns(conntrack, query.conditions, session)
  if (!isAny(jobs, isMeant)) return
  const what = `the flow of your SSH session, from ${session.client} port ${session.clientPort}, is among what is deleted`
  if (!force) throw new Failure(`${what}: give --force if it may be, or a condition that leaves it out`, WRONG_USAGE)
  io.err(`WARNING: ${what}`)
}

function isAny<T>(all: Iterable<T>, holds: (one: T) => boolean): boolean {
  for (const one of all) if (holds(one)) return true
  return false
}
