import { closeSync, openSync, readSync } from 'node:fs'
import { Failure, WRONG_USAGE } from './failure.ts'
import { patiently } from './io.ts'

/** Bytes that are read at a time. */
const PIECE = 1 << 20
const NEWLINE = 0x0a
const STDIN = 0

/** A line as it stands in a file: from `start` to `end` of `bytes`, without its end. `number` counts from 1. */
export type VisitLine = (bytes: Uint8Array, start: number, end: number, number: number) => void

/**
 * Reads a file, or standard input (`-`), and calls `visit` for each line. No more of it is kept than a piece and the longest line, and what
 * `visit` sees is valid until it returns.
 * @throws Failure where it cannot be read
 */
export function forEachLine(file: string, visit: VisitLine): void {
  const descriptor = readable(file, () => (file === '-' ? STDIN : openSync(file, 'r')))
  try {
    let buffer = new Uint8Array(PIECE * 2)
    let [length, number] = [0, 1]
    for (;;) {
      if (buffer.length - length < PIECE) buffer = longer(buffer, length)
      const count = readable(file, () => read(descriptor, buffer, length))
      if (count === 0) break
      const known = length
      length += count
      let start = 0
      for (let end = buffer.indexOf(NEWLINE, known); end >= 0 && end < length; end = buffer.indexOf(NEWLINE, start)) {
        visit(buffer, start, end, number++)
        start = end + 1
      }
      buffer.copyWithin(0, start, length)
      length -= start
    }
    if (length > 0) visit(buffer, 0, length, number)
  } finally {
    if (descriptor !== STDIN) closeSync(descriptor)
  }
}

function longer(buffer: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  const next = new Uint8Array(buffer.length * 2)
  next.set(buffer.subarray(0, length))
  return next
}

function read(descriptor: number, buffer: Uint8Array, at: number): number {
  try {
    return patiently(() => readSync(descriptor, buffer, at, PIECE, null))
  } catch (error) {
    // The end of a pipe, as some runtimes tell it.
    if ((error as NodeJS.ErrnoException).code === 'EOF') return 0
    throw error
  }
}

function readable<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw new Failure(`Failed to open file ${file} for reading: ${(cause as Error).message}`, WRONG_USAGE, { cause })
  }
}
