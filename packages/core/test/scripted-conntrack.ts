import { type Conntrack, openConntrack } from '../src/conntrack.ts'
import { NLM_F_DUMP } from '../src/transport/message.ts'
import { type AnyFlow, entryOf, flowLayout, kernelFlows } from './entries.ts'
import { datagram, echo, keyed, stream } from './protocols.ts'
import * as kernelSide from './scripted-kernel.ts'
import type { Datagrams, ScriptedKernel, ScriptedRequest } from './scripted-kernel.ts'

/** The protocols that are installed here. */
export const PROTOCOLS = [stream, datagram, echo, keyed] as const
const NUMBERS: Readonly<Record<string, number>> = Object.fromEntries(PROTOCOLS.map(({ name, number }) => [name, number]))
const BY_ORIGINAL = flowLayout(PROTOCOLS)
const BY_REPLY = flowLayout(PROTOCOLS, 'reply')
const encode = kernelFlows(PROTOCOLS)

/** The attributes of a flow as the kernel sends it, with the protocol's number in both directions. */
export function flowBody(flow: AnyFlow): Uint8Array {
  const protocolNumber = NUMBERS[flow.protocol]
  const numbered = (tuple: unknown): object => ({ ...(protocolNumber === undefined ? {} : { protocolNumber }), ...(tuple as object) })
  return encode({ ...flow, original: numbered(flow.original), reply: numbered(flow.reply) })
}

/** The message in which the kernel lists a flow. */
export function flowMessage({ sequence }: ScriptedRequest, flow: AnyFlow, flags?: number): Uint8Array {
  return kernelSide.message({ type: 0x0100, sequence, flags, family: flow.family === 'ipv6' ? 10 : 2, body: flowBody(flow) })
}

/** What a request has told the kernel: its attributes as fields. */
export function sent({ body, family }: ScriptedRequest): Record<string, unknown> {
  const entry = entryOf(BY_ORIGINAL, body, family)
  return (entry.offset('original.protocolNumber') === 0 ? entryOf(BY_REPLY, body, family) : entry).decode()
}

/** Connection tracking at whose other end is a table of flows, and what was asked of it. */
export interface ScriptedConntrack extends Conntrack<(typeof PROTOCOLS)[number]> {
  /** Every request, in turn. */
  readonly asked: ScriptedRequest[]
  readonly kernel: ScriptedKernel
}

/**
 * A kernel that lists these flows, one a datagram, whatever it is asked for, and says yes to all else. `answer` comes first: what it
 * gives is the answer.
 */
export function scriptedConntrack(
  flows: readonly AnyFlow[],
  answer: (request: ScriptedRequest) => Datagrams | undefined = () => undefined,
): ScriptedConntrack {
  const asked: ScriptedRequest[] = []
  const kernel = kernelSide.scriptedKernel((request) => {
    asked.push(request)
    const own = answer(request)
    if (own !== undefined) return own
    if ((request.flags & NLM_F_DUMP) !== NLM_F_DUMP || (request.type & 0xff) === 0) return [kernelSide.ack(request.sequence)]
    return [...flows.map((flow) => flowMessage(request, flow)), kernelSide.done(request.sequence)]
  })
  return { ...openConntrack({ protocols: PROTOCOLS, socket: kernel }), asked, kernel }
}
