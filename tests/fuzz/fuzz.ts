import { DumpInterruptedError, MalformedMessageError, NetlinkError } from '@conntrack/core'
import { hex } from '../../packages/core/test/bytes.ts'
import { Random } from '../../packages/core/test/random.ts'
import { readCaptures } from './captures.ts'
import { Draft } from './draft.ts'
import { type Exit, EXITS, HostileKernel, SURROUNDINGS } from './exits.ts'
import { spoil } from './mutations.ts'

/** What a real kernel said; messages that answer a request have the sequence number 1. */
export const SEEDS: readonly Uint8Array[] = readCaptures('captures.txt').map(({ bytes }) => asFirstAnswer(bytes))

function asFirstAnswer(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at + 16 <= bytes.length; at += (view.getUint32(at, true) + 3) & ~3) view.setUint32(at + 8, 1, true)
  return bytes
}

/** How often what came out. */
export interface Tally {
  cases: number
  /** Datagrams that a program could work with, by what of it was asked. */
  readonly fine: Map<string, number>
  /** Those that it refused, by the error's class. */
  readonly refused: Map<string, number>
}

/** An empty tally. */
export const tally = (): Tally => ({ cases: 0, fine: new Map(), refused: new Map() })

/** Counts one more. */
export const countIn = (map: Map<string, number>, name: string): unknown => map.set(name, (map.get(name) ?? 0) + 1)

/** A case that went wrong, and how to have it again. */
export class FuzzFailure extends Error {
  constructor(reason: string, exit: string, datagram: Uint8Array) {
    super(`${reason}\n  asked: ${exit}\n  datagram: ${hex(datagram)}`)
  }
}

type Outcome = { readonly text: string; readonly refusal?: string }

/** What the SDK promises to throw at what a kernel says. */
export const PROMISED: readonly (new (...words: never[]) => Error)[] = [MalformedMessageError, NetlinkError, DumpInterruptedError]

/** Lets a program read a datagram. */
function outcome(kernel: HostileKernel, exit: Exit, datagram: Uint8Array, surroundings: Uint8Array): Outcome {
  try {
    const text = kernel.read(exit, datagram, surroundings)
    exit.check?.(text)
    return { text }
  } catch (error) {
    if (!PROMISED.some((one) => error instanceof one)) throw new FuzzFailure(`${(error as Error).stack}`, exit.name, datagram)
    return { text: String(error), refusal: (error as Error).name }
  }
}

/**
 * Lets a program read a datagram twice, with something else around it each time: the outcome may not depend on that.
 * @throws FuzzFailure
 */
export function read(kernel: HostileKernel, exit: Exit, datagram: Uint8Array, around: readonly [Uint8Array, Uint8Array]): Outcome {
  const [one, other] = around.map((surroundings) => outcome(kernel, exit, datagram, surroundings))
  if (one.text !== other.text) throw new FuzzFailure(`read outside the datagram:\n    ${one.text}\n    ${other.text}`, exit.name, datagram)
  return one
}

/** Cases `from` and up of a seed, summed. */
export type Fuzz = (seed: number, from: number, count: number, sums: Tally) => Tally | Promise<Tally>

/** What is random in a case. */
export const randomOf = (seed: number, index: number): Random =>
  new Random(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b))

/** Cases `from` and up of a seed. Case n of a seed is the same whichever is first. @throws FuzzFailure that tells the case */
export function fuzz(seed: number, from: number, count: number, sums: Tally, kernel: HostileKernel = new HostileKernel()): Tally {
  const draft = new Draft()
  for (let index = from; index < from + count; index++) {
    const random = randomOf(seed, index)
    draft.start(random.pick(SEEDS))
    const how = spoil(draft, random, () => random.pick(SEEDS))
    const first = random.below(SURROUNDINGS.length)
    const second = (first + 1 + random.below(SURROUNDINGS.length - 1)) % SURROUNDINGS.length
    const exit = random.pick(EXITS)
    try {
      const { refusal } = read(kernel, exit, draft.bytes.slice(0, draft.length), [SURROUNDINGS[first], SURROUNDINGS[second]])
      if (refusal === undefined) countIn(sums.fine, exit.name)
      else countIn(sums.refused, refusal)
    } catch (error) {
      throw new Error(`case ${index} of seed ${seed} (${how.join(', ')}): ${(error as Error).message}`, { cause: error })
    }
    sums.cases++
  }
  return sums
}
