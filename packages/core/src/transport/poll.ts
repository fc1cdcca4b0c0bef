/**
 * poll(2) on a thread of its own, so that JavaScript runs while it waits. What it costs to have is paid at the first wait; between
 * waits it does not keep the process alive.
 */
export interface BackgroundPoll {
  /**
   * Resolves when one of the descriptors can be read, is closed or has an error: which, by position. There is one wait at a time, and
   * nothing but a descriptor ends it.
   */
  wait(descriptors: readonly number[]): Promise<readonly boolean[]>
  /** Gives back what was needed to wait. Not while it waits. */
  close(): void
}

/** What `#poll` is: `wake` ends a wait, for a runtime whose exit would not. */
export type OpenPoll = (wake: () => void) => BackgroundPoll

/** POLLIN: errors are told unasked. */
const POLLIN = 1
/** Of each struct pollfd, in 32-bit words: descriptor, and what is asked and answered in 16 bits each. */
export const POLLFD_WORDS = 2

/** Writes the descriptors as an array of struct pollfd. */
export function ask(pollfds: Int32Array, descriptors: readonly number[]): void {
  for (const [i, descriptor] of descriptors.entries()) {
    pollfds[i * POLLFD_WORDS] = descriptor
    pollfds[i * POLLFD_WORDS + 1] = POLLIN
  }
}

/** Which of them poll(2) has answered for. */
export function answers(pollfds: Int32Array, count: number): boolean[] {
  return Array.from({ length: count }, (_, i) => pollfds[i * POLLFD_WORDS + 1] >>> 16 !== 0)
}
