import { errnoNumber, MalformedMessageError } from '../errors.ts'
import { align, HEADER_LENGTH, NLM_F_ACK, NLM_F_DUMP_INTR, NLM_F_MULTI, NLMSG_HDRLEN } from '../transport/message.ts'
import { ack, datagram, done, error, message } from './answers.ts'
import type { Faults } from './faults.ts'
import { handle } from './handlers.ts'
import { Refusal } from './refusal.ts'
import type { Answer, KernelRequest } from './request.ts'
import type { World } from './world.ts'

/** Bytes of one datagram of a dump, about as many as the kernel puts into one. */
const DUMP_SIZE = 16384

/** The messages of a datagram that was sent to the kernel. */
export function requestsIn(bytes: Uint8Array, portId: number): KernelRequest[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const requests: KernelRequest[] = []
  for (let at = 0; at + HEADER_LENGTH <= bytes.length; ) {
    const length = view.getUint32(at, true)
    if (length < NLMSG_HDRLEN || at + length > bytes.length) break
    requests.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      family: view.getUint8(at + 16),
      version: view.getUint8(at + 17),
      body: bytes.slice(at + HEADER_LENGTH, at + length),
      portId,
    })
    at += align(length)
  }
  return requests
}

/** What answers a request: datagrams, of a dump as they are taken. */
export interface Reply {
  readonly isDump: boolean
  readonly datagrams: Iterable<Uint8Array>
}

/** Does what is asked, now or, of a dump, as its datagrams are taken. A socket can have one dump at a time. */
export function serve(world: World, faults: Faults, request: KernelRequest, isDumping: boolean): Reply {
  const { sequence, flags } = request
  try {
    if (!world.settings.privileged) throw new Refusal('EPERM')
    faults.meet(request.type)
    const { isDump, answers } = handle(world, request)
    if (isDump && isDumping) throw new Refusal('EBUSY')
    if (isDump) return { isDump, datagrams: dump(request, answers, faults.takeInterruption()) }
    return { isDump, datagrams: [...datagramsOf(request, answers), ...(flags & NLM_F_ACK ? [ack(sequence)] : [])] }
  } catch (refusal) {
    return { isDump: false, datagrams: [refused(request, refusal)] }
  }
}

function* datagramsOf({ sequence, portId }: KernelRequest, answers: Iterable<Answer>): Generator<Uint8Array> {
  for (const answer of answers) yield message({ ...answer, sequence, portId, flags: 0 })
}

function* dump(request: KernelRequest, answers: Iterable<Answer>, isInterrupted: boolean): Generator<Uint8Array> {
  const { sequence, portId } = request
  const interruption = isInterrupted ? NLM_F_DUMP_INTR : 0
  let waiting: Uint8Array[] = []
  let size = 0
  try {
    for (const answer of answers) {
      const next = message({ ...answer, sequence, portId, flags: NLM_F_MULTI | interruption })
      if (size + next.length > DUMP_SIZE) {
        yield datagram(...waiting)
        waiting = []
        size = 0
      }
      waiting.push(next)
      size += align(next.length)
    }
  } catch (refusal) {
    yield refused(request, refusal)
    return
  }
  if (waiting.length > 0) yield datagram(...waiting)
  yield done(sequence, 0, { flags: interruption })
}

/** Attributes that do not parse are the requester's mistake; any other error is one of this kernel. */
function refused({ sequence }: KernelRequest, reason: unknown): Uint8Array {
  if (reason instanceof MalformedMessageError) return error(sequence, errnoNumber('EINVAL'))
  if (reason instanceof Refusal) return error(sequence, errnoNumber(reason.code), { detail: reason.detail })
  throw reason
}
