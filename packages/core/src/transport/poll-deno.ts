import { answers, ask, type BackgroundPoll, POLLFD_WORDS } from './poll.ts'

// What is used of Deno, declared here so that the sources compile without Deno's own types.
declare const Deno: {
  dlopen(
    file: string,
    symbols: object,
  ): { readonly symbols: { poll(pollfds: Int32Array, count: number, timeout: number): Promise<number> }; close(): void }
}

/** poll(2) as a nonblocking call, which runs on a thread of Deno's pool. */
export function openPoll(): BackgroundPoll {
  // Deno does not keep the arguments of such a call, so a field does.
  const call = { pollfds: new Int32Array(0) }
  const library = Deno.dlopen('libc.so.6', { poll: { parameters: ['buffer', 'u64', 'i32'], result: 'i32', nonblocking: true } })
  return {
    async wait(descriptors) {
      call.pollfds = new Int32Array(new ArrayBuffer(descriptors.length * POLLFD_WORDS * 4))
      ask(call.pollfds, descriptors)
      await library.symbols.poll(call.pollfds, descriptors.length, -1)
      return answers(call.pollfds, descriptors.length)
    },
    close: () => library.close(),
  }
}
