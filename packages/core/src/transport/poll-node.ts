import { koffi } from './koffi.ts'
import { answers, ask, type BackgroundPoll, POLLFD_WORDS } from './poll.ts'

/**
 * poll(2) on a thread of libuv's pool, of which there are four: that is why there is one wait at a time in a process. A process that
 * exits would wait for the thread, so it wakes it first.
 */
export function openPoll(wake: () => void): BackgroundPoll {
  const poll = koffi().load('libc.so.6').func('int poll(void *pollfds, unsigned long count, int timeout)')
  // koffi does not keep the arguments of an asynchronous call, so a field does.
  const call = { pollfds: new Int32Array(0) }
  process.on('exit', wake)
  return {
    async wait(descriptors) {
      call.pollfds = new Int32Array(new ArrayBuffer(descriptors.length * POLLFD_WORDS * 4))
      ask(call.pollfds, descriptors)
      await new Promise((done) => poll.async(call.pollfds, descriptors.length, -1, done))
      return answers(call.pollfds, descriptors.length)
    },
    close: () => {
      process.off('exit', wake)
    },
  }
}
