import { type Conntrack, NetlinkError, type NetlinkSocket, openConntrack } from '@conntrack/core'
import { icmp, icmpv6 } from '@conntrack/proto-icmp'
import { sctp } from '@conntrack/proto-sctp'
import { tcp } from '@conntrack/proto-tcp'
import { udp } from '@conntrack/proto-udp'
import { encoder } from '../../packages/core/src/schema/encode.ts'
import { flowTable } from '../../packages/core/src/tables/flow.ts'
import { type Request, requests } from '../../packages/core/src/transport/request.ts'

/** The protocols that the scenarios are about. */
export const PROTOCOLS = [tcp, udp, icmp, icmpv6, sctp] as const

/** What a kernel answered to each of the questions of a scenario, in words that every kernel has in common. */
export type Transcript = readonly (readonly [question: string, answer: unknown])[]

/** A kernel that is asked questions. */
export interface Witness {
  readonly ct: Conntrack<(typeof PROTOCOLS)[number]>
  /** Notes the answer, or the error's name. */
  readonly ask: (question: string, answer: () => unknown) => void
  /** Asks for what the SDK does not send by itself, and tells how many messages came. TCP's fields. */
  readonly raw: (request: Pick<Request, 'type' | 'flags' | 'family' | 'version'>, fields: object) => number
}

/** Runs a scenario on a kernel. */
export function transcript(socket: () => NetlinkSocket, scenario: (witness: Witness) => void): Transcript {
  const lines: [string, unknown][] = []
  using ct = openConntrack({ protocols: PROTOCOLS, socket })
  const conversations = requests(socket)
  const table = encoder(flowTable(tcp.tuple, tcp.protoinfo))
  try {
    scenario({
      ct,
      ask(question, answer) {
        lines.push([question, outcome(answer)])
      },
      raw(request, fields) {
        const replies = conversations.ask({ command: 'raw', ...request, body: table.encode(fields) })
        let count = 0
        while (replies.next()) count++
        return count
      },
    })
  } finally {
    conversations.close()
  }
  return lines
}

function outcome(answer: () => unknown): unknown {
  try {
    return common(answer())
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error
    return error.code
  }
}

/** What two kernels may tell differently: numbers they invent, how long ago they were asked, and the order of a list. */
const OWN = ['id', 'use', 'synproxy', 'timestamp']

/** A value as every kernel tells it. */
export function common(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return value
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')
  if (Symbol.iterator in value) {
    const items = [...(value as Iterable<unknown>)].map(common)
    return items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
  const fields = Object.entries(value).filter(([field]) => !OWN.includes(field))
  return Object.fromEntries(
    fields.map(([field, inner]) => [field, field === 'timeout' ? Math.ceil((inner as number) / 10) * 10 : common(inner)]),
  )
}
