import { NetlinkError } from '../errors.ts'
import { align, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_ERROR, NLMSG_HDRLEN } from './message.ts'

/** NLMSGERR_ATTR_MSG: the kernel's own words, a string. */
const NLMSGERR_ATTR_MSG = 1
/** NLMSGERR_ATTR_OFFS: which byte of the request it is about, a u32. */
const NLMSGERR_ATTR_OFFS = 2

/**
 * What an NLMSG_ERROR or an NLMSG_DONE says: an error, or undefined when all went well.
 *
 * The message is `bytes` from `at` to `end`. `command` is the request's name for the error.
 */
export function verdict(bytes: Uint8Array, at: number, end: number, command: string): NetlinkError | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, end - at)
  const number = NLMSG_HDRLEN + 4 <= view.byteLength ? view.getInt32(NLMSG_HDRLEN, true) : 0
  if (number >= 0) return undefined
  return new NetlinkError(command, -number, explanation(view))
}

// Extended acknowledgement (NETLINK_EXT_ACK): attributes after the number and, in an NLMSG_ERROR, after as much of the
// request as is repeated. It is only an explanation, so what does not parse is left out.
function explanation(view: DataView): { detail?: string; offset?: number } {
  const flags = view.getUint16(6, true)
  const result: { detail?: string; offset?: number } = {}
  if (!(flags & NLM_F_ACK_TLVS)) return result
  let at = NLMSG_HDRLEN + 4
  if (view.getUint16(4, true) === NLMSG_ERROR) {
    if (at + NLMSG_HDRLEN > view.byteLength) return result
    const repeated = flags & NLM_F_CAPPED ? NLMSG_HDRLEN : view.getUint32(at, true)
    if (repeated > view.byteLength - at) return result
    at += align(repeated)
  }
  while (at + 4 <= view.byteLength) {
    const length = view.getUint16(at, true)
    const type = view.getUint16(at + 2, true)
    if (length < 4 || at + length > view.byteLength) break
    if (type === NLMSGERR_ATTR_MSG) result.detail = text(view, at + 4, length - 4)
    if (type === NLMSGERR_ATTR_OFFS && length >= 8) result.offset = view.getUint32(at + 4, true)
    at += align(length)
  }
  return result
}

function text(view: DataView, at: number, length: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, length)
  const nul = bytes.indexOf(0)
  return new TextDecoder().decode(nul < 0 ? bytes : bytes.subarray(0, nul))
}
