import type { Libc } from './libc.ts'
import type { StartWorker } from './worker.ts'

/**
 * What there is on a JavaScript runtime without a way to call C.
 *
 * @throws Error always.
 */
export function libc(): Libc {
  throw new Error('this JavaScript runtime cannot open netlink sockets: use Bun, Node or Deno')
}

/** Starts no worker. */
export const startWorker: StartWorker = () => undefined
