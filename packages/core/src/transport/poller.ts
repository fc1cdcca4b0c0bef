import { openPoll as systemPoll } from '#poll'
import { NetlinkError } from '../errors.ts'
import type { Libc } from './libc.ts'
import type { BackgroundPoll, OpenPoll } from './poll.ts'

/** EFD_NONBLOCK and EFD_CLOEXEC. */
const EFD_FLAGS = 0o4000 | 0o2000000

/**
 * Waits for any number of descriptors with one thread. The thread and a descriptor to wake it with are there as long as somebody
 * uses them: each `use()` has its `release()`.
 */
export class Poller {
  readonly #libc: Libc
  readonly #open: OpenPoll
  readonly #waiting = new Map<number, Waiting>()
  /** What eventfd(2) counts, in and out. */
  readonly #count = new Uint8Array(new ArrayBuffer(8))
  #users = 0
  #wakeup = -1
  #poll: BackgroundPoll | undefined
  #isPolling = false

  constructor(libc: Libc, open: OpenPoll = systemPoll) {
    this.#libc = libc
    this.#open = open
  }

  /** Announces a use. @throws NetlinkError when there are no descriptors left */
  use(): void {
    if (this.#wakeup < 0) {
      const wakeup = this.#libc.eventfd(EFD_FLAGS)
      if (wakeup < 0) throw new NetlinkError('eventfd', -wakeup)
      this.#wakeup = wakeup
    }
    this.#users++
  }

  /** Ends a use. */
  release(): void {
    this.#users--
    if (this.#isPolling) this.#wake()
    else this.#closeUnlessUsed()
  }

  /** Resolves when the descriptor can be read or has an error, or after `forget`. Keeps the process alive until then. */
  readable(descriptor: number): Promise<void> {
    const waiting = withResolvers()
    this.#waiting.set(descriptor, waiting)
    if (this.#isPolling) this.#wake()
    else this.#wait()
    return waiting.promise
  }

  /** Ends the wait for a descriptor, if there is one. */
  forget(descriptor: number): void {
    if (!this.#settle(descriptor)) return
    if (this.#isPolling) this.#wake()
  }

  #settle(descriptor: number): boolean {
    const waiting = this.#waiting.get(descriptor)
    this.#waiting.delete(descriptor)
    waiting?.resolve()
    return waiting !== undefined
  }

  #wait(): void {
    // Whoever was told has perhaps begun the next wait already.
    if (this.#isPolling) return
    if (this.#waiting.size === 0) return this.#closeUnlessUsed()
    this.#isPolling = true
    void this.#waitOnce().then(() => this.#wait())
  }

  async #waitOnce(): Promise<void> {
    try {
      this.#poll ??= this.#open(() => this.#wake())
      const descriptors = [this.#wakeup, ...this.#waiting.keys()]
      const [isAwake, ...ready] = await this.#poll.wait(descriptors)
      if (isAwake) this.#libc.read(this.#wakeup, this.#count)
      for (const [i, isReady] of ready.entries()) if (isReady) this.#settle(descriptors[i + 1])
    } catch (error) {
      for (const { reject } of this.#waiting.values()) reject(error)
      this.#waiting.clear()
    } finally {
      this.#isPolling = false
    }
  }

  #wake(): void {
    this.#count.set([1, 0, 0, 0, 0, 0, 0, 0])
    this.#libc.write(this.#wakeup, this.#count)
  }

  #closeUnlessUsed(): void {
    if (this.#users > 0 || this.#wakeup < 0) return
    this.#poll?.close()
    this.#poll = undefined
    this.#libc.close(this.#wakeup)
    this.#wakeup = -1
  }
}

// Promise.withResolvers() is younger than Node 20.
interface Waiting {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

function withResolvers(): Waiting {
  let [resolve, reject]: [() => void, (reason: unknown) => void] = [() => {}, () => {}]
  const promise = new Promise<void>((...both) => {
    ;[resolve, reject] = both
  })
  return { promise, resolve, reject }
}

let shared: Poller | undefined

/** The poller of this process: one, since each takes a thread. */
export function sharedPoller(libc: Libc): Poller {
  shared ??= new Poller(libc)
  return shared
}
