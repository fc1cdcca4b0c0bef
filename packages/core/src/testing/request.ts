import { FAMILIES } from '../schema/match.ts'
import type { Family } from '../tables/protocol.ts'

/** One message that was sent to the kernel. */
export interface KernelRequest {
  /** Subsystem << 8 | message. */
  readonly type: number
  /** nlmsg_flags. */
  readonly flags: number
  /** nlmsg_seq. */
  readonly sequence: number
  /** nfgen_family. */
  readonly family: number
  /** nfgenmsg's version. */
  readonly version: number
  /** The attributes. */
  readonly body: Uint8Array
  /** The socket that it came through. */
  readonly portId: number
}

/** One message that the kernel answers with. */
export interface Answer {
  readonly type: number
  readonly family: number
  /** res_id; 0 if absent. */
  readonly resource?: number
  readonly body: Uint8Array
}

/** The name of an nfgen_family, or undefined for any other number. */
export function familyName(number: number): Family | undefined {
  for (const [name, known] of FAMILIES) if (known === number) return name as Family
  return undefined
}

/** nfgen_family. */
export function familyNumber(family: Family): number {
  return FAMILIES.get(family) ?? 0
}
