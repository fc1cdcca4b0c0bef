import { writeSync } from 'node:fs'
import { printable } from '@conntrack/core/plugin'
import type { Screen } from '@conntrack/formatters'

/** Where output goes. */
export interface Io {
  /** Standard output. The bytes are written when it returns. */
  readonly out: (bytes: Uint8Array) => void
  /** A line on standard error. */
  readonly err: (line: string) => void
  /** Writes over the last line of the terminal that standard error is; absent where it is none. An empty text takes the line away. */
  readonly status?: (text: string) => void
  /** What standard output is shown on, asked when it matters; no screen if absent. */
  readonly screen?: () => Screen
  /** Who sits before the program, where somebody does. */
  readonly person?: () => Person | undefined
  /** Does work that can be told to stop: the signal is aborted then, with the name of the system's signal as its reason. */
  readonly stoppable?: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>
  /** Calls a function whenever the program is asked for what it has counted (SIGUSR1). Gives what ends that. */
  readonly onReport?: (listener: () => void) => () => void
}

/** Somebody at a terminal. */
export interface Person {
  /** SSH_CONNECTION, as it is: by which connection they came, if by one. */
  readonly sshConnection: string | undefined
}

/** The beginning of the line, and what takes away the rest of it (EL). */
const OVERWRITE = '\r\u001b[K'

/** Output to the file descriptors 1 and 2. `isWatched` tells that 2 is a terminal. What is told on stderr may have words of files in it, so it is made printable. */
export function standardIo(others: Omit<Io, 'out' | 'err' | 'status'>, isWatched = false): Io {
  const encoder = new TextEncoder()
  return {
    out: (bytes) => writeAll(1, bytes),
    err: (line) => writeAll(2, encoder.encode(`${line.split('\n').map(printable).join('\n')}\n`)),
    ...others,
    ...(isWatched && { status: (text: string) => writeAll(2, encoder.encode(OVERWRITE + text)) }),
  }
}

/** What is known of a stream: whether it is a terminal, and how wide. */
interface Stream {
  readonly isTTY?: boolean
  readonly columns?: number
}

/** The screen behind a stream. Colours are for terminals alone, and for none where NO_COLOR is set or TERM is dumb. */
export function screenOf({ isTTY, columns }: Stream, environment: Readonly<Record<string, string | undefined>>): Screen {
  if (isTTY !== true) return { colors: false }
  return { width: columns || undefined, colors: !environment.NO_COLOR && environment.TERM !== 'dumb' }
}

/** Milliseconds between two tries on a pipe that does not block: to write to a full one, or to read from an empty one. */
const RETRY = 1
const never = new Int32Array(new SharedArrayBuffer(4))

/** Does a call on a descriptor: again where it was interrupted, and a moment later where it would have to wait and does not. */
export function patiently(call: () => number): number {
  for (;;) {
    try {
      return call()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EAGAIN') Atomics.wait(never, 0, 0, RETRY)
      else if (code !== 'EINTR') throw error
    }
  }
}

/** Writes all bytes, however many calls it takes. */
function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) {
    const rest = bytes.length - written
    written += patiently(() => writeSync(descriptor, bytes, written, rest))
  }
}
