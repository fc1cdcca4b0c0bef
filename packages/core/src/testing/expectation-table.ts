import { ipv4, ipv6 } from '../schema/kinds.ts'
import type { Protocol } from '../tables/protocol.ts'
import { type Clock, secondsUntil } from './clock.ts'
import type { Fields } from './codec.ts'
import type { KernelFlow } from './flow.ts'
import type { Statistics } from './statistics.ts'

/** A connection that is expected because of another, as the kernel keeps it. */
export interface KernelExpectation {
  readonly protocol: Protocol
  readonly id: number
  readonly master: KernelFlow
  readonly tuple: Fields
  /** Of a mask only the source counts: destination, port and protocol are always compared. */
  readonly mask: Fields
  readonly flags: readonly string[]
  readonly class: number
  readonly nat: unknown
  readonly function: string | undefined
  expires: bigint
}

/** What the kernel tells of an expectation. */
export function expectationFields(expectation: KernelExpectation, clock: Clock): Fields {
  const { master, tuple, mask, flags, id, nat } = expectation
  return {
    master: master.original,
    tuple,
    mask,
    timeout: secondsUntil(expectation.expires, clock),
    flags,
    class: expectation.class,
    helper: master.helper || undefined,
    nat,
    function: expectation.function,
    id,
  }
}

/** The table of expectations. */
export class ExpectationTable implements Iterable<KernelExpectation> {
  readonly #expectations = new Set<KernelExpectation>()
  readonly #statistics: Statistics
  readonly #onRemove: (expectation: KernelExpectation, portId: number) => void

  /** `onRemove` is told of each that is taken out, and of the socket that asked for it. */
  constructor(statistics: Statistics, onRemove: (expectation: KernelExpectation, portId: number) => void) {
    this.#statistics = statistics
    this.#onRemove = onRemove
  }

  /** The expectations in the order in which they came, as they are now. */
  [Symbol.iterator](): IterableIterator<KernelExpectation> {
    return [...this.#expectations].values()
  }

  has(expectation: KernelExpectation): boolean {
    return this.#expectations.has(expectation)
  }

  /** The expectation that such packets would fulfil. */
  find(tuple: Fields, zone: number): KernelExpectation | undefined {
    return [...this].find((one) => one.master.zone.id === zone && isSame(tuple, one.tuple, one.mask))
  }

  /** Whether some packets would fulfil this one and another (expect_clash). */
  clashes({ tuple, mask, master }: KernelExpectation): boolean {
    return [...this].some((one) => one.master.zone.id === master.zone.id && isSame(tuple, one.tuple, mask, one.mask))
  }

  /** Adds one; of a master's, the oldest goes when there are more than `limit`. */
  insert(expectation: KernelExpectation, limit: number): void {
    const siblings = [...this].filter(({ master }) => master === expectation.master)
    if (siblings.length >= limit) this.remove(siblings[0])
    this.#expectations.add(expectation)
    this.#statistics.expectations.create++
  }

  /** Takes one out, if it is there. */
  remove(expectation: KernelExpectation, portId = 0): void {
    if (!this.#expectations.delete(expectation)) return
    this.#statistics.expectations.delete++
    this.#onRemove(expectation, portId)
  }

  /** Takes out all that a flow made the kernel expect. */
  removeOf(flow: KernelFlow): void {
    for (const one of this) if (one.master === flow) this.remove(one)
  }

  /** Takes out those whose time is over. */
  expire({ now }: Clock): void {
    for (const one of this) if (one.expires <= now) this.remove(one)
  }
}

/** Whether two tuples are the same: all but the source whole, and of the source what every mask says. */
function isSame(one: Fields, other: Fields, ...masks: readonly Fields[]): boolean {
  return Object.keys(one).every((field) => {
    if (field === 'zone') return true
    if (!field.startsWith('source')) return one[field] === other[field]
    const under = (value: unknown): string => masks.reduce((bytes, mask) => and(bytes, bytesOf(mask[field])), bytesOf(value)).join()
    return under(one[field]) === under(other[field])
  })
}

function and(bytes: Uint8Array, mask: Uint8Array): Uint8Array {
  return bytes.map((byte, i) => byte & (mask[i] ?? 0))
}

/** An address, or a port or key, as bytes. */
function bytesOf(value: unknown): Uint8Array {
  if (typeof value !== 'string') return Uint8Array.of(Number(value ?? 0) >> 8, Number(value ?? 0))
  const kind = value.includes(':') ? ipv6 : ipv4
  const bytes = new Uint8Array(kind.size ?? 0)
  kind.write(bytes, 0, value)
  return bytes
}
