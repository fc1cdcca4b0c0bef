/** Memory comes in pages of this size, in units of 32 bytes; an address is a number of a unit, counted from 1. */
const UNIT = 32
const PAGE_UNITS = 1 << 15
/** Before each piece: its length in bytes. */
const HEADER = 4

interface Page {
  readonly bytes: Uint8Array
  readonly words: Int32Array
}

/** Pieces of memory of any length up to a page, that are given back and used again. */
export class Arena {
  readonly #pages: Page[] = []
  /** Pieces that were given back, by their number of units. */
  readonly #free: number[][] = []
  #next = PAGE_UNITS

  /** Copies bytes to a place of their own, whose address is more than 0. */
  put(bytes: Uint8Array, start: number, end: number): number {
    const units = unitsFor(end - start)
    const address = this.#free[units]?.pop() ?? this.#carve(units)
    this.#copy(address, bytes, start, end)
    return address
  }

  /** Copies bytes to a place that holds others: the same, or another if it is too small or too large. */
  replace(address: number, bytes: Uint8Array, start: number, end: number): number {
    if (unitsFor(end - start) === unitsFor(this.length(address))) {
      this.#copy(address, bytes, start, end)
      return address
    }
    this.free(address)
    return this.put(bytes, start, end)
  }

  /** Gives a place back. */
  free(address: number): void {
    const units = unitsFor(this.length(address))
    const list = (this.#free[units] ??= [])
    list.push(address)
  }

  /** The page that a place is on. */
  bytes(address: number): Uint8Array {
    return this.#page(address).bytes
  }

  /** Where on the page it begins. */
  start(address: number): number {
    return offset(address) + HEADER
  }

  /** Its length in bytes. */
  length(address: number): number {
    return this.#page(address).words[offset(address) >> 2]
  }

  #copy(address: number, bytes: Uint8Array, start: number, end: number): void {
    const { bytes: page, words } = this.#page(address)
    const at = offset(address)
    words[at >> 2] = end - start
    for (let i = start, to = at + HEADER; i < end; i++, to++) page[to] = bytes[i]
  }

  #page(address: number): Page {
    return this.#pages[(address - 1) >>> 15]
  }

  #carve(units: number): number {
    if (units > PAGE_UNITS) throw new RangeError(`${units * UNIT} bytes are more than a page`)
    if (this.#next + units > PAGE_UNITS) {
      const bytes = new Uint8Array(PAGE_UNITS * UNIT)
      this.#pages.push({ bytes, words: new Int32Array(bytes.buffer) })
      this.#next = 0
    }
    const address = (this.#pages.length - 1) * PAGE_UNITS + this.#next + 1
    this.#next += units
    return address
  }
}

const unitsFor = (length: number): number => Math.ceil((length + HEADER) / UNIT)
const offset = (address: number): number => ((address - 1) & (PAGE_UNITS - 1)) * UNIT
