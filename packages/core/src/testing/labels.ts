import { Refusal } from './refusal.ts'

/** NF_CT_LABELS_MAX_SIZE. */
const SIZE = 16

/**
 * The labels after a request (nf_connlabels_replace): in each word of 32 bits `(old & ~mask) ^ new`, and words that were not sent
 * become 0.
 * @throws Refusal ERANGE, EINVAL
 */
export function changedLabels(old: Uint8Array, labels: Uint8Array, mask?: Uint8Array): Uint8Array {
  if (labels.length > SIZE || (mask?.length ?? 0) > SIZE) throw new Refusal('ERANGE')
  if (labels.length % 4 !== 0 || (mask !== undefined && (mask.length === 0 || mask.length !== labels.length))) throw new Refusal('EINVAL')
  return Uint8Array.from({ length: SIZE }, (_, i) => (i < labels.length ? (old[i] & ~(mask?.[i] ?? 0xff)) ^ labels[i] : 0))
}

/** No label at all. */
export function noLabels(): Uint8Array {
  return new Uint8Array(SIZE)
}
