import { payloadLength, type Place, word } from '@conntrack/core/plugin'
import { BLANK, type Step } from './parts.ts'

/** Names of connection labels by their bit; a bit without a name is not there. */
export type LabelNames = readonly (string | undefined)[]

/** Bits of the labels that begin at `at`, lowest first. */
function* bitsAt(bytes: Uint8Array, at: number): Generator<number> {
  const count = 8 * payloadLength(bytes, at)
  for (let bit = 0; bit < count; bit++) if ((bytes[at + (bit >> 3)] >> (bit & 7)) & 1) yield bit
}

/** The names of the labels that begin at `at`, of those that have one. */
export function namesAt(bytes: Uint8Array, at: number, names: LabelNames): string[] {
  return [...bitsAt(bytes, at)].map((bit) => names[bit]).filter((name) => name !== undefined)
}

/** `labels=a,b `, of the labels that have names; the bare word where none of those that are set has one. */
export function labelsInLine({ slot }: Place, names: LabelNames): Step {
  return ({ bytes, slots }, text) => {
    const at = slots[slot]
    if (at === 0) return
    const known = namesAt(bytes, at, names)
    text.string(known.length === 0 ? 'labels' : `labels=${known.join(',')}`)
    text.byte(BLANK)
  }
}

/** `<labels><label>a</label></labels>`, of the labels that have names. A name needs no escape: it is letters, digits, `-` and blanks. */
export function labelElements({ slot }: Place, names: LabelNames): Step {
  return ({ bytes, slots }, text) => {
    const at = slots[slot]
    if (at === 0) return
    const labels = namesAt(bytes, at, names).map((name) => `<label>${name}</label>`)
    text.string(`<labels>${labels.join('')}</labels>`)
  }
}

/** `"labelNames":["a"]` and a comma before it, of the labels that have names; nothing where the kernel told of no labels. */
export function labelsInJson({ slot }: Place, names: LabelNames): Step {
  return ({ bytes, slots }, text) => {
    const at = slots[slot]
    if (at === 0) return
    text.string(',"labelNames":')
    text.json(namesAt(bytes, at, names))
  }
}

/** An option with the labels that are set, `--label-add a,bit64 `; in quotes where a name has a blank. Nothing where none is set. */
export function labelsOption(option: string, { slot }: Place, names: LabelNames): Step {
  const before = word(`${option} `)
  return ({ bytes, slots }, text) => {
    const at = slots[slot]
    if (at === 0) return
    const labels = [...bitsAt(bytes, at)].map((bit) => names[bit] ?? `bit${bit}`).join(',')
    if (labels === '') return
    text.word(before)
    text.string(labels.includes(' ') ? `"${labels}"` : labels)
    text.byte(BLANK)
  }
}
