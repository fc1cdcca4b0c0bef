import { workerCalls } from '#libc'

/** Of the shared memory, in 32-bit words: what the thread does, and with what; then how each slot was filled, and by whom. */
const [JOB, FD, RESULT, FILLED, TAKEN, STOP, LENGTHS] = [0, 1, 2, 3, 4, 5, 6]
const SLOTS = 8
const SENDERS = LENGTHS + SLOTS
const WORDS = SENDERS + SLOTS
/** Bytes of a slot, of which each holds a datagram. */
const SLOT = 65536

/** What JOB can be; 0 until the thread has started. */
const [IDLE, RECEIVING, SENDING] = [1, 2, 3]

/** MSG_DONTWAIT and MSG_TRUNC. */
const RECEIVE_FLAGS = 0x40 | 0x20
const EAGAIN = 11
/** Where struct sockaddr_nl has nl_pid, in words. */
const PORT_ID = 1

// A text rather than a file, which a program that was bundled into one file would not find. The last slot that it fills has an error:
// that there is nothing more to receive, or any other.
const text = `
const { words, bytes } = process.getBuiltinModule('node:worker_threads').workerData
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
for (;;) {
  tell(${JOB}, ${IDLE})
  sleepWhile(${JOB}, ${IDLE})
  if (words[${JOB}] === ${RECEIVING}) receive()
  else words[${RESULT}] = result(c.send(words[${FD}], bytes, words[${RESULT}], 0))
}`

/** What is used of node:worker_threads and node:os, which Bun and Deno have too. */
interface Builtins {
  getBuiltinModule?(name: 'node:worker_threads'): { readonly Worker: new (text: string, options: object) => WorkerThread }
  getBuiltinModule?(name: 'node:os'): { availableParallelism(): number }
}

interface WorkerThread {
  on(event: 'error', listener: () => void): void
  unref(): void
  terminate(): unknown
}

/**
 * A thread that does the kernel's share of long work, while we do ours: a dump is made while it is received, and requests are carried out
 * while they are sent. It does one thing at a time, and does not keep the process alive.
 */
export class Thread {
  readonly #worker: WorkerThread
  readonly #words = new Int32Array(new SharedArrayBuffer(WORDS * 4))
  readonly #bytes = new Uint8Array(new SharedArrayBuffer(SLOTS * SLOT))
  readonly #slots = Array.from({ length: SLOTS }, (_, i) => this.#bytes.subarray(i * SLOT, (i + 1) * SLOT))
  #taken = 0

  constructor(Worker: new (text: string, options: object) => WorkerThread, calls: string) {
    this.#worker = new Worker(calls + text, { eval: true, workerData: { words: this.#words, bytes: this.#bytes } })
    // One that cannot work is never ready, and nobody waits for it.
    this.#worker.on('error', () => {})
    this.#worker.unref()
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
    return length
  }

  /** Ends receiving; what was received and not taken is gone. When this returns, nothing is done with the descriptor any more. */
  stop(): void {
    this.#words[STOP] = 1
    // Were the slots full, it would wait for one to be taken.
    this.#tell(TAKEN, -SLOTS)
    this.#sleepWhile(JOB, RECEIVING)
  }

  /** Begins to send a datagram, of which it takes a copy: 512 KiB at most. */
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

  /** Ends the thread. */
  end(): void {
    this.#worker.terminate()
  }

  // Who is told of a change may have seen it already, and be asleep for the next.
  #sleepWhile(at: number, value: number): void {
    while (Atomics.load(this.#words, at) === value) Atomics.wait(this.#words, at, value)
  }

  #tell(at: number, value: number): void {
    Atomics.store(this.#words, at, value)
    Atomics.notify(this.#words, at)
  }
}

/** How many threads are kept for later: one that lists and one that changes what is listed. */
const PARKED = 2
const parked: Thread[] = []
let isPossible: boolean | undefined

/** A thread that nobody else uses, or none where there can be none, or just one processor. Give it back when you are done. */
export function borrowThread(): Thread | undefined {
  return parked.pop() ?? start()
}

/** Gives back a thread that has nothing to do. */
export function returnThread(thread: Thread): void {
  if (parked.length < PARKED) parked.push(thread)
  else thread.end()
}

function start(): Thread | undefined {
  const { getBuiltinModule } = (globalThis as { process?: Builtins }).process ?? {}
  isPossible ??= getBuiltinModule !== undefined && getBuiltinModule('node:os').availableParallelism() > 1
  if (!isPossible || getBuiltinModule === undefined) return undefined
  try {
    return new Thread(getBuiltinModule('node:worker_threads').Worker, workerCalls())
  } catch {
    // A runtime may forbid it; all goes on without.
    isPossible = false
    return undefined
  }
}
