import type { Libc } from './libc.ts'

/**
 * What there is on a JavaScript runtime without a way to call C.
 *
 * @throws Error always.
 */
export function libc(): Libc {
  throw new Error('this JavaScript runtime cannot open netlink sockets: use Bun, Node or Deno')
}

/** What a worker would call: nothing, as none is started here. @throws Error always */
export function workerCalls(): string {
  throw new Error('this JavaScript runtime cannot call C')
}
