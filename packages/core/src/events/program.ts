import type { TableContext } from '../commands/context.ts'
import type { Layout, Place, ScanNode } from '../schema/layout.ts'
import { conditionsOf, FAMILIES, type FieldCondition, type Filter } from '../schema/match.ts'
import { holdsForAbsent, type Rule } from '../schema/rule.ts'
import { BpfProgram, type Label } from '../transport/bpf.ts'
import { HEADER_LENGTH } from '../transport/message.ts'

/** Where nfgen_family stands in a message. */
const FAMILY = 16
/** Bytes of an attribute's header. */
const NLA_HDRLEN = 4
/** Longer programs have no room in the kernel's memory for options of a socket (net.core.optmem_max), as it was once. */
const LONGEST = 2000

/**
 * The part of a filter that the kernel can do before it queues a message, as a classic BPF program; undefined where that is none. The
 * program never drops what the filter holds for: what it cannot do it lets through, to be filtered again.
 */
export function eventProgram({ layout, relations }: TableContext, filter: Filter): Uint8Array | undefined {
  const program = new BpfProgram()
  const no = program.label()
  const family = FAMILIES.get(filter.family ?? '')
  if (family !== undefined) {
    program.load(FAMILY, 1)
    program.jumpUnless('equal', family, no)
  }
  const candidates = conditionsOf(layout, filter, relations)
  const numbers = candidates.map(({ shape }) => shape.variant.number)
  if (numbers.every((number) => number >= 0)) isOneOf(program, layout, numbers, no)
  for (const one of shared(candidates.map(({ fields }) => fields))) {
    if (program.length + lengthOf(one, layout) > LONGEST) continue
    const yes = program.label()
    field(program, layout, one, yes, no)
    program.place(yes)
  }
  if (program.length === 0) return undefined
  program.end(true)
  program.place(no)
  program.end(false)
  return program.encode()
}

/** The conditions that are the same bytes at the same places for all protocols that are meant. */
function shared([first = [], ...others]: readonly (readonly FieldCondition[])[]): FieldCondition[] {
  const shown = ({ places, rules }: FieldCondition): string =>
    JSON.stringify([places.map(({ slot }) => slot), rules], (_, value: unknown) => (value instanceof Uint8Array ? [...value] : value))
  return first.filter((one) => others.every((fields) => fields.some((other) => shown(other) === shown(one))))
}

function lengthOf(one: FieldCondition, layout: Layout): number {
  const alone = new BpfProgram()
  field(alone, layout, one, alone.label(), alone.label())
  return alone.length
}

/** Lets only protocols of these numbers on. */
function isOneOf(program: BpfProgram, layout: Layout, numbers: readonly number[], no: Label): void {
  const yes = program.label()
  find(program, layout, layout.selector, no)
  program.loadFromX(NLA_HDRLEN, 1)
  for (const number of numbers) program.jumpIf('equal', number, yes)
  program.jump(no)
  program.place(yes)
}

/** Goes to `yes` or `no` by one field: that is one attribute, or for an address the one of its family. */
function field(program: BpfProgram, layout: Layout, { places, rules }: FieldCondition, yes: Label, no: Label): void {
  const others = [...places.entries()].toReversed()
  for (const [i, place] of others) {
    const rule = possible(rules[i], place, true)
    const absent = program.label()
    find(program, layout, place.slot, absent)
    test(program, rule, yes, no)
    program.place(absent)
    // Of an address, only when it is of neither family.
    if (i === 0) program.jump(holdsForAbsent(rule) ? yes : no)
  }
}

/** X = where an attribute is, by its slot; jumps where it is absent. */
function find(program: BpfProgram, layout: Layout, slot: number, absent: Label): void {
  const [first, ...nested] = pathTo(slot, layout.root) ?? []
  program.findAttribute(HEADER_LENGTH, first)
  program.jumpIf('equal', 0, absent)
  for (const type of nested) {
    program.findNested(type)
    program.jumpIf('equal', 0, absent)
  }
  program.keep()
}

/** The attribute numbers down to the one with a slot. */
function pathTo(slot: number, node: ScanNode): number[] | undefined {
  if (node.slot === slot) return []
  for (const child of node.children) {
    const rest = child === undefined ? undefined : pathTo(slot, child)
    if (rest !== undefined) return [child.step.id, ...rest]
  }
  return undefined
}

/** A rule that a program can follow, in place of one that it perhaps cannot: it holds at least (or, for what is negated, at most) where that does. */
function possible(rule: Rule, place: Place, atLeast: boolean): Rule {
  if (rule.rule === 'constant') return rule
  if (rule.rule === 'not') return { rule: 'not', of: possible(rule.of, place, !atLeast) }
  if (rule.rule === 'any' || rule.rule === 'all') return { rule: rule.rule, of: rule.of.map((one) => possible(one, place, atLeast)) }
  const isFixed = place.kind.size !== undefined
  if (rule.rule === 'masked' && isFixed) return rule
  if (rule.rule === 'between' && isFixed && (isSame(rule.low, rule.high) || [1, 2, 4].includes(rule.low.length))) return rule
  return { rule: 'constant', holds: atLeast }
}

/** Goes to `yes` or `no` by the attribute at X. */
function test(program: BpfProgram, rule: Rule, yes: Label, no: Label): void {
  if (rule.rule === 'constant') return program.jump(rule.holds ? yes : no)
  if (rule.rule === 'not') return test(program, rule.of, no, yes)
  if (rule.rule === 'masked') return masked(program, rule.value, rule.mask, yes, no)
  if (rule.rule === 'between') return between(program, rule.low, rule.high, yes, no)
  if (rule.rule === 'computed') throw new Error('a rule that no program can follow')
  for (const one of rule.of) {
    const next = program.label()
    if (rule.rule === 'any') test(program, one, yes, next)
    else test(program, one, next, no)
    program.place(next)
  }
  program.jump(rule.rule === 'any' ? no : yes)
}

function between(program: BpfProgram, low: Uint8Array, high: Uint8Array, yes: Label, no: Label): void {
  if (isSame(low, high)) return masked(program, low, new Uint8Array(low.length).fill(255), yes, no)
  program.loadFromX(NLA_HDRLEN, low.length as 1 | 2 | 4)
  program.jumpUnless('atLeast', number(low, 0, low.length), no)
  program.jumpIf('above', number(high, 0, high.length), no)
  program.jump(yes)
}

function masked(program: BpfProgram, value: Uint8Array, mask: Uint8Array, yes: Label, no: Label): void {
  for (let at = 0; at < mask.length; ) {
    const left = mask.length - at
    const size = left >= 4 ? 4 : left >= 2 ? 2 : 1
    const bits = number(mask, at, size)
    const wanted = number(value, at, size)
    if (bits !== 0 || wanted !== 0) {
      program.loadFromX(NLA_HDRLEN + at, size)
      if (bits !== 2 ** (size * 8) - 1) program.and(bits)
      program.jumpUnless('equal', wanted, no)
    }
    at += size
  }
  program.jump(yes)
}

const isSame = (one: Uint8Array, other: Uint8Array): boolean => one.every((byte, i) => byte === other[i])

/** The number that so many bytes are in network order. */
function number(bytes: Uint8Array, at: number, size: number): number {
  return bytes.subarray(at, at + size).reduce((sum, byte) => sum * 256 + byte, 0)
}
