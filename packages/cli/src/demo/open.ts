import { type Conntrack, NetlinkError, openConntrack } from '@conntrack/core'
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

/** A conversation that is in the table, and as how it was told last. */
interface Shown {
  readonly conversation: Conversation
  readonly handle: Handle
  last: Phase
}

/**
 * Opens connection tracking of a network that is made up, in a kernel in memory: the same in every run, and going on with the clock.
 * Kinds of conversation whose protocol is not installed are left out.
 */
export function openDemo(protocols: readonly Protocol[], now: number = Date.now() / 1000): Conntrack<Protocol> {
  const network = new Network(protocols, now)
  const conntrack = openConntrack({ protocols, socket: network.kernel.socket })
  for (const flow of conntrack.flows.list({ helper: { name: 'ftp' } })) expectData(conntrack, flow as unknown as ControlConnection)
  return conntrack
}

/** What FTP's helper does when a client asks for a file: the server will connect to a port of the client's. */
function expectData({ expectations }: Conntrack<Protocol>, { protocol, original }: ControlConnection): void {
  const { source, destination, sourcePort } = original
  const [any, all] = [{ sourcePort: 0 }, '255.255.255.255']
  expectations.create({
    protocol,
    master: original,
    tuple: { source: destination, destination: source, ...any, destinationPort: 49152 + (sourcePort % 16384) },
    mask: { source: all, destination: all, ...any, destinationPort: 65535 },
  })
}

/** The made-up network. */
class Network {
  readonly kernel: TestingKernel<Protocol>
  readonly #names: ReadonlySet<string>
  readonly #shown = new Map<number, Shown>()
  /** The last conversation that was begun. */
  #last = 0

  constructor(protocols: readonly Protocol[], now: number) {
    const conversations = conversationsAround(now)
    const start = BigInt(Math.floor(conversations[0].start * 1e9))
    this.#names = new Set(protocols.map(({ name }) => name))
    this.kernel = createKernel({ protocols, timestamps: true, now: start })
    for (const conversation of conversations) if (phase(conversation, now - conversation.start).timeout > 0) this.#begin(conversation)
    this.#last = conversations[conversations.length - 1].number
    this.go(now)
  }

  /** Goes on to a time, in seconds since 1970. */
  go(now: number): void {
    for (const conversation of conversationsAround(now)) if (conversation.number > this.#last) this.#begin(conversation)
    this.#advance(now)
    for (const [number, shown] of this.#shown) {
      const next = phase(shown.conversation, now - shown.conversation.start)
      if (next.timeout <= 0 || !shown.handle.isAlive) {
        shown.handle.end()
        this.#shown.delete(number)
        continue
      }
      tell(shown, next)
      shown.last = next
    }
  }

  #begin(conversation: Conversation): void {
    const { number, kind, start, flow } = conversation
    this.#last = Math.max(this.#last, number)
    if (!this.#names.has(kind.protocol)) return
    this.#advance(start)
    // It is this network that ends its conversations, not their timeout at the beginning.
    const handle = track(this.kernel, { ...flow, timeout: 1_000_000 })
    if (handle === undefined) return
    this.#shown.set(number, { conversation, handle, last: { ...phase(conversation, 0), sent: [0, 0], answered: [0, 0] } })
  }

  #advance(seconds: number): void {
    const nanoseconds = BigInt(Math.floor(seconds * 1e6)) * 1000n - this.kernel.now
    if (nanoseconds > 0n) this.kernel.advance(Number(nanoseconds) / 1e9)
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

function tell({ handle, last }: Shown, { state, timeout, isAssured, sent, answered }: Phase): void {
  handle.packets('original', sent[1] - last.sent[1], sent[0] - last.sent[0])
  if (answered[0] > last.answered[0]) handle.packets('reply', answered[1] - last.answered[1], answered[0] - last.answered[0])
  handle.change({ timeout, ...(state === undefined ? {} : { state }), status: isAssured ? ['ASSURED'] : [] })
}
