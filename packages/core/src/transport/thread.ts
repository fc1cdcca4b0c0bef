import { startWorker } from '#libc'
import type { RunningWorker } from './worker.ts'

/** Of the shared memory, in 32-bit words: what the thread does, and with what; then how each slot was filled, and by whom. */
const [JOB, FD, RESULT, FILLED, TAKEN, STOP, LENGTHS] = [0, 1, 2, 3, 4, 5, 6]
const SLOTS = 8
const SENDERS = LENGTHS + SLOTS
const WORDS = SENDERS + SLOTS
/** Bytes of a slot, of which each holds a datagram. */
const SLOT = 65536

/** Bytes of a datagram that can be sent. */
export const LONGEST = SLOTS * SLOT

/** What JOB can be; 0 until the thread has started. */
const [IDLE, RECEIVING, SENDING, ENDING] = [1, 2, 3, 4]

/** Milliseconds without an answer after which a thread is taken for dead. */
const PATIENCE = 60_000

/** MSG_DONTWAIT and MSG_TRUNC. */
const RECEIVE_FLAGS = 0x40 | 0x20
const EAGAIN = 11
/** Where struct sockaddr_nl has nl_pid, in words. */
const PORT_ID = 1

// A text rather than a file, which a program that was bundled into one file would not find. The last slot that it fills has an error:
// that there is nothing more to receive, or any other.
const text = `
const { words, bytes } = workerData
const slots = Array.from({ length: ${SLOTS} }, (_, i) => bytes.subarray(i * ${SLOT}, (i + 1) * ${SLOT}))
const result = (value) => (value === -1 ? -errno() : value)
const sender = new Uint8Array(12)
const size = new Uint32Array(1)
const portId = new Int32Array(sender.buffer)
const sleepWhile = (at, value) => {
  while (Atomics.load(words, at) === value) Atomics.wait(words, at, value)
}
const tell = (at, value) => {
  Atomics.store(words, at, value)
  Atomics.notify(words, at)
}
const receiveInto = (slot) => {
  size[0] = sender.length
  return result(c.recvfrom(words[${FD}], slot, slot.length, ${RECEIVE_FLAGS}, sender, size))
}
const receive = () => {
  for (let filled = 0, length = 0; length >= 0; ) {
    sleepWhile(${TAKEN}, filled - ${SLOTS})
    const slot = filled % ${SLOTS}
    length = Atomics.load(words, ${STOP}) === 0 ? receiveInto(slots[slot]) : -${EAGAIN}
    words[${LENGTHS} + slot] = length
    words[${SENDERS} + slot] = portId[${PORT_ID}]
    tell(${FILLED}, ++filled)
  }
}
while (words[${JOB}] !== ${ENDING}) {
  tell(${JOB}, ${IDLE})
  sleepWhile(${JOB}, ${IDLE})
  if (words[${JOB}] === ${RECEIVING}) receive()
  else if (words[${JOB}] === ${SENDING}) words[${RESULT}] = result(c.send(words[${FD}], bytes, words[${RESULT}], 0))
}`

/**
 * A thread that does the kernel's share of long work, while we do ours: a dump is made while it is received, and requests are carried out
 * while they are sent. It does one thing at a time, and does not keep the process alive.
 */
export class Thread {
  /** Held here, since the garbage collector ends a worker that nobody refers to. */
  readonly worker: RunningWorker
  readonly #words: Int32Array
  readonly #bytes: Uint8Array
  readonly #slots: readonly Uint8Array[]
  #taken = 0

  private constructor(worker: RunningWorker, words: Int32Array, bytes: Uint8Array) {
    this.worker = worker
    this.#words = words
    this.#bytes = bytes
    this.#slots = Array.from({ length: SLOTS }, (_, i) => bytes.subarray(i * SLOT, (i + 1) * SLOT))
    // One that cannot work is never ready, and nobody waits for it.
    worker.on('error', () => {})
    worker.unref()
  }

  /** Starts one, where there can be one. */
  static start(): Thread | undefined {
    const words = new Int32Array(new SharedArrayBuffer(WORDS * 4))
    const bytes = new Uint8Array(new SharedArrayBuffer(LONGEST))
    const worker = startWorker(text, { words, bytes })
    return worker && new Thread(worker, words, bytes)
  }

  /** Whether it can be given something to do. It takes a while to start. */
  get isReady(): boolean {
    return Atomics.load(this.#words, JOB) === IDLE
  }

  /** Begins to receive what is in the socket's queue, until there is nothing more, or an error. */
  receive(fd: number): void {
    this.#taken = 0
    for (const at of [FILLED, TAKEN, STOP]) this.#words[at] = 0
    this.#words[FD] = fd
    this.#tell(JOB, RECEIVING)
  }

  /**
   * Waits for the next datagram, and is else as recvfrom(2) with MSG_TRUNC: gives its length or the negative errno. After an error there
   * is no more; -EAGAIN says that nothing was in the queue.
   */
  take(into: Uint8Array, sender: Uint8Array): number {
    const taken = this.#taken++
    this.#sleepWhile(FILLED, taken)
    const slot = taken % SLOTS
    const length = this.#words[LENGTHS + slot]
    const portId = this.#words[SENDERS + slot]
    for (let i = 0; i < 4; i++) sender[PORT_ID * 4 + i] = portId >>> (8 * i)
    if (length > 0) into.set(this.#slots[slot].subarray(0, Math.min(length, SLOT, into.length)))
    this.#tell(TAKEN, this.#taken)
    if (length < 0) this.#sleepWhile(JOB, RECEIVING)
    return length
  }

  /** Ends receiving; what was received and not taken is gone. When this returns, nothing is done with the descriptor any more. */
  stop(): void {
    this.#words[STOP] = 1
    // Were the slots full, it would wait for one to be taken.
    this.#tell(TAKEN, -SLOTS - 1)
    this.#sleepWhile(JOB, RECEIVING)
  }

  /** Begins to send a datagram, of which it takes a copy: of {@link LONGEST} bytes at most. */
  send(fd: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes)
    this.#words[FD] = fd
    this.sendAgain(bytes.length)
  }

  /** Begins to send the same once more. */
  sendAgain(length: number): void {
    this.#words[RESULT] = length
    this.#tell(JOB, SENDING)
  }

  /** Waits until it is sent, and is else as send(2): gives its length or the negative errno. */
  sent(): number {
    this.#sleepWhile(JOB, SENDING)
    return this.#words[RESULT]
  }

  /** Ends the thread, which has nothing to do. */
  end(): void {
    this.#tell(JOB, ENDING)
  }

  // Who is told of a change may have seen it already, and be asleep for the next.
  #sleepWhile(at: number, value: number): void {
    for (let silences = 0; Atomics.load(this.#words, at) === value; ) {
      // No job takes that long. Twice, as this process may have been stopped meanwhile.
      if (Atomics.wait(this.#words, at, value, PATIENCE) !== 'timed-out' || ++silences < 2) continue
      throw new Error('the thread that speaks to the kernel does not answer')
    }
  }

  #tell(at: number, value: number): void {
    Atomics.store(this.#words, at, value)
    Atomics.notify(this.#words, at)
  }
}

/** How many threads are kept for later: one that lists and one that changes what is listed. */
const IDLE_THREADS = 2

/** The threads of this process. */
class Threads {
  readonly #idle: Thread[] = []
  #isPossible = true

  /** How many wait for something to do. */
  get idle(): number {
    return this.#idle.length
  }

  /** A thread that nobody else uses, or none where there can be none. Give it back when you are done. */
  borrow(): Thread | undefined {
    const idle = this.#idle.pop()
    if (idle !== undefined || !this.#isPossible) return idle
    const started = Thread.start()
    this.#isPossible = started !== undefined
    return started
  }

  /** Gives back a thread that has nothing to do. */
  giveBack(thread: Thread): void {
    if (this.#idle.length < IDLE_THREADS) this.#idle.push(thread)
    else thread.end()
  }
}

export const threads = new Threads()
