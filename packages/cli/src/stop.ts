import type { Steps } from '@conntrack/core'
import { setImmediate } from 'node:timers/promises'
import { Failure } from './failure.ts'
import type { Io } from './io.ts'

/** The program was told to stop, by a signal of this name, and has done so between two entries. */
export class Stopped extends Failure {
  override name = 'Stopped'

  constructor(signal: string, where = '') {
    super(`stopped by ${signal}${where}`, 128 + (NUMBERS[signal] ?? 0))
  }
}

/** What a shell shows of a program that a signal has ended is 128 and its number. */
const NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }

/** Milliseconds of work between two looks at what else there is. */
const PATIENCE = 10

/** Long work looks up from it now and then, since signals are told only when nothing else is done. */
export class Pace {
  readonly #signal: AbortSignal | undefined
  #looked = performance.now()

  /** `signal` is aborted, with a signal's name as its reason, when the program is to stop. */
  constructor(signal?: AbortSignal) {
    this.#signal = signal
  }

  /** To be called between two entries, and by all long work. @throws Stopped */
  async pause(): Promise<void> {
    const now = performance.now()
    if (now - this.#looked < PATIENCE) return
    await setImmediate()
    this.#looked = performance.now()
    if (this.#signal?.aborted) throw new Stopped(String(this.#signal.reason))
  }

  /** Does all steps, and gives their result. `between` is called after each. @throws Stopped once what was begun is told */
  async all<T>(steps: Steps<T>, between: () => void = () => {}): Promise<T> {
    try {
      for (;;) {
        const { done, value } = steps.next()
        between()
        if (done) return value
        await this.pause()
      }
    } finally {
      steps.return(undefined as never)
    }
  }
}

/** Does work that can be told to stop: by signals, where there are any. */
export async function stoppable<T>(io: Io, work: (pace: Pace) => Promise<T>): Promise<T> {
  return io.stoppable === undefined ? await work(new Pace()) : await io.stoppable((signal) => work(new Pace(signal)))
}
