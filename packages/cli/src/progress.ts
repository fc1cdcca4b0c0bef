import type { Io } from './io.ts'

/** Milliseconds before anything is shown, and between two looks at it. */
const FIRST = 1000
const PACE = 250

/** Shows how far a long command is, on a terminal's stderr and nowhere else. */
export interface ProgressLine {
  /** So many are done now. */
  step(done: number): void
  /** Takes the line off the screen, before something else is written there and at the end. */
  clear(): void
}

const NOTHING: ProgressLine = { step: () => {}, clear: () => {} }

/**
 * A line that says how many are done, how fast it goes and, where the end is known, how long it will take. `total` is the number of
 * those that there are to do; `now` is a clock in milliseconds.
 */
export function progressLine(io: Io, what: string, total?: number, now: () => number = () => performance.now()): ProgressLine {
  const { status } = io
  if (status === undefined) return NOTHING
  const begin = now()
  let next = begin + FIRST
  let isShown = false
  return {
    step(done) {
      const time = now()
      if (time < next) return
      next = time + PACE
      isShown = true
      const rate = done / ((time - begin) / 1000)
      const left = total === undefined || rate === 0 ? '' : `, about ${Math.ceil(Math.max(0, total - done) / rate)} s left`
      status(`${grouped(done)} ${what}, ${grouped(Math.round(rate))}/s${left}`)
    },
    clear() {
      if (isShown) status('')
      isShown = false
    },
  }
}

const grouped = (number: number): string => String(number).replaceAll(/\B(?=(\d{3})+$)/g, ',')
