import type { PreparedFlow, Refusal } from '@conntrack/core'
import type { Batch, BatchStep } from './batch.ts'
import { progressLine } from './progress.ts'
import type { Job, Surroundings } from './run.ts'
import { type Pace, Stopped } from './stop.ts'

/** Lines that are done one by one before the kernel gets many in a message: in a file of usual length, nothing is done behind a line that fails. */
const SINGLY = 256

/** Refusals that are told one by one. */
const TOLD = 10

/** What the lines of a file are done with. */
export interface Loading {
  readonly surroundings: Surroundings
  readonly pace: Pace
  /** Go on after a line that the kernel refuses. */
  readonly goOn: boolean
  /** Does any job but to make a flow. */
  readonly run: (job: Job) => number | Promise<number>
  /** Tells of a line that was refused. `after` says what became of lines behind it. */
  readonly tell: (number: number, error: unknown, after?: string) => void
}

/** A flow with the number of its line. */
interface Line extends PreparedFlow {
  readonly number: number
}

/** Does the lines of a file in turn, and tells how many were refused. */
export async function load(batch: Batch, { surroundings, pace, goOn, run, tell }: Loading): Promise<number> {
  const { flows } = surroundings.conntrack
  const progress = progressLine(surroundings.io, 'lines done', batch.count)
  const steps = batch.steps()
  let done = 0
  let refused = 0
  const refuse = (number: number, error: unknown, after?: string): void => {
    progress.clear()
    if (refused++ < TOLD || !goOn || error instanceof Stopped) tell(number, error, after)
    if (error instanceof Stopped) goOn = false
  }
  const nextStep = (): BatchStep | undefined => steps.next().value ?? undefined

  /** Makes the flows up to the first line that is something else, or was refused; gives that line. */
  const makeMany = async (first: Line): Promise<BatchStep | undefined> => {
    const group = new Group(first.number, nextStep, goOn)
    const before = done
    try {
      const { created } = await pace.all(
        flows.steps.createAll(group.lines(first), {
          onRefusal(refusal) {
            group.failed ??= refusal
            if (goOn) refuse(refusal.entry.number, refusal.error)
          },
          onProgress: ({ settled }) => progress.step(before + settled),
        }),
      )
      done += group.given
      if (group.failed === undefined || goOn) return group.next
      refuse(group.failed.entry.number, group.failed.error, group.fateBehind(created))
    } catch (error) {
      refuse(group.last, error)
    }
    return undefined
  }

  let step = nextStep()
  while (step !== undefined) {
    if (step.flow !== undefined && done >= SINGLY) {
      step = await makeMany({ ...step.flow, number: step.number })
      continue
    }
    try {
      await pace.pause()
      if (step.flow === undefined) await run(step.job)
      else for (const { error } of flows.createAll([step.flow]).refusals) throw error
    } catch (error) {
      refuse(step.number, error)
      if (!goOn) break
    }
    progress.step(++done)
    step = nextStep()
  }
  progress.clear()
  return refused
}

/** Lines in a row that make flows. */
class Group {
  /** How many were given to the kernel, and the number of the last one. */
  given = 0
  last: number
  /** The first one that was refused. */
  failed: Refusal<Line> | undefined
  /** The line behind them. */
  next: BatchStep | undefined
  readonly #nextStep: () => BatchStep | undefined
  readonly #goOn: boolean

  constructor(first: number, nextStep: () => BatchStep | undefined, goOn: boolean) {
    this.#nextStep = nextStep
    this.#goOn = goOn
    this.last = first
  }

  /** The lines, as long as none is refused or that does not matter. */
  *lines(first: Line): Generator<Line, void, undefined> {
    this.given++
    yield first
    while (this.failed === undefined || this.#goOn) {
      this.next = this.#nextStep()
      if (this.next?.flow === undefined) return
      this.given++
      this.last = this.next.number
      yield { ...this.next.flow, number: this.last }
    }
    this.next = undefined
  }

  /** What became of the lines behind the one that was refused, where there were any in its message. */
  fateBehind(created: number): string | undefined {
    const { index } = this.failed as Refusal<Line>
    const behind = this.given - 1 - index
    return behind === 0 ? undefined : `${behind} lines behind it were in the same message, and ${created - index} of them were done`
  }
}
