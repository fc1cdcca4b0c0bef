import { readFileSync } from 'node:fs'
import { u16 } from '@conntrack/core/plugin'
import type { LabelNames } from '@conntrack/formatters'
import { UsageError } from './failure.ts'

/** Where conntrack(8) and iptables look for the names of labels. */
const LABEL_MAP = '/etc/xtables/connlabel.conf'

/** Bytes of a connection's labels; bit 0 is the lowest of the first byte. */
const SIZE = 16
/** Bits that a file may name, though no connection has so many. */
const NAMED_BITS = 1024

/** Names of labels, and where they are from. */
export interface LabelMap {
  readonly path: string
  readonly names: LabelNames
  /** Why there are none: the file cannot be read. */
  readonly problem: string | undefined
}

/**
 * The names in a file, which is read when they are first asked for.
 * @throws UsageError when `path` is given and cannot be read; the usual file may be missing
 */
export function labelMap(path: string | undefined): () => LabelMap {
  let known: LabelMap | undefined
  return () => (known ??= readLabelMap(path))
}

function readLabelMap(given: string | undefined): LabelMap {
  const path = given ?? LABEL_MAP
  try {
    return { path, names: parseLabelMap(readFileSync(path, 'utf8')), problem: undefined }
  } catch (cause) {
    const problem = `no names of labels: ${(cause as Error).message}`
    if (given !== undefined) throw new UsageError(problem, given, { cause })
    return { path, names: [], problem: `${problem}; another file can be given with --labelmap` }
  }
}

/**
 * Reads lines like `3 eth0-in`: a bit, and a name of letters, digits, `-` and inner blanks. A line that is not like that, and one whose
 * bit or name stands further up, says nothing.
 */
export function parseLabelMap(text: string): LabelNames {
  const names: string[] = []
  for (const line of text.split('\n')) {
    const [, number, name] = /^\s*(\w+)\s+([A-Za-z0-9-](?:[A-Za-z0-9 -]*[A-Za-z0-9-])?)\s*$/.exec(line) ?? []
    const bit = bitOf(number)
    if (bit !== undefined && names[bit] === undefined && !names.includes(name)) names[bit] = name
  }
  return names
}

function bitOf(number: string | undefined): number | undefined {
  if (number === undefined) return undefined
  try {
    const bit = u16.parse(number)
    return bit < NAMED_BITS ? bit : undefined
  } catch {
    return undefined
  }
}

/**
 * The labels of a list of names, as the bytes of CTA_LABELS. A label that has no name is called by its number: `bit64`.
 * @throws RangeError that names the first that is not known
 */
export function parseLabels(argument: string, { names, path, problem }: LabelMap): Uint8Array {
  const labels = new Uint8Array(SIZE)
  for (const name of argument.split(',')) {
    const bit = names.includes(name) ? names.indexOf(name) : bitOf(/^bit(\d+)$/.exec(name)?.[1])
    if (bit === undefined) throw new RangeError(`unknown label '${name}': ${problem ?? `it is not in ${path}`}`)
    if (bit >= 8 * SIZE) throw new RangeError(`label '${name}' is bit ${bit}, and a connection has ${8 * SIZE}`)
    labels[bit >> 3] |= 1 << (bit & 7)
  }
  return labels
}

/** Labels that must, and that must not, be set. */
export interface LabelsArgument {
  readonly all: Uint8Array
  readonly none: Uint8Array
}

/** Reads `a,!b`: has a and lacks b. @throws RangeError */
export function parseLabelsCondition(argument: string, map: LabelMap): LabelsArgument {
  const none = new Uint8Array(SIZE)
  return argument
    .split(',')
    .map(
      (item): LabelsArgument =>
        item.startsWith('!') ? { all: none, none: parseLabels(item.slice(1), map) } : { all: parseLabels(item, map), none },
    )
    .reduce((a, b) => ({ all: addLabels(a.all, b.all), none: addLabels(a.none, b.none) }))
}

/** Labels to set. */
export function labelsToAdd(labels: Uint8Array): { labels: Uint8Array; labelsMask: Uint8Array } {
  return { labels, labelsMask: labels }
}

/** Labels to clear; all where none are named. */
export function labelsToDelete(labels: Uint8Array = new Uint8Array(SIZE).fill(255)): { labels: Uint8Array; labelsMask: Uint8Array } {
  return { labels: new Uint8Array(SIZE), labelsMask: labels }
}

/** The labels that are in either. */
export function addLabels(one: Uint8Array, other: Uint8Array): Uint8Array {
  return one.map((byte, i) => byte | other[i])
}
