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
  /** Tells of a line that was refused. `after` says what became of other lines. */
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
    const group = new Group(nextStep, goOn)
    const before = done
    try {
      const { created } = await pace.all(
        flows.steps.createAll(group.lines(first), {
          onRefusal(refusal) {
            group.failed ??= refusal
            if (goOn) refuse(refusal.entry.number, refusal.error)
          },
          onProgress: ({ settled }) => {
            group.settle(settled)
            progress.step(before + settled)
          },
        }),
      )
      done += group.given
      if (group.failed === undefined || goOn) return group.next
      refuse(group.failed.entry.number, group.failed.error, group.fateBehind(created))
    } catch (error) {
      done = before + group.settled
      refuse(group.firstUnsettled, error, fateBefore(error, done))
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
      refuse(step.number, error, fateBefore(error, done))
      if (!goOn) break
    }
    progress.step(++done)
    step = nextStep()
  }
  progress.clear()
  return refused
}

/** What became of the lines before the one at which a signal stopped the work. */
const fateBefore = (error: unknown, done: number): string | undefined =>
  error instanceof Stopped ? `${done} ${done === 1 ? 'line has' : 'lines have'} been done.` : undefined

/** Lines in a row that make flows. */
class Group {
  /** How many were given to the kernel. */
  given = 0
  /** The first one that was refused. */
  failed: Refusal<Line> | undefined
  /** The line behind them. */
  next: BatchStep | undefined
  /** How many of them the kernel has answered for, and the numbers of those that it has not. */
  settled = 0
  readonly #unsettled: number[] = []
  #last = 0
  readonly #nextStep: () => BatchStep | undefined
  readonly #goOn: boolean

  constructor(nextStep: () => BatchStep | undefined, goOn: boolean) {
    this.#nextStep = nextStep
    this.#goOn = goOn
  }

  /** So many are answered for. */
  settle(count: number): void {
    this.#unsettled.splice(0, count - this.settled)
    this.settled = count
  }

  /** The number of the first line that may not have been done, behind which nothing is sure to have been. */
  get firstUnsettled(): number {
    return this.#unsettled[0] ?? this.next?.number ?? this.#last
  }

  /** The lines, as long as none is refused or that does not matter. */
  *lines(first: Line): Generator<Line, void, undefined> {
    yield this.#give(first)
    while (this.failed === undefined || this.#goOn) {
      this.next = this.#nextStep()
      if (this.next?.flow === undefined) return
      yield this.#give({ ...this.next.flow, number: this.next.number })
    }
    this.next = undefined
  }

  #give(line: Line): Line {
    this.given++
    this.#unsettled.push(line.number)
    this.#last = line.number
    return line
  }

  /** What became of the lines behind the one that was refused, where there were any in its message. */
  fateBehind(created: number): string | undefined {
    const { index } = this.failed as Refusal<Line>
    const behind = this.given - 1 - index
    return behind === 0 ? undefined : `${behind} lines behind it were in the same message, and ${created - index} of them were done`
  }
}
