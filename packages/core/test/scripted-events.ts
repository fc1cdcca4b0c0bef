import { openConntrack } from '../src/conntrack.ts'
import type { SubscribeOptions } from '../src/events/source.ts'
import { NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL } from '../src/transport/message.ts'
import type { Subscription } from '../src/transport/subscription.ts'
import type { AnyFlow } from './entries.ts'
import { flowBody, PROTOCOLS, type ScriptedConntrack } from './scripted-conntrack.ts'
import { ack, done, message, scriptedKernel, type ScriptedRequest } from './scripted-kernel.ts'

const [NEW, GET_STATS, DELETE] = [0x0100, 0x0105, 0x0102]
type Tracking = Omit<ScriptedConntrack, 'asked' | 'kernel'>

/** A queue of the kernel for one listener, with room for so many messages; what finds none is lost until the queue is empty. */
class ScriptedSubscription implements Subscription {
  readonly portId = 4711
  readonly receiveBuffer: number
  losses = { times: 0, messages: 0 }
  closed = false
  left = false
  readonly groups: readonly number[]
  readonly #queue: Uint8Array[] = []
  readonly #capacity: () => number
  #lost = 0
  #isCongested = false
  #wake = (): void => {}

  constructor({ groups, receiveBuffer }: SubscribeOptions, capacity: () => number) {
    this.groups = groups
    this.receiveBuffer = receiveBuffer * 2
    this.#capacity = capacity
  }

  push(bytes: Uint8Array): void {
    if (this.#isCongested || this.#queue.length >= this.#capacity()) {
      this.#isCongested = true
      this.#lost++
    } else this.#queue.push(bytes)
    this.#wake()
  }

  receive(visit: (bytes: Uint8Array, start: number, end: number) => void, limit: number): boolean {
    if (this.closed) throw new Error('this subscription is closed')
    for (const bytes of this.#queue.splice(0, limit)) visit(bytes, 0, bytes.length)
    if (this.#queue.length > 0) return false
    if (this.#lost > 0) this.losses = { times: this.losses.times + 1, messages: this.losses.messages + this.#lost }
    this.#lost = 0
    this.#isCongested = false
    return true
  }

  readable(): Promise<void> {
    return new Promise((resolve) => {
      if (this.closed || this.#queue.length > 0 || this.#lost > 0) resolve()
      else this.#wake = resolve
    })
  }

  leave(): void {
    this.left = true
    this.#wake()
  }

  close(): void {
    this.closed = true
    this.#wake()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** A kernel in memory: a table of flows by id, whose changes are events, and subscriptions that lose what the test wants. */
export class ScriptedEvents {
  readonly table = new Map<number, AnyFlow>()
  readonly subscriptions: ScriptedSubscription[] = []
  /** Messages that a listener's queue has room for. */
  capacity = Number.POSITIVE_INFINITY
  /** Called after each entry of a listing, so that the table can change meanwhile. */
  whileListing = (): void => {}
  /** How often the table was listed. */
  listed = 0
  readonly conntrack: Tracking

  constructor() {
    const kernel = scriptedKernel((request) => this.#answer(request))
    this.conntrack = openConntrack({
      protocols: PROTOCOLS,
      socket: kernel,
      subscribe: (options) => {
        const subscription = new ScriptedSubscription(options, () => this.capacity)
        this.subscriptions.push(subscription)
        return subscription
      },
    })
  }

  create(flow: AnyFlow): void {
    this.table.set(flow.id as number, flow)
    this.#tell(1, { type: NEW, flags: NLM_F_CREATE | NLM_F_EXCL }, flow)
  }

  /** Changes some fields; as the kernel does, the event has only those, and what tells the flow. */
  update(id: number, change: Record<string, unknown>): void {
    const flow = this.table.get(id)
    if (flow === undefined) throw new Error(`no flow ${id}`)
    this.table.set(id, { ...flow, ...change })
    const { protocol, family, original, reply, status, mark } = flow
    this.#tell(2, { type: NEW, flags: 0 }, { protocol, family, original, reply, status, mark, id, ...change })
  }

  destroy(id: number): void {
    const flow = this.table.get(id)
    if (flow === undefined) throw new Error(`no flow ${id}`)
    this.table.delete(id)
    this.#tell(3, { type: DELETE, flags: 0 }, flow)
  }

  #tell(group: number, header: { readonly type: number; readonly flags: number }, flow: AnyFlow): void {
    const bytes = message({ ...header, sequence: 0, family: flow.family === 'ipv6' ? 10 : 2, body: flowBody(flow) })
    for (const one of this.subscriptions) if (!one.closed && !one.left && one.groups.includes(group)) one.push(bytes)
  }

  *#answer({ type, flags, sequence }: ScriptedRequest): Generator<Uint8Array, void, undefined> {
    if (type === GET_STATS) {
      yield message({ type, sequence, flags: 0, body: Uint8Array.of(8, 0, 1, 0, 0, 0, this.table.size >> 8, this.table.size & 255) })
      yield ack(sequence)
      return
    }
    if ((flags & NLM_F_DUMP) !== NLM_F_DUMP) {
      yield ack(sequence)
      return
    }
    this.listed++
    // Those of now: what comes meanwhile is not listed.
    const ids = [...this.table.keys()]
    for (const id of ids) {
      const flow = this.table.get(id)
      if (flow !== undefined) yield message({ type: NEW, sequence, family: flow.family === 'ipv6' ? 10 : 2, body: flowBody(flow) })
      this.whileListing()
    }
    yield done(sequence)
  }
}

/** A flow with an id. */
export function flowWithId(id: number, more: Record<string, unknown> = {}): AnyFlow {
  const original = { source: `10.0.${(id >> 8) & 255}.${id & 255}`, destination: '10.9.9.9', sourcePort: id & 0xffff, destinationPort: 443 }
  const reply = { source: '10.9.9.9', destination: original.source, sourcePort: 443, destinationPort: original.sourcePort }
  return { protocol: 'stream', family: 'ipv4', original, reply, timeout: 60, status: ['CONFIRMED'], mark: 0, id, ...more }
}
