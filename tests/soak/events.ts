import { type Conntrack, openConntrack } from '@conntrack/core'
import type { Protocol } from '@conntrack/core/plugin'
import { eventJson, eventLine, line } from '@conntrack/formatters'
import { protocols } from '../../packages/cli/test/program.ts'
import { realFlows } from '../../packages/core/test/real-flows.ts'
import { done, message, scriptedKernel } from '../../packages/core/test/scripted-kernel.ts'
import { scriptedLibc } from '../../packages/core/test/scripted-libc.ts'
import { Poller } from '../../packages/core/src/transport/poller.ts'
import { openSubscription } from '../../packages/core/src/transport/subscription.ts'
import { type Soaked, soaked, type Tell } from './soak.ts'

/** Events of one watch. */
export const LIFE = 30_000
/** Flows that are there at a time: all begin, all change, all end. */
const FLOWS = 1000
/** Datagrams of one recvmmsg(2). */
const SLOTS = 64

/** CTA_ID, by which flows are told apart. */
const withId = (body: Uint8Array, id: number): Uint8Array => Uint8Array.of(...body, 8, 0, 12, 0, id >> 24, id >> 16, id >> 8, id)

const LIVES = [
  { type: 0x0100, flags: 0x600 },
  { type: 0x0100, flags: 0 },
  { type: 0x0102, flags: 0 },
].flatMap(({ type, flags }) =>
  Array.from({ length: FLOWS }, (_, i) => {
    const { family, body } = realFlows[i % realFlows.length]
    return message({ type, flags, sequence: 0, family, body: withId(body, 1000 + i) })
  }),
)

/** A kernel in which flows come and go without end, as fast as they are read. Of its table it says that it is empty. */
function endless(): Conntrack<Protocol> {
  let next = 0
  const libc = scriptedLibc({
    recvmmsg(_, vector) {
      const memory = new Uint8Array(vector.buffer)
      const view = new DataView(vector.buffer)
      for (let i = 0; i < SLOTS; i++) {
        const bytes = LIVES[next++ % LIVES.length]
        memory.set(bytes, Number(view.getBigUint64(Number(view.getBigUint64(i * 64 + 16, true)), true)))
        view.setUint32(i * 64 + 48, 0, true)
        view.setUint32(i * 64 + 56, bytes.length, true)
      }
      return SLOTS
    },
  })
  return openConntrack<readonly Protocol[]>({
    protocols,
    socket: scriptedKernel(({ sequence }) => [done(sequence)]),
    subscribe(options) {
      next = 0
      libc.calls.length = 0
      return openSubscription({ ...options, libc, poller: new Poller(libc, () => ({ wait: async () => [], close() {} })) })
    },
  })
}

/** Everybody who follows events, until there were `LIFE` of them. */
const WORKS: Readonly<Record<string, (ct: Conntrack<Protocol>) => Promise<number>>> = {
  lines: ({ flows }) => flows.watch().print(eventLine(line()), () => {}, { limit: LIFE }),
  JSON: ({ flows }) => flows.watch().print(eventJson('flow'), () => {}, { limit: LIFE }),
  async objects({ flows }) {
    let count = 0
    for await (const { type } of flows.watch()) if (type !== 'resynced' && ++count === LIFE) break
    return count
  },
  async 'a mirror'({ flows }) {
    let count = 0
    const mirror = flows.mirror({ compareEvery: Number.POSITIVE_INFINITY })
    mirror.on('change', () => {
      if (++count === LIFE) mirror.close()
    })
    await mirror.closed
    if (mirror.size !== 0) throw new Error(`${mirror.size} flows are left in the mirror`)
    return count
  },
}

/** Lets so many events be followed, by each in turn. */
export async function soakEvents(total: number, tell?: Tell): Promise<Soaked> {
  using ct = endless()
  return await soaked({ ct, works: WORKS, size: LIFE, total }, tell)
}
