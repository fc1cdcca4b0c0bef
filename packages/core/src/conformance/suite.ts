/**
 * What every protocol plugin is checked for.
 * @module @conntrack/core/conformance
 */
import type { Protocol } from '../tables/protocol.ts'
import type { Check } from './check.ts'
import { formats, type MoreFormatters } from './formats.ts'
import { type Formatters, texts } from './texts.ts'
import { vocabulary } from './vocabulary.ts'
import { type Opposites, wire } from './wire.ts'

export type { Check } from './check.ts'
export { type KernelCheck, type KernelFacts, type KernelFlows, kernelConformance } from './kernel.ts'
export type { MoreFormatters } from './formats.ts'
export type { Formatters } from './texts.ts'
export type { Opposites } from './wire.ts'

/** What the suite cannot know of a protocol by itself. */
export interface Facts {
  /** The protocol's parts of tuples, each with that of the other direction: at least one pair. */
  readonly opposites: Opposites
  /** From `@conntrack/formatters`: `{ line: line(), json: json(), save: save() }`, and what else of its formats is to be tried. */
  readonly formatters: Formatters & MoreFormatters
}

/**
 * What must hold of every protocol plugin, for any test runner: its words and options are in order, its fields survive the way to the
 * kernel and back whether it is installed or not, objects and text tell the same, and its options take what is saved.
 *
 * @example
 * import { test } from 'node:test'
 * for (const { name, run } of conformance(tcp, { opposites, formatters: { line: line(), json: json(), save: save() } })) test(name, run)
 */
export function conformance(protocol: Protocol, { opposites, formatters }: Facts): readonly Check[] {
  const checks = [...vocabulary(protocol), ...wire(protocol, opposites), ...texts(protocol, formatters), ...formats(protocol, formatters)]
  return checks.map(({ name, run }) => ({ name: `${protocol.name}: ${name}`, run }))
}
