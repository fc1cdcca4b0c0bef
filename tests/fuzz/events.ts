import { type Conntrack, openConntrack } from '@conntrack/core'
import type { EventFormatter, Protocol, ProtocolVariant } from '@conntrack/core/plugin'
import { csv, eventJson, eventLine, eventRows, eventSave, eventXml, line, save } from '@conntrack/formatters'
import { parse } from 'csv-parse/sync'
import { protocols } from '../../packages/cli/test/program.ts'
import { done, scriptedKernel } from '../../packages/core/test/scripted-kernel.ts'
import { scriptedLibc } from '../../packages/core/test/scripted-libc.ts'
import { Poller } from '../../packages/core/src/transport/poller.ts'
import { openSubscription } from '../../packages/core/src/transport/subscription.ts'
import { readCaptures } from './captures.ts'
import { Draft } from './draft.ts'
import { SURROUNDINGS } from './exits.ts'
import { countIn, type Fuzz, FuzzFailure, PROMISED, randomOf } from './fuzz.ts'
import { spoil } from './mutations.ts'

/** What a real kernel told those who listen. */
export const EVENT_SEEDS: readonly Uint8Array[] = readCaptures('captures.txt')
  .filter(({ title }) => /^(new|update$|destroyed)/.test(title))
  .map(({ bytes }) => bytes)

/** Those that are about flows (NFNL_SUBSYS_CTNETLINK 1), and about expectations. */
const [FLOW_SEEDS, EXPECTATION_SEEDS] = [1, 2].map((subsystem) => EVENT_SEEDS.filter((bytes) => bytes[5] === subsystem))

/** Bytes that recvmmsg(2) has for a datagram. */
const ROOM = 8192
const SO_MEMINFO = 55
const MSG_TRUNC = 0x20

type Filter = NonNullable<Parameters<Conntrack<Protocol>['flows']['watch']>[0]>['filter']

/** A way to follow events: tells what there is until the signal comes, and resolves then. */
export interface EventExit {
  readonly name: string
  readonly follow: (conntrack: Conntrack<Protocol>, signal: AbortSignal, tell: (text: string) => void) => Promise<unknown>
  /** Throws, where the text that came out cannot be. */
  readonly check?: (text: string) => void
}

const shown = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one}n` : one instanceof Uint8Array ? [...one] : one))

async function each(events: AsyncIterable<unknown>, tell: (text: string) => void): Promise<void> {
  for await (const event of events) tell(`${shown(event)}\n`)
}

const printed = (name: string, formatter: EventFormatter<ProtocolVariant>, check?: (text: string) => void): EventExit => ({
  name,
  check: (text) => {
    // oxlint-disable-next-line no-control-regex -- what a terminal obeys
    const control = /(?![\r\n])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u.exec(text)
    if (control !== null) throw new Error(`control character U+${control[0].charCodeAt(0).toString(16)} is written`)
    check?.(text)
  },
  follow: ({ flows }, signal, tell) => {
    const decoder = new TextDecoder('utf-8', { fatal: true })
    return flows.watch({ signal }).print(formatter, (chunk) => tell(decoder.decode(chunk)))
  },
})

function checkJson(text: string): void {
  for (const one of text.split('\n').slice(0, -1))
    if ((JSON.parse(one) as { version?: number }).version !== 1) throw new Error('JSON without its version')
}

// An error of the parser is one of ours: all rows have as many columns.
function checkCsv(text: string): void {
  parse(text, { record_delimiter: '\r\n' })
}

/** Everything that follows events. */
export const EVENT_EXITS: readonly EventExit[] = [
  { name: 'objects', follow: ({ flows }, signal, tell) => each(flows.watch({ signal }), tell) },
  { name: 'objects of expectations', follow: ({ expectations }, signal, tell) => each(expectations.watch({ signal }), tell) },
  { name: 'without resync', follow: ({ flows }, signal, tell) => each(flows.watch({ signal, resync: false }), tell) },
  { name: 'dropping', follow: ({ flows }, signal, tell) => each(flows.watch({ signal, queue: 600, onFull: 'drop updates' }), tell) },
  { name: 'coalescing', follow: ({ flows }, signal, tell) => each(flows.watch({ signal, queue: 600, onFull: 'coalesce' }), tell) },
  {
    name: 'filtered',
    follow: ({ flows }, signal, tell) =>
      each(flows.watch({ signal, filter: { protocol: 'tcp', original: { source: '10.0.0.0/8' } } as unknown as Filter }), tell),
  },
  {
    name: 'mirror',
    follow({ flows }, signal, tell) {
      const mirror = flows.mirror({ signal, compareEvery: Number.POSITIVE_INFINITY })
      mirror.on('change', (change) => tell(`${shown(change)} ${mirror.size} ${'id' in change && mirror.has(change.id)}\n`))
      return mirror.closed.finally(() => tell(shown([...mirror])))
    },
  },
  printed('line', eventLine(line({ extended: true, id: true, kernelTimestamp: true }), { program: () => 'a\u001b' })),
  printed('xml', eventXml({ kernelTimestamp: true })),
  printed(
    'save',
    eventSave((command) => save(command)),
  ),
  printed('json', eventJson('flow', { program: () => '\u009b' }), checkJson),
  printed('csv', eventRows(csv(protocols), { separator: ',', end: '\r\n' }), checkCsv),
]

// Ages depend on the clock, and so does when something was received.
const CLOCKS = /((delta-time=|<deltatime>)\d+|\b1[78]\d{17}(?!\d))/g

/** A kernel that may tell anything, in the midst of that, and who follows it: one after the other. */
class Listener {
  /** Resolves when all is told that was received, to whatever has ended it. */
  #idle = Promise.withResolvers<unknown>()
  #wake = (): void => {}
  #text = ''
  #drops = 0
  #waiting: readonly Uint8Array[] = []
  /** What the table is said to have. */
  #listed: Uint8Array | undefined
  #check: EventExit['check']
  #abort = new AbortController()
  readonly #conntrack: Conntrack<Protocol>

  constructor(surroundings: Uint8Array) {
    const libc = scriptedLibc({
      recvmmsg: (_, vector) => this.#deliver(vector, surroundings),
      getsockopt: (_fd, _level, option, value) => {
        if (option === SO_MEMINFO) value[8] = this.#drops
        return 0
      },
    })
    this.#conntrack = openConntrack<readonly Protocol[]>({
      protocols,
      socket: scriptedKernel(({ sequence }) => [...(this.#listed === undefined ? [] : [inTurn(this.#listed, sequence)]), done(sequence)]),
      subscribe: (options) => {
        libc.calls.length = 0
        const poller = new Poller(libc, () => ({ wait: (descriptors) => this.#wait(descriptors.length), close() {} }))
        return openSubscription({ ...options, libc, poller })
      },
    })
  }

  /** Begins to follow. */
  begin(exit: EventExit): void {
    this.#check = exit.check
    this.#idle = Promise.withResolvers()
    this.#abort = new AbortController()
    this.#listed = undefined
    this.#drops = 0
    void exit
      .follow(this.#conntrack, this.#abort.signal, (text) => (this.#text += text))
      .catch((error: unknown) => error)
      .then((error) => this.#idle.resolve(error))
  }

  /** What is told of these datagrams, and of so many that are lost behind them; and the error that has ended it, if one has. */
  async hear(datagrams: readonly Uint8Array[], lost: number): Promise<Heard> {
    return await this.#told(() => {
      this.#waiting = datagrams
      this.#drops += lost
      ;[this.#listed] = datagrams
      this.#wake()
    })
  }

  /** Ends it. */
  async end(): Promise<Heard> {
    return await this.#told(() => this.#abort.abort())
  }

  async #told(happen: () => void): Promise<Heard> {
    await this.#idle.promise
    this.#idle = Promise.withResolvers()
    this.#text = ''
    happen()
    const error = await this.#idle.promise
    this.#check?.(this.#text)
    return { text: this.#text.replaceAll(CLOCKS, '$2T'), error: error instanceof Error ? error : undefined }
  }

  #wait(count: number): Promise<boolean[]> {
    const { promise, resolve } = Promise.withResolvers<boolean[]>()
    this.#wake = () => resolve(Array.from({ length: count }, () => true))
    this.#idle.resolve(undefined)
    return promise
  }

  #deliver(vector: Uint8Array, surroundings: Uint8Array): number | undefined {
    const datagrams = this.#waiting
    this.#waiting = []
    if (datagrams.length === 0) return undefined
    const memory = new Uint8Array(vector.buffer)
    const view = new DataView(vector.buffer)
    for (const [i, datagram] of datagrams.entries()) {
      const at = Number(view.getBigUint64(Number(view.getBigUint64(i * 64 + 16, true)), true))
      memory.set(surroundings.subarray(0, ROOM), at)
      memory.set(datagram.subarray(0, ROOM), at)
      view.setUint32(i * 64 + 48, datagram.length > ROOM ? MSG_TRUNC : 0, true)
      view.setUint32(i * 64 + 56, Math.min(datagram.length, ROOM), true)
    }
    return datagrams.length
  }
}

/** The messages of a datagram as the answer to a request. */
function inTurn(datagram: Uint8Array, sequence: number): Uint8Array {
  const bytes = datagram.slice(0, ROOM)
  const view = new DataView(bytes.buffer)
  for (let at = 0; at + 16 <= bytes.length; ) {
    view.setUint32(at + 8, sequence, true)
    const length = view.getUint32(at, true)
    if (length < 16 || length > bytes.length - at) break
    at += (length + 3) & ~3
  }
  return bytes
}

/** What somebody who follows has told. */
interface Heard {
  readonly text: string
  readonly error: Error | undefined
}

/** Cases that follow each other in one watch: an error ends it before. */
const LIFE = 40

/** Two who follow the same, with something else around each datagram: what they tell may not depend on that. */
class Pair {
  readonly #both: readonly Listener[] = SURROUNDINGS.slice(1).map((surroundings) => new Listener(surroundings))
  #exit: EventExit | undefined

  /** Begins to follow in another way, and ends what there was. @throws FuzzFailure */
  async begin(exit: EventExit): Promise<void> {
    if (this.#exit !== undefined) await this.#compare((one) => one.end(), [])
    this.#exit = exit
    for (const one of this.#both) one.begin(exit)
  }

  /** The name of the error that was thrown, if one was; then it begins anew. @throws FuzzFailure */
  async hear(datagrams: readonly Uint8Array[], lost: number): Promise<string | undefined> {
    const error = await this.#compare((one) => one.hear(datagrams, lost), datagrams)
    if (error !== undefined && this.#exit !== undefined) for (const one of this.#both) one.begin(this.#exit)
    return error?.name
  }

  async #compare(work: (one: Listener) => Promise<Heard>, [first = new Uint8Array(0)]: readonly Uint8Array[]): Promise<Error | undefined> {
    const fail = (reason: string): FuzzFailure => new FuzzFailure(reason, `events: ${this.#exit?.name}`, first)
    const [one, other] = await Promise.all(this.#both.map(work)).catch((error: unknown) => {
      throw fail(String((error as Error).stack))
    })
    if (one.text !== other.text || String(one.error) !== String(other.error))
      throw fail(`read outside the datagram:\n    ${one.text} ${one.error}\n    ${other.text} ${other.error}`)
    if (one.error !== undefined && !PROMISED.some((kind) => one.error instanceof kind)) throw fail(String(one.error.stack))
    return one.error
  }
}

/** Spoilt events, some at once, and now and then a loss: cases `from` and up of a seed. @throws Error that tells the case */
export const fuzzEvents: Fuzz = async (seed, from, count, sums) => {
  const draft = new Draft()
  const pair = new Pair()
  for (let index = from; index < from + count; index++) {
    const random = randomOf(seed, index)
    // Watches begin where the number of the case says, so that a case can be had again by beginning at a multiple of that.
    const exit = EVENT_EXITS[Math.floor(index / LIFE) % EVENT_EXITS.length]
    const seeds = exit.name.includes('expectations') ? EXPECTATION_SEEDS : FLOW_SEEDS
    const datagrams: Uint8Array[] = []
    const how: string[] = []
    for (let i = random.oneIn(4) ? 1 + random.below(6) : 1; i > 0; i--) {
      draft.start(random.pick(seeds))
      if (!random.oneIn(4)) how.push(...spoil(draft, random, () => random.pick(EVENT_SEEDS)))
      datagrams.push(draft.bytes.slice(0, draft.length))
    }
    try {
      if (index === from || index % LIFE === 0) await pair.begin(exit)
      const refusal = await pair.hear(datagrams, random.oneIn(8) ? 1 + random.below(3) : 0)
      if (refusal === undefined) countIn(sums.fine, exit.name)
      else countIn(sums.refused, refusal)
    } catch (error) {
      const first = index - (index % LIFE)
      throw new Error(`case ${index} of seed ${seed}, from ${first} on (${how.join(', ')}): ${(error as Error).message}`, { cause: error })
    }
    sums.cases++
  }
  return sums
}
