import { readFileSync } from 'node:fs'
import { unhex } from '../../packages/core/test/bytes.ts'

/** A datagram of a real kernel, or one that was a bug's occasion. */
export interface Captured {
  readonly title: string
  readonly bytes: Uint8Array
}

/** Reads a file of datagrams: a title after `#`, and its bytes in hexadecimal digits in the next line. */
export function readCaptures(name: string): Captured[] {
  const lines = readFileSync(new URL(name, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
  return lines.flatMap((line, i) => (line.startsWith('#') ? [{ title: line.slice(2), bytes: unhex(lines[i + 1] ?? '') }] : []))
}
