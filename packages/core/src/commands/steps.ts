/**
 * Work in steps of some hundred entries, between which a program can look after other things: signals, timers, sockets. What was done
 * when it is left early (`return()`) stays done, and nothing more is.
 */
export type Steps<T> = Generator<void, T, void>

/** Does all of the work without a stop. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** Entries in a step. */
export const STEP = 256
