import { idOf, isSameEntry } from './compaction.ts'
import { type Keys, MessageView } from './message.ts'
import { Arena } from './arena.ts'

/**
 * Entries as the kernel last told of them, each the bytes of a message, found by id and tuple. It holds millions: an entry is no object
 * but a slot, a number that stays the same while the entry is there.
 */
export class Store {
  size = 0
  /** A byte for each slot, for whoever owns the store; 0 for a new one. */
  flags: Uint8Array = new Uint8Array(16)
  readonly #keys: Keys
  readonly #arena = new Arena()
  readonly #view = new MessageView()
  /** By slot: the entry's id, where its message is, and 0 there for a free slot. */
  #ids = new Int32Array(16)
  #places = new Uint32Array(16)
  readonly #free: number[] = []
  #slots = 0
  /** By hash: a slot + 1, or 0. Collisions go to the next. */
  #table = new Int32Array(32)

  constructor(keys: Keys) {
    this.#keys = keys
  }

  /** The slot of the entry that a message is about, or -1. */
  find(message: MessageView): number {
    const id = idOf(message, this.#keys)
    const table = this.#table
    const mask = table.length - 1
    for (let i = hash(id) & mask; table[i] !== 0; i = (i + 1) & mask) {
      const slot = table[i] - 1
      if (this.#ids[slot] === id && isSameEntry(this.load(slot, this.#view), message, this.#keys)) return slot
    }
    return -1
  }

  /** The first slot of an entry with this id, or -1. */
  findId(id: number): number {
    const table = this.#table
    const mask = table.length - 1
    for (let i = hash(id | 0) & mask; table[i] !== 0; i = (i + 1) & mask) if (this.#ids[table[i] - 1] === (id | 0)) return table[i] - 1
    return -1
  }

  /** Adds the entry of a message, which must not be there. Gives its slot. */
  add(message: MessageView): number {
    const slot = this.#free.pop() ?? this.#newSlot()
    this.#ids[slot] = idOf(message, this.#keys)
    this.#places[slot] = this.#arena.put(message.bytes, message.start, message.end)
    this.flags[slot] = 0
    this.size++
    if (this.size * 2 > this.#table.length) this.#rehash()
    else this.#enter(slot)
    return slot
  }

  /** Puts another message of the same entry in the place of the one that is there. */
  replace(slot: number, bytes: Uint8Array, start: number, end: number): void {
    this.#places[slot] = this.#arena.replace(this.#places[slot], bytes, start, end)
  }

  remove(slot: number): void {
    const table = this.#table
    const mask = table.length - 1
    let hole = hash(this.#ids[slot]) & mask
    while (table[hole] !== slot + 1) hole = (hole + 1) & mask
    // What a collision has put behind the hole moves up, if that is nearer to where it belongs.
    for (let i = (hole + 1) & mask; table[i] !== 0; i = (i + 1) & mask) {
      const home = hash(this.#ids[table[i] - 1]) & mask
      if (((i - home) & mask) < ((i - hole) & mask)) continue
      table[hole] = table[i]
      hole = i
    }
    table[hole] = 0
    this.#arena.free(this.#places[slot])
    this.#places[slot] = 0
    this.#free.push(slot)
    this.size--
  }

  /** Looks at the message of a slot; valid until the store changes. */
  load(slot: number, view: MessageView): MessageView {
    const arena = this.#arena
    const place = this.#places[slot]
    const bytes = arena.bytes(place)
    const start = arena.start(place)
    return view.load(bytes, start, start + arena.length(place))
  }

  /** The slots in use. Entries may be removed meanwhile. */
  *slots(): Generator<number, void, undefined> {
    for (let slot = 0; slot < this.#slots; slot++) if (this.#places[slot] !== 0) yield slot
  }

  #enter(slot: number): void {
    const table = this.#table
    const mask = table.length - 1
    let i = hash(this.#ids[slot]) & mask
    while (table[i] !== 0) i = (i + 1) & mask
    table[i] = slot + 1
  }

  #rehash(): void {
    this.#table = new Int32Array(this.#table.length * 2)
    for (const slot of this.slots()) this.#enter(slot)
  }

  #newSlot(): number {
    if (this.#slots === this.#ids.length) {
      const [ids, places, flags] = [this.#ids, this.#places, this.flags]
      this.#ids = new Int32Array(ids.length * 2)
      this.#ids.set(ids)
      this.#places = new Uint32Array(places.length * 2)
      this.#places.set(places)
      this.flags = new Uint8Array(flags.length * 2)
      this.flags.set(flags)
    }
    return this.#slots++
  }
}

// Ids are random on kernels since 5.2, and addresses before.
function hash(id: number): number {
  return Math.imul(id ^ (id >>> 15), 0x2c1b3c6d) >>> 3
}
