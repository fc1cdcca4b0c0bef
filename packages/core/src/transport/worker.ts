import { createRequire } from 'node:module'

/** A worker that runs. */
export interface RunningWorker {
  on(event: 'error', listener: () => void): void
  unref(): void
}

/** What `#libc` has besides: runs JavaScript, as a text, in a worker, or none where that would not help or is forbidden. */
export type StartWorker = (text: string, data: object) => RunningWorker | undefined

/** The modules that Node, Bun and Deno have, loaded when they are needed: hardly a program has tables that are long enough. */
interface Builtins {
  (name: 'node:worker_threads'): { readonly Worker: new (text: string, options: object) => RunningWorker }
  (name: 'node:os'): { availableParallelism(): number }
}

/** Starts a worker, which finds `data` as `workerData`. */
export const startWorker: StartWorker = (text, data) => {
  const builtin = createRequire(import.meta.url) as Builtins
  // With one processor the two would only be in each other's way.
  if (builtin('node:os').availableParallelism() < 2) return undefined
  const { Worker } = builtin('node:worker_threads')
  try {
    return new Worker(text, { eval: true, workerData: data })
  } catch {
    // Node's permissions may forbid it.
    return undefined
  }
}
