import { NetlinkError } from '../errors.ts'
import { encoder } from '../schema/encode.ts'
import { flowTable } from '../tables/flow.ts'
import { flowMessages, type MessageType } from '../tables/messages.ts'
import type { Protocol } from '../tables/protocol.ts'
import { familyNumber, type TableContext } from './context.ts'
import { encoderOf, type GivenFlow, type Tuple } from './tuple.ts'

const EPROTONOSUPPORT = 93

/**
 * The error for a protocol of which this kernel would keep an entry, but without what tells its flows apart: for DCCP, kernels from 6.16
 * on say yes and drop ports, state and role. Undefined where it tracks the protocol. Asked once for each protocol, and not at all for those that
 * every kernel tracks.
 */
export function untracked(
  context: TableContext,
  given: Pick<GivenFlow, 'protocol'>,
  { command }: MessageType = flowMessages.new,
): NetlinkError | undefined {
  const { protocol } = encoderOf(context, given)
  const { name, tuple, labels, isBuiltIn } = protocol
  if (isBuiltIn || protocol.number < 0 || Object.keys(tuple).length === 0) return undefined
  const isTracked = context.tracked.get(name) ?? probe(context, protocol)
  context.tracked.set(name, isTracked)
  if (isTracked) return undefined
  const detail = `this kernel does not track ${name}: it would keep a flow without its ${Object.values(labels).join(' and ')}`
  return new NetlinkError(command, EPROTONOSUPPORT, { detail })
}

/** @throws NetlinkError EPROTONOSUPPORT where the kernel does not track the protocol */
export function assertTracked(context: TableContext, given: GivenFlow, message?: MessageType): void {
  const error = untracked(context, given, message)
  if (error !== undefined) throw error
}

/**
 * For those who ask for the one entry with a tuple: a kernel that does not track the protocol would take no notice of its ports, and find
 * whatever there is between the hosts. A tuple without such a part, as that kernel lists it, is asked for.
 * @throws NetlinkError EPROTONOSUPPORT
 */
export function assertFindable(
  context: TableContext,
  given: GivenFlow,
  tuples: readonly (Tuple | undefined)[],
  message: MessageType,
): void {
  const { protocol } = encoderOf(context, given)
  const own = Object.keys(protocol.tuple)
  if (tuples.some((tuple) => own.some((field) => (tuple as Readonly<Record<string, unknown>> | undefined)?.[field] !== undefined)))
    assertTracked(context, given, message)
}

/**
 * Looks for a flow by addresses and protocol number alone. A kernel that tracks the protocol misses the rest of the tuple (EINVAL); one
 * that does not, finds none or one. Nothing is made for it.
 */
function probe({ requests }: TableContext, { number }: Protocol): boolean {
  const original = { source: '0.0.0.0', destination: '0.0.0.0', protocolNumber: number }
  const body = encoder(flowTable({}, {})).encode({ original })
  try {
    const replies = requests.ask({ ...flowMessages.get, flags: 0, family: familyNumber('ipv4'), body })
    while (replies.next());
    return false
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error
    if (error.code === 'EINVAL') return true
    if (error.code === 'ENOENT') return false
    throw error
  }
}
