import { readdirSync } from 'node:fs'
import process from 'node:process'
import { type Conntrack, openConntrack } from '@conntrack/core'
import type { Protocol } from '@conntrack/core/plugin'
import { json, line } from '@conntrack/formatters'
import { protocols } from '../../packages/cli/test/program.ts'
import { realFlows } from '../../packages/core/test/real-flows.ts'
import { ack, datagram, done, message } from '../../packages/core/test/scripted-kernel.ts'
import type { NetlinkSocket } from '../../packages/core/src/transport/socket.ts'

/** Flows in a list. */
export const LIST = 100_000
/** Messages in a datagram, which has 32 KiB at most as the kernel's. */
const MESSAGES = 50

/** A kernel whose table has many flows, and which says yes to all else. */
function socket(): NetlinkSocket {
  const flows = Array.from({ length: MESSAGES }, (_, i) => realFlows[i % realFlows.length])
  const bytes = datagram(...flows.map(({ family, body }) => message({ type: 0x0100, sequence: 0, family, body })))
  const view = new DataView(bytes.buffer)
  let left = 0
  let sequence = 0
  let answers: Uint8Array[] = []
  const close = (): void => {
    left = 0
    answers = []
  }
  return {
    portId: 1,
    send(request) {
      const asked = new DataView(request.buffer, request.byteOffset, request.length)
      let last = 0
      for (let at = 0; at < request.length; at += (asked.getUint32(at, true) + 3) & ~3) last = at
      sequence = asked.getUint32(last + 8, true)
      const isDump = (asked.getUint16(last + 6, true) & 0x300) === 0x300 && asked.getUint16(last + 4, true) === 0x0101
      left = isDump ? LIST / MESSAGES : 0
      answers = [isDump ? done(sequence) : ack(sequence)]
      for (let at = 0; at < bytes.length; at += (view.getUint32(at, true) + 3) & ~3) view.setUint32(at + 8, sequence, true)
    },
    receive(into) {
      const next = left-- > 0 ? bytes : answers.pop()
      if (next === undefined) throw new Error('more is waited for than this kernel says')
      into.set(next)
      return next.length
    },
    buffers: () => ({ send: 212992, receive: 212992 }),
    close,
    [Symbol.dispose]: close,
  }
}

/** Everything that goes through a whole list. */
const WORKS: Readonly<Record<string, (ct: Conntrack<Protocol>) => number>> = {
  objects({ flows }) {
    let count = 0
    for (const flow of flows.list()) if (flow.protocol !== '') count++
    return count
  },
  lines: ({ flows }) => flows.list().print(line(), () => {}),
  JSON: ({ flows }) => flows.list().print(json(), () => {}),
  'a filter': ({ flows }) => flows.list({ mark: { not: 12345 } }).forEach(() => {}),
  deletes: ({ flows }) => flows.deleteAll({}, { onEntry: () => {} }).deleted,
  updates: ({ flows }) => flows.updateAll({}, { mark: 4711 }).matched,
}

/** What was seen. */
export interface Soaked {
  /** Flows, or events. */
  readonly flows: number
  /** Resident memory in MiB after the first rounds, and the most that it was from then on. */
  readonly begin: number
  readonly most: number
  /** Open descriptors before and after. */
  readonly descriptors: readonly [number, number]
}

/** Resident memory. Bun lets its heap grow with the memory of the machine, so that what is held is known only when the rest is collected. */
function mebibytes(): number {
  ;(globalThis as { Bun?: { gc(isFull: boolean): void } }).Bun?.gc(true)
  return process.memoryUsage.rss() / 2 ** 20
}

/** How many descriptors are open. */
const descriptors = (): number => readdirSync('/proc/self/fd').length

/** Called for each round. */
export type Tell = (count: number, memory: number) => void

/** Lets so many flows go through everything that reads and writes them. */
export async function soak(total: number, tell?: Tell): Promise<Soaked> {
  using ct = openConntrack<readonly Protocol[]>({ protocols, socket })
  return await soaked({ ct, works: WORKS, size: LIST, total }, tell)
}

/** What is done: works that each see `size` flows or events. */
export interface Soaking<C> {
  readonly ct: C
  readonly works: Readonly<Record<string, (ct: C) => number | Promise<number>>>
  readonly size: number
  readonly total: number
}

/** Does each work in turn until `total` flows or events were seen, besides those that warm up. */
export async function soaked<C>({ ct, works: all, size, total }: Soaking<C>, tell: Tell = () => {}): Promise<Soaked> {
  const works = Object.entries(all)
  // Memory grows while a runtime compiles and its heap finds its size.
  const warmth = works.length * size
  const before = descriptors()
  let [flows, begin, most] = [0, 0, 0]
  for (let round = 0; flows < warmth + total; round++) {
    const [name, work] = works[round % works.length]
    const count = await work(ct)
    if (count !== size) throw new Error(`${name} saw ${count} of ${size}`)
    flows += count
    const now = mebibytes()
    if (flows <= warmth) begin = now
    most = Math.max(most, now)
    tell(flows, now)
  }
  return { flows, begin, most, descriptors: [before, descriptors()] }
}
