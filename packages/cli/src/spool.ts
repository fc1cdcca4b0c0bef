import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from './failure.ts'

/** Bytes that are kept in memory; what is more goes to a file. */
const IN_MEMORY = 1 << 22
/** Bytes of a record before its own: its length, the number that it was given, and its kind. */
const HEAD = 12

/** A record as it was put in. `bytes` are valid until the next one is read. */
export interface SpoolRecord {
  readonly number: number
  readonly kind: number
  readonly bytes: Uint8Array
}

/**
 * Records that are put in, and once all are, read again in the same order. Memory does not grow with them: they go to a file in the
 * directory for temporary ones, which has no name by then, so that nobody else can open it and it goes with the process.
 */
export class Spool implements Disposable {
  #buffer = new Uint8Array(IN_MEMORY)
  #view = new DataView(this.#buffer.buffer)
  #length = 0
  #file: number | undefined
  #written = 0
  /** How many there are. */
  count = 0

  /** @throws Failure where there is no room for it */
  add(number: number, kind: number, bytes: Uint8Array): void {
    const size = HEAD + bytes.length
    if (this.#length + size > this.#buffer.length) this.#spill(size)
    this.#view.setUint32(this.#length, bytes.length)
    this.#view.setUint32(this.#length + 4, number)
    this.#view.setUint32(this.#length + 8, kind)
    this.#buffer.set(bytes, this.#length + HEAD)
    this.#length += size
    this.count++
  }

  /** Each record in turn. Nothing can be put in from then on. */
  *records(): Generator<SpoolRecord, void, undefined> {
    if (this.#file !== undefined) this.#spill(0)
    const { length } = this.#buffer
    let [position, end, at] = [0, this.#file === undefined ? this.#length : 0, 0]
    for (;;) {
      const size = end - at < HEAD ? HEAD : HEAD + this.#view.getUint32(at)
      if (end - at < size) {
        if (this.#file === undefined || position === this.#written) return
        this.#buffer.copyWithin(0, at, end)
        end -= at
        at = 0
        const count = readSync(this.#file, this.#buffer, end, Math.min(length - end, this.#written - position), position)
        position += count
        end += count
        continue
      }
      yield { number: this.#view.getUint32(at + 4), kind: this.#view.getUint32(at + 8), bytes: this.#buffer.subarray(at + HEAD, at + size) }
      at += size
    }
  }

  /** Lets go of the file. */
  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #spill(size: number): void {
    try {
      this.#file ??= nameless()
      for (let at = 0; at < this.#length; ) at += writeSync(this.#file, this.#buffer, at, this.#length - at)
    } catch (cause) {
      const message = `cannot keep what is to be done until all of it is checked, in ${tmpdir()}: ${(cause as Error).message}`
      throw new Failure(message, undefined, { cause })
    }
    this.#written += this.#length
    this.#length = 0
    if (size <= this.#buffer.length) return
    this.#buffer = new Uint8Array(size * 2)
    this.#view = new DataView(this.#buffer.buffer)
  }
}

/** A new file that only its descriptor leads to. */
function nameless(): number {
  const path = join(tmpdir(), `conntrack-${crypto.randomUUID()}`)
  const descriptor = openSync(path, 'wx+', 0o600)
  unlinkSync(path)
  return descriptor
}
