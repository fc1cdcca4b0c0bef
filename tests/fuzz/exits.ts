import { type Conntrack, openConntrack } from '@conntrack/core'
import type { Formatter, Protocol, ProtocolVariant } from '@conntrack/core/plugin'
import { csv, expectationCsv, expectationLine, expectationXml, json, line, save, xml } from '@conntrack/formatters'
import { parse } from 'csv-parse/sync'
import { protocols } from '../../packages/cli/test/program.ts'
import { ack } from '../../packages/core/test/scripted-kernel.ts'
import type { NetlinkSocket } from '../../packages/core/src/transport/socket.ts'

/** What surrounds a datagram in the buffer that it is received into: whoever reads past its end tells by the result. */
export const SURROUNDINGS: readonly Uint8Array[] = [
  new Uint8Array(65536),
  new Uint8Array(65536).fill(0xff),
  // Attributes that would be right: CTA_MARK.
  Uint8Array.from({ length: 65536 }, (_, i) => [8, 0, 8, 0, 0xde, 0xad, 0xbe, 0xef][i % 8]),
]

/** A kernel whose answer to the next question is a datagram that may be anything, followed by the end. */
export class HostileKernel {
  readonly #conntrack: Conntrack<Protocol>
  readonly #exits = new Map<Exit, () => string>()
  #datagram: Uint8Array | undefined
  #surroundings = SURROUNDINGS[0]

  constructor() {
    this.#conntrack = openConntrack<readonly Protocol[]>({ protocols, socket: () => this.#socket() })
  }

  /** What a program makes of this answer, in the midst of that. */
  read(exit: Exit, datagram: Uint8Array, surroundings: Uint8Array): string {
    this.#datagram = datagram
    this.#surroundings = surroundings
    let run = this.#exits.get(exit)
    if (run === undefined) this.#exits.set(exit, (run = exit.of(this.#conntrack)))
    return run()
  }

  #socket(): NetlinkSocket {
    // What is still to be received, after the question that was asked last.
    let waiting: Uint8Array[] = []
    const close = (): void => {
      waiting = []
    }
    return {
      portId: 1,
      send: (bytes) => {
        const sequence = lastSequence(bytes)
        waiting = this.#datagram === undefined ? [ack(sequence)] : [inTurn(this.#datagram, sequence), ack(sequence)]
        this.#datagram = undefined
      },
      receive: (into) => {
        const next = waiting.shift()
        if (next === undefined) throw new Error('more is waited for than the kernel will ever say')
        into.set(this.#surroundings)
        into.set(next)
        return next.length
      },
      buffers: () => ({ send: 212992, receive: 212992 }),
      close,
      [Symbol.dispose]: close,
    }
  }
}

/** The sequence number of the last message of a datagram, whose answer ends what was asked. */
function lastSequence(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let last = 0
  for (let at = 0; at < bytes.length; at += (view.getUint32(at, true) + 3) & ~3) last = view.getUint32(at + 8, true)
  return last
}

/** The same datagram in answer to a request: messages of sequence number 1 answer it, others do not. */
function inTurn(datagram: Uint8Array, sequence: number): Uint8Array {
  const bytes = datagram.slice()
  const view = new DataView(bytes.buffer)
  for (let at = 0; at + 16 <= bytes.length; ) {
    view.setUint32(at + 8, view.getUint32(at + 8, true) === 1 ? sequence : sequence ^ 0x40000000, true)
    const length = view.getUint32(at, true)
    if (length < 16 || length > bytes.length - at) break
    at += (length + 3) & ~3
  }
  return bytes
}

/** What a program can do with an answer of the kernel: it asks, and gives a text that is equal for equal answers. */
export interface Exit {
  readonly name: string
  readonly of: (conntrack: Conntrack<Protocol>) => () => string
  /** Throws, where the text that came out cannot be. */
  readonly check?: (text: string) => void
}

const shown = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one}n` : one instanceof Uint8Array ? [...one] : one)) ??
  'undefined'

type Printed = { print(formatter: Formatter<ProtocolVariant>, sink: (chunk: Uint8Array) => void): number }

// Ages depend on the clock.
const AGES = /(delta-time=|<deltatime>)\d+/g

const text = (listing: Printed, formatter: Formatter<ProtocolVariant>) => (): string => {
  const chunks: string[] = []
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const count = listing.print(formatter, (chunk) => chunks.push(decoder.decode(chunk, { stream: true })))
  return `${chunks.join('')}${decoder.decode()}\u0000${count}`.replace(AGES, '$1')
}

const objects = (listing: Iterable<unknown>) => (): string => shown([...listing])

const content = (printed: string): { body: string; count: number } => {
  const [body = '', count] = printed.split('\u0000')
  return { body, count: Number(count) }
}

/** Lines of text: as many as there were entries, and nothing in them that a terminal obeys. */
export function checkLines(printed: string): void {
  const { body, count } = content(printed)
  const lines = body.split('\n')
  if (lines.length !== count + 1 || lines.at(-1) !== '') throw new Error(`${count} entries are ${lines.length - 1} lines`)
  const control = /(?!\n)[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u.exec(body)
  if (control !== null) throw new Error(`control character U+${control[0].charCodeAt(0).toString(16)} is written`)
}

function checkJson(printed: string): void {
  checkLines(printed)
  for (const one of content(printed).body.split('\n').slice(0, -1)) {
    const value: unknown = JSON.parse(one)
    if ((value as { version?: number }).version !== 1) throw new Error('JSON without its version')
  }
}

// What xmllint says of it is asked of many at a time, in fuzz.test.ts.
function checkXml(printed: string): void {
  const { body } = content(printed)
  // oxlint-disable-next-line no-control-regex -- these are what XML 1.0 has no way to write
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(body)) throw new Error('a character that XML cannot hold')
  checkLines(printed.replace(/<\?xml[^\n]*\n<[a-z]+>\n/, '').replace(/<\/[a-z]+>\n\u0000/, '\u0000'))
}

// An error of the parser is one of ours: every row has the header's columns.
function checkCsv(printed: string): void {
  const { body, count } = content(printed)
  const rows: unknown[] = parse(body, { record_delimiter: '\r\n' })
  if (rows.length !== count + 1) throw new Error(`${count} entries are ${rows.length - 1} rows`)
  checkLines(`${body.replaceAll('\r\n', '\n').replace(/^[^\n]*\n/, '')}\u0000${count}`)
}

const flowText = (name: string, formatter: Formatter<ProtocolVariant>, check: (text: string) => void): Exit => ({
  name,
  of: ({ flows }) => text(flows.list(), formatter),
  check,
})
const expectationText = (name: string, formatter: Formatter<ProtocolVariant>, check: (text: string) => void): Exit => ({
  name,
  of: ({ expectations }) => text(expectations.list(), formatter),
  check,
})

const asked = (name: string, question: (conntrack: Conntrack<Protocol>) => unknown): Exit => ({
  name,
  of: (conntrack) => () => shown(question(conntrack)),
})

type Filter = Parameters<Conntrack<Protocol>['flows']['list']>[0]
const FILTERS = [
  { protocol: 'tcp', original: { source: '10.0.0.0/8', destinationPort: { from: 1, to: 100 } } },
  { mark: { value: 1, mask: 7 }, status: { all: ['SEEN_REPLY'], none: ['OFFLOAD'] } },
  { sourceNat: true },
  { anyNat: { address: '192.0.2.1', port: 8080 } },
  { helper: { name: 'ftp' }, timeout: { not: 5 } },
  { family: 'ipv6', labels: { value: Uint8Array.of(1, 0), mask: Uint8Array.of(1, 1) } },
  { zone: 0, original: { source: { not: '::1' } } },
] as unknown as readonly Filter[]

/** Everything that reads what a kernel says. */
export const EXITS: readonly Exit[] = [
  { name: 'objects', of: ({ flows }) => objects(flows.list()) },
  { name: 'objects of expectations', of: ({ expectations }) => objects(expectations.list()) },
  flowText('line', line({ extended: true, id: true, kernelTimestamp: true }), checkLines),
  flowText('xml', xml({ kernelTimestamp: true }), checkXml),
  flowText('save', save(), checkLines),
  flowText('json', json(), checkJson),
  flowText('csv', csv(protocols), checkCsv),
  expectationText('csv of expectations', expectationCsv(protocols), checkCsv),
  expectationText('line of expectations', expectationLine(), checkLines),
  expectationText('xml of expectations', expectationXml(), checkXml),
  expectationText('json of expectations', json(), checkJson),
  ...FILTERS.map((filter): Exit => ({ name: `list of ${shown(filter)}`, of: ({ flows }) => objects(flows.list(filter)) })),
  asked('get', ({ flows }) => flows.get({ protocol: 'udp', original: TUPLE })),
  asked('update', ({ flows }) => flows.update({}, { mark: 3 }, { onEntry })),
  asked('delete', ({ flows }) => flows.delete({}, { onEntry })),
  asked('createAll', ({ flows }) => flows.createAll(CREATED)),
  asked('delete expectations', ({ expectations }) => expectations.delete({}, { onEntry })),
  asked('statistics', ({ flows }) => flows.statistics()),
  asked('statistics of CPUs', ({ flows }) => flows.cpuStatistics()),
  asked('statistics of expectations', ({ expectations }) => expectations.cpuStatistics()),
  asked('count', ({ flows }) => flows.count()),
]

const TUPLE = { source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 1, destinationPort: 2 }

const CREATED = [1, 2, 3].map((sourcePort) => ({ protocol: 'udp', original: { ...TUPLE, sourcePort }, timeout: 9 }))

function onEntry(entry: { decode(): unknown }): void {
  entry.decode()
}
