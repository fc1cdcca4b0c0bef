import { type Encoder, encoder } from '../schema/encode.ts'
import type { Filter } from '../schema/match.ts'
import { flowTable } from '../tables/flow.ts'

let compiled: Encoder | undefined

/**
 * The part of a filter that the kernel can do by itself while it lists (CTA_MARK, CTA_STATUS, CTA_ZONE), as attributes. What the
 * kernel lets through is always checked again: an old kernel ignores what it does not know.
 */
export function kernelFilter(filter: Filter): Uint8Array {
  compiled ??= encoder(flowTable({}, {}))
  return compiled.encode({ ...markPart(filter.mark), ...statusPart(filter.status), ...zonePart(filter.zone) })
}

const isObject = (condition: unknown): condition is Record<string, unknown> =>
  typeof condition === 'object' && condition !== null && !Array.isArray(condition)

function markPart(condition: unknown): object {
  if (typeof condition === 'number') return { mark: condition, markMask: 0xffffffff }
  return isObject(condition) && 'mask' in condition ? { mark: condition.value, markMask: condition.mask } : {}
}

function statusPart(condition: unknown): object {
  const { all = [], none = [] } = (isObject(condition) ? condition : { all: condition }) as { all?: string[]; none?: string[] }
  // The kernel refuses a mask of 0 (EINVAL).
  return all.length + none.length === 0 ? {} : { status: all, statusMask: [...all, ...none] }
}

function zonePart(condition: unknown): object {
  // Zone 0 would leave out entries that have a zone in one direction only.
  return typeof condition === 'number' && condition !== 0 ? { zone: condition } : {}
}
