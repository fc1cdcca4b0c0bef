import type { BackgroundPoll } from './poll.ts'

/**
 * What there is on a JavaScript runtime without a way to call C.
 *
 * @throws Error always.
 */
export function openPoll(): BackgroundPoll {
  throw new Error('this JavaScript runtime cannot wait for netlink sockets: use Bun, Node or Deno')
}
