import { runProgram } from './bpf.ts'

/** How often, and how many messages, found no room in a queue. */
export interface KernelLosses {
  /** Times that a queue was full. */
  readonly times: number
  /** Messages that were lost. */
  readonly messages: number
}

/** How somebody listens: the parts of what a subscription is asked for that count here. */
export interface ListenOptions {
  /** Multicast groups: NFNLGRP_CONNTRACK_NEW is 1. */
  readonly groups: readonly number[]
  /** Bytes for the queue. */
  readonly receiveBuffer: number
  /** A classic BPF program: only messages for which it gives more than 0 are queued. */
  readonly filter?: Uint8Array | undefined
}

/** What the kernel charges a queue for a message besides its bytes: struct sk_buff and skb_shared_info. */
const CHARGE = 768

/** All who listen to events. */
export class Listeners {
  readonly #listeners = new Set<KernelSubscription>()
  /** Events that are yet to be lost by everybody. */
  #toLose = 0
  #opened = 0

  /** Opens a subscription. */
  open(options: ListenOptions): KernelSubscription {
    const listener: KernelSubscription = new KernelSubscription(2000 + this.#opened++, options, () => this.#listeners.delete(listener))
    this.#listeners.add(listener)
    return listener
  }

  /** Whether anybody listens to a group. */
  isHeard(group: number): boolean {
    return [...this.#listeners].some(({ groups }) => groups.includes(group))
  }

  /** Sends an event to those who listen to its group. */
  tell(group: number, bytes: Uint8Array): void {
    const isLost = this.#toLose > 0
    if (isLost) this.#toLose--
    for (const listener of this.#listeners) if (listener.groups.includes(group)) listener.push(bytes, isLost)
  }

  /** Lets the next events find no room. */
  lose(count: number): void {
    this.#toLose += count
  }
}

/** A socket that events come to. What finds no room is lost, and so is what follows until the queue has been emptied. */
export class KernelSubscription implements Disposable {
  /** nl_pid. */
  readonly portId: number
  /** Bytes that its queue may take, as the kernel counts them. */
  readonly receiveBuffer: number
  /** What it listens to. */
  readonly groups: readonly number[]
  /** What was lost since it was opened, as known when the queue was empty last. */
  losses: KernelLosses = { times: 0, messages: 0 }
  readonly #filter: Uint8Array | undefined
  readonly #queue: Uint8Array[] = []
  readonly #leave: () => void
  #charge = 0
  #lost = 0
  #isClosed = false
  #wake = (): void => {}

  constructor(portId: number, { groups, receiveBuffer, filter }: ListenOptions, leave: () => void) {
    this.portId = portId
    this.groups = groups
    this.#filter = filter
    // As the kernel does: half of it is for bookkeeping.
    this.receiveBuffer = receiveBuffer * 2
    this.#leave = leave
  }

  /** Puts a message into the queue, unless the program does not want it, or counts it as lost. */
  push(bytes: Uint8Array, isLost: boolean): void {
    if (this.#filter !== undefined && runProgram(this.#filter, bytes) === 0) return
    const charge = bytes.length + CHARGE
    if (isLost || this.#lost > 0 || this.#charge + charge > this.receiveBuffer) this.#lost++
    else {
      this.#queue.push(bytes)
      this.#charge += charge
    }
    this.#wake()
  }

  /** Visits what is queued, at least `limit` messages of it; says whether nothing is left. */
  receive(visit: (bytes: Uint8Array, start: number, end: number) => void, limit: number): boolean {
    if (this.#isClosed) throw new Error('this subscription is closed')
    for (const bytes of this.#queue.splice(0, limit)) {
      this.#charge -= bytes.length + CHARGE
      visit(bytes, 0, bytes.length)
    }
    if (this.#queue.length > 0) return false
    if (this.#lost > 0) this.losses = { times: this.losses.times + 1, messages: this.losses.messages + this.#lost }
    this.#lost = 0
    return true
  }

  /** Resolves when there is something to receive, and when it is closed. */
  readable(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isClosed || this.#queue.length > 0 || this.#lost > 0) resolve()
      else this.#wake = resolve
    })
  }

  /** Hears no more; what is queued can be received. */
  leave(): void {
    this.#leave()
    this.#wake()
  }

  /** Stops listening. A second time it does nothing. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#leave()
    this.#wake()
  }

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close()
  }
}
