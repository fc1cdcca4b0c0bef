/** Bytes of a connection's labels: XT_CONNLABEL_MAXBIT + 1 bits. */
const SIZE = 16

/**
 * The condition that a change of labels is none: the kernel sets `(old & ~mask) ^ labels`, without a mask `labels`, and clears the
 * words that are not sent.
 * @throws RangeError where labels and mask are not of one length, or labels are outside the mask and would be toggled
 */
export function labelsUnchanged(labels: Uint8Array | undefined, mask: Uint8Array | undefined): object {
  if (labels === undefined && mask === undefined) return {}
  if (labels === undefined) throw new RangeError('labelsMask: says which of labels to set, and they are missing')
  if (mask !== undefined && mask.length !== labels.length)
    throw new RangeError(`labelsMask: ${mask.length} bytes long, and labels are ${labels.length}`)
  if (labels.length > SIZE || labels.length % 4 !== 0) throw new RangeError(`labels: ${labels.length} bytes long, expected 4, 8, 12 or 16`)
  if (mask !== undefined && labels.some((byte, i) => byte & ~mask[i]))
    throw new RangeError('labels: some are outside labelsMask, and the kernel would toggle them')
  const value = new Uint8Array(SIZE)
  value.set(labels)
  const cared = new Uint8Array(SIZE).fill(255)
  if (mask !== undefined) cared.set(mask)
  return { labels: { value, mask: cared } }
}
