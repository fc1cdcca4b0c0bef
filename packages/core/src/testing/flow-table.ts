import type { Fields } from './codec.ts'
import type { KernelFlow } from './flow.ts'
import { tupleKey } from './tuple.ts'
import { type Direction, type Zone, zoneIn } from './zone.ts'

const DIRECTIONS = ['original', 'reply'] as const

/** The connection table: flows by both of their tuples, which are unique in their zone. */
export class FlowTable implements Iterable<KernelFlow> {
  readonly #flows = new Set<KernelFlow>()
  readonly #byTuple = new Map<string, KernelFlow>()

  get size(): number {
    return this.#flows.size
  }

  /** The flows in the order in which they came, as they are now: what comes later is not among them. */
  [Symbol.iterator](): IterableIterator<KernelFlow> {
    return [...this.#flows].values()
  }

  has(flow: KernelFlow): boolean {
    return this.#flows.has(flow)
  }

  /** The flow with such packets in either direction (nf_conntrack_find_get). */
  find(tuple: Fields, zone: Zone): KernelFlow | undefined {
    for (const direction of DIRECTIONS) {
      const found = this.#byTuple.get(keyOf(tuple, zone, direction))
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Puts a flow in, unless there is one with the same packets; says whether it did. */
  insert(flow: KernelFlow): boolean {
    if (DIRECTIONS.some((direction) => this.find(flow[direction], flow.zone) !== undefined)) return false
    this.#flows.add(flow)
    for (const direction of DIRECTIONS) this.#byTuple.set(keyOf(flow[direction], flow.zone, direction), flow)
    return true
  }

  /** Takes a flow out; says whether it was there. */
  remove(flow: KernelFlow): boolean {
    for (const direction of DIRECTIONS) this.#byTuple.delete(keyOf(flow[direction], flow.zone, direction))
    return this.#flows.delete(flow)
  }
}

function keyOf(tuple: Fields, zone: Zone, direction: Direction): string {
  return `${direction} ${zoneIn(zone, direction)} ${tupleKey(tuple)}`
}
