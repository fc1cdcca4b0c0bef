import { STATUS_BITS } from '../tables/flow.ts'
import { Refusal } from './refusal.ts'

/** What the kernel alone sets: a request that differs in these is refused. */
const FIXED = ['EXPECTED', 'CONFIRMED', 'DYING']
/** What can be set but not taken back. */
const LASTING = ['SEEN_REPLY', 'ASSURED']
/** What a request cannot change, and is not refused for (IPS_UNCHANGEABLE_MASK). */
const IGNORED = ['SRC_NAT', 'DST_NAT', 'SRC_NAT_DONE', 'DST_NAT_DONE', 'SEQ_ADJUST', 'TEMPLATE', 'NAT_CLASH', 'OFFLOAD', 'HW_OFFLOAD']

/**
 * The status after a request to make it `wanted` (nf_ct_change_status_common): bits are added, none is taken back.
 * @throws Refusal EBUSY for what cannot be changed
 */
export function changedStatus(status: readonly string[], wanted: readonly string[]): readonly string[] {
  const differs = (bit: string): boolean => status.includes(bit) !== wanted.includes(bit)
  if (FIXED.some(differs) || LASTING.some((bit) => differs(bit) && status.includes(bit))) throw new Refusal('EBUSY')
  return union(
    status,
    wanted.filter((bit) => !IGNORED.includes(bit)),
  )
}

/** The bits of both, in the kernel's order. */
export function union(status: readonly string[], more: readonly string[]): readonly string[] {
  return STATUS_BITS.filter((bit) => status.includes(bit) || more.includes(bit))
}

/** Whether of the bits in `mask` those of `value` are set and the others are not; bits of `value` beyond the mask cannot be. */
export function hasStatus(status: readonly string[], value: readonly string[], mask: readonly string[]): boolean {
  return value.every((bit) => mask.includes(bit)) && mask.every((bit) => status.includes(bit) === value.includes(bit))
}
