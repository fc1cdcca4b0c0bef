import { type Conntrack, NetlinkError, openConntrack, type Subscribe, type Subscription } from '@conntrack/core'
import type { Protocol } from '@conntrack/core/plugin'
import { createKernel, type TestingKernel, type TrackedFlow } from '@conntrack/core/testing'
import { type Conversation, conversationsAround } from './conversation.ts'
import { type Phase, phase } from './phase.ts'

type Handle = TrackedFlow<unknown, Readonly<Record<string, unknown>>>

/** What FTP's helper sees. */
interface ControlConnection {
  readonly protocol: string
  readonly original: { readonly source: string; readonly destination: string; readonly sourcePort: number }
}

/** A conversation that is in the table, and what of its traffic was counted. */
interface Shown {
  readonly conversation: Conversation
  readonly handle: Handle
  sent: Phase['sent']
  answered: Phase['answered']
  /** Files that its client has asked for. */
  downloads: number
}

/** Seconds between two requests for a file of a client of FTP. */
const DOWNLOAD = 20

/** The time that a network goes by. */
export interface DemoTime {
  /** Seconds since 1970. */
  readonly clock: () => number
  /** Milliseconds after which the network goes on, while somebody listens. */
  readonly tick: number
}

const REAL_TIME: DemoTime = { clock: () => Date.now() / 1000, tick: 100 }

/**
 * Opens connection tracking of a network that is made up, in a kernel in memory: the same in every run, and going on with the time. While
 * it is watched, what happens is told as it happens. Kinds of conversation whose protocol is not installed are left out.
 */
export function openDemo(protocols: readonly Protocol[], time: Partial<DemoTime> = {}): Conntrack<Protocol> {
  return new Network(protocols, { ...REAL_TIME, ...time }).conntrack
}

/** The made-up network. */
class Network {
  readonly conntrack: Conntrack<Protocol>
  readonly #kernel: TestingKernel<Protocol>
  readonly #time: DemoTime
  readonly #names: ReadonlySet<string>
  readonly #shown = new Map<number, Shown>()
  /** The last conversation that was begun. */
  #last = 0

  constructor(protocols: readonly Protocol[], time: DemoTime) {
    const now = time.clock()
    const conversations = conversationsAround(now)
    const start = BigInt(Math.floor(conversations[0].start * 1e9))
    this.#time = time
    this.#names = new Set(protocols.map(({ name }) => name))
    this.#kernel = createKernel({ protocols, timestamps: true, now: start })
    this.conntrack = openConntrack({ protocols, socket: this.#kernel.socket, subscribe: (options) => this.#subscribe(options) })
    for (const conversation of conversations) if (phase(conversation, now - conversation.start).timeout > 0) this.#begin(conversation)
    this.#last = conversations[conversations.length - 1].number
    this.#go(now)
  }

  /** Listens to the kernel, and lets the network go on meanwhile. */
  #subscribe(options: Parameters<Subscribe>[0]): Subscription {
    const events = this.#kernel.subscribe(options)
    const { clock, tick } = this.#time
    const timer = setInterval(() => this.#go(clock()), tick)
    const close = (): void => {
      clearInterval(timer)
      events.close()
    }
    return {
      portId: events.portId,
      receiveBuffer: events.receiveBuffer,
      get losses() {
        return events.losses
      },
      receive: (visit, limit) => events.receive(visit, limit),
      readable: () => events.readable(),
      leave: () => events.leave(),
      close,
      [Symbol.dispose]: close,
    }
  }

  /** Goes on to a time, in seconds since 1970. */
  #go(now: number): void {
    for (const conversation of conversationsAround(now)) if (conversation.number > this.#last) this.#begin(conversation)
    this.#advance(now)
    for (const [number, shown] of this.#shown) {
      const { conversation, handle } = shown
      const elapsed = now - conversation.start
      const next = phase(conversation, elapsed)
      if (next.timeout <= 0 || !handle.isAlive) {
        handle.end()
        this.#shown.delete(number)
        continue
      }
      tell(shown, next)
      const download = Math.floor(elapsed / DOWNLOAD)
      if (conversation.kind.helper === 'ftp' && next.state === 'ESTABLISHED' && download > shown.downloads) {
        this.#expectData(handle.flow as ControlConnection, download)
        shown.downloads = download
      }
    }
  }

  /** What FTP's helper does when a client asks for a file: the server will connect to a port of the client's. */
  #expectData({ protocol, original }: ControlConnection, download: number): void {
    const { source, destination, sourcePort } = original
    const [any, all] = [{ sourcePort: 0 }, '255.255.255.255']
    this.conntrack.expectations.create({
      protocol,
      master: original,
      tuple: { source: destination, destination: source, ...any, destinationPort: 49152 + ((sourcePort + download) % 16384) },
      mask: { source: all, destination: all, ...any, destinationPort: 65535 },
    })
  }

  #begin(conversation: Conversation): void {
    const { number, kind, start, flow } = conversation
    this.#last = Math.max(this.#last, number)
    if (!this.#names.has(kind.protocol)) return
    this.#advance(start)
    const { state, timeout } = phase(conversation, 0)
    const handle = track(this.#kernel, { ...flow, timeout, ...(state === undefined ? {} : { state }) })
    if (handle === undefined) return
    // It is this network that ends its conversations, not their timeout at the beginning.
    handle.change({ timeout: 1_000_000 })
    this.#shown.set(number, { conversation, handle, sent: [0, 0], answered: [0, 0], downloads: 0 })
  }

  #advance(seconds: number): void {
    const nanoseconds = BigInt(Math.floor(seconds * 1e6)) * 1000n - this.#kernel.now
    if (nanoseconds > 0n) this.#kernel.advance(Number(nanoseconds) / 1e9)
  }
}

/** Makes a flow, unless another has the same packets, as can happen with ids. */
function track(kernel: TestingKernel<Protocol>, flow: object): Handle | undefined {
  try {
    return kernel.track(flow as never)
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'EEXIST') return undefined
    throw error
  }
}

/** Tells the kernel how far a conversation has come: its state with the first answer, as one packet brings both. */
function tell(shown: Shown, { state, timeout, isAnswered, isAssured, sent, answered }: Phase): void {
  const { handle } = shown
  const status = [...(isAnswered ? ['SEEN_REPLY'] : []), ...(isAssured ? ['ASSURED'] : [])]
  handle.change({ timeout, ...(state === undefined ? {} : { state }), status })
  handle.packets('original', sent[1] - shown.sent[1], sent[0] - shown.sent[0])
  if (isAnswered) handle.packets('reply', answered[1] - shown.answered[1], answered[0] - shown.answered[0])
  shown.sent = sent
  shown.answered = answered
}
