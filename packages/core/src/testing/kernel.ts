import { errnoNumber, NetlinkError } from '../errors.ts'
import { type FlowOf, type NewFlowOf, type Protocol, unknownProtocol } from '../tables/protocol.ts'
import type { NetlinkSocket } from '../transport/socket.ts'
import { nanoseconds } from './clock.ts'
import type { Fields } from './codec.ts'
import { Faults, type KernelCommand } from './faults.ts'
import { Refusal } from './refusal.ts'
import type { KernelSettings } from './settings.ts'
import type { KernelSubscription, ListenOptions } from './listeners.ts'
import { KernelSocket } from './socket.ts'
import { track, type TrackedFlow } from './track.ts'
import { expire, newWorld } from './world.ts'

/** Options of {@link createKernel}. */
export interface KernelOptions<P extends readonly Protocol[]> extends KernelSettings {
  /** The protocols that this kernel knows; the parts of others it keeps as they are sent. */
  readonly protocols: P
}

/** A kernel in memory: one network namespace's connection tracking, and what a test does to it. Its lists of dying and of unconfirmed flows are always empty. */
export interface TestingKernel<P extends Protocol> {
  /** Opens a netlink socket: what `openConntrack`'s `socket` takes. Several programs may each have their own. */
  readonly socket: () => NetlinkSocket
  /** Opens a subscription to events: what `openConntrack`'s `subscribe` takes. The program in its options is run, as the kernel does it. */
  readonly subscribe: (options: ListenOptions) => KernelSubscription
  /** Makes a flow as packets do, without a request. @throws NetlinkError EEXIST, EINVAL, as a request would */
  track(flow: NewFlowOf<P>): TrackedFlow<FlowOf<P>, Partial<NewFlowOf<P>>>
  /** The time: nanoseconds since 1970. It stands still until {@link TestingKernel.advance}. */
  readonly now: bigint
  /** Lets seconds pass: what is over then has gone. */
  advance(seconds: number): void
  /** How many requests there were, of one kind or of all; each message of a datagram is one. */
  requests(command?: KernelCommand): number
  /**
   * The next requests of a kind, one if `times` is absent, are refused with an error by its name (`'EPERM'`); `detail` are the
   * kernel's words about it. @throws RangeError for a name that no error has
   */
  refuse(command: KernelCommand, code: string, options?: { readonly times?: number; readonly detail?: string }): void
  /** Does something right before the next request of a kind is done: what another program or a packet may do meanwhile. */
  before(command: KernelCommand, action: () => void): void
  /** The next dumps, one if `times` is absent, say that the table changed meanwhile (NLM_F_DUMP_INTR). */
  interrupt(times?: number): void
  /** The next events, one if `count` is absent, find no room in anybody's queue (ENOBUFS), and neither do those that follow until it is emptied. */
  lose(count?: number): void
}

/**
 * Makes a kernel in memory that speaks ctnetlink over the same bytes as the real one: for tests of code that uses this SDK, on any
 * system and without privileges. It keeps the real one's rules about tuples, zones, translation, status, marks, labels, timeouts,
 * helpers and expectations, and refuses with the same errors. It sees no packets but those that a test tells it of.
 *
 * @example
 * const kernel = createKernel({ protocols: [tcp] })
 * using ct = openConntrack({ protocols: [tcp], socket: kernel.socket })
 *
 * @throws RangeError when two protocols have the same name, or disagree about an attribute
 */
export function createKernel<const P extends readonly Protocol[]>({ protocols, ...settings }: KernelOptions<P>): TestingKernel<P[number]> {
  const world = newWorld(protocols, settings)
  const faults = new Faults()
  let sockets = 0
  const kernel: TestingKernel<Protocol> = {
    socket: () => new KernelSocket(world, faults, 1000 + sockets++),
    subscribe: (options) => world.listeners.open(options),
    track(flow) {
      const { protocol: name, ...given } = flow as Fields
      const protocol = [...protocols, unknownProtocol as unknown as Protocol].find((one) => one.name === name)
      if (protocol === undefined) throw new RangeError(`protocol '${String(name)}' is not known to this kernel`)
      try {
        return track(world, protocol, given) as TrackedFlow<FlowOf<Protocol>, Partial<NewFlowOf<Protocol>>>
      } catch (refusal) {
        if (!(refusal instanceof Refusal)) throw refusal
        throw new NetlinkError('track', errnoNumber(refusal.code))
      }
    },
    get now() {
      return world.clock.now
    },
    advance(seconds) {
      world.clock.now += nanoseconds(seconds)
      expire(world)
    },
    requests: (command) => faults.count(command),
    refuse(command, code, { times, detail } = {}) {
      errnoNumber(code)
      faults.plan(
        command,
        () => {
          throw new Refusal(code, detail)
        },
        times,
      )
    },
    before: (command, action) => faults.plan(command, action),
    interrupt(times = 1) {
      faults.interruptions += times
    },
    lose: (count = 1) => world.listeners.lose(count),
  }
  return kernel
}
