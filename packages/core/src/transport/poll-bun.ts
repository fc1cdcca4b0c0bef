import { answers, ask, type BackgroundPoll, POLLFD_WORDS } from './poll.ts'

/** Of the shared memory: whose turn it is, the number of descriptors, and from here on the array of struct pollfd. */
const [TURN, COUNT, POLLFDS] = [0, 1, 2]
const [OURS, THEIRS] = [0, 1]
const CAPACITY = 4096
/** Milliseconds, of a timer whose end nobody waits for. */
const LONG = 2 ** 30

// A text rather than a file, which a program that was compiled into one file would not find.
const worker = `
import { dlopen, ptr } from 'bun:ffi'
const { symbols } = dlopen('libc.so.6', { poll: { args: ['ptr', 'u64', 'i32'], returns: 'i32' } })
self.onmessage = ({ data: words }) => {
  const pollfds = ptr(words, ${POLLFDS * 4})
  for (;;) {
    Atomics.wait(words, ${TURN}, ${OURS})
    symbols.poll(pollfds, words[${COUNT}], -1)
    Atomics.store(words, ${TURN}, ${OURS})
    Atomics.notify(words, ${TURN})
  }
}`

// Younger than the version of JavaScript that the types are of; Bun has it.
const atomics = Atomics as unknown as { waitAsync(words: Int32Array, index: number, value: number): { readonly value: unknown } }

/** A worker and the memory that it shares with us. */
interface Thread {
  readonly words: Int32Array
  readonly pollfds: Int32Array
}

/** Parked while nobody waits. Bun stalls now and then when workers are ended and begun, so it stays for the next watch. */
let thread: Thread | undefined

function start(): Thread {
  const words = new Int32Array(new SharedArrayBuffer((POLLFDS + CAPACITY * POLLFD_WORDS) * 4))
  const url = URL.createObjectURL(new Blob([worker], { type: 'application/javascript' }))
  const started = new Worker(url)
  started.postMessage(words, [])
  started.unref()
  return { words, pollfds: words.subarray(POLLFDS) }
}

/** poll(2) in a worker, since Bun's FFI has no calls that do not block. Both sides sleep on a word of shared memory. */
export function openPoll(): BackgroundPoll {
  return {
    async wait(descriptors) {
      if (descriptors.length > CAPACITY) throw new RangeError(`${descriptors.length} sockets are too many to wait for: ${CAPACITY}`)
      thread ??= start()
      const { words, pollfds } = thread
      // Neither the worker nor the promise below keeps the process alive.
      const alive = setInterval(() => {}, LONG)
      ask(pollfds, descriptors)
      words[COUNT] = descriptors.length
      Atomics.store(words, TURN, THEIRS)
      Atomics.notify(words, TURN)
      await atomics.waitAsync(words, TURN, THEIRS).value
      clearInterval(alive)
      return answers(pollfds, descriptors.length)
    },
    close: () => {},
  }
}
