import type { Kind } from './kinds.ts'
import type { Attribute, Row, Step, Table } from './table.ts'

/** A node of the tree of attributes that `scan` walks: where to note the payload, and what may be inside. */
export interface ScanNode {
  readonly step: Step
  readonly slot: number
  /** Bytes that the payload must have, so that reading its kind stays inside. */
  minimum: number
  /** By attribute number. */
  readonly children: ScanNode[]
}

/** Where an attribute's payload offset stands after a scan, and how its bytes are read. */
export interface Place {
  /** The kernel's name: `CTA_MARK`. */
  readonly name: string
  /** The slot. */
  readonly slot: number
  /** How the payload is read. */
  readonly kind: Kind<unknown>
}

/** A leaf of a table, by its path in the API: `original.sourcePort`. One place, or one for each address family. */
export interface Field {
  /** Its path in the API: `original.sourcePort`. */
  readonly path: string
  /** Where it is: one place, or one for each address family. */
  readonly places: readonly Place[]
}

/** A row of a table with its place: what decode, and a formatter that walks a whole table, go through. */
export interface Member {
  /** The field. */
  readonly name: string
  /** Whether the kernel sends it with every entry. */
  readonly always: boolean
  /** Of a leaf: one place, or one for each address family. Empty for a nest. */
  readonly places: readonly Place[]
  /** Of a nest: its own slot and its rows. */
  readonly slot: number
  /** Of a nest: its rows. Undefined for a leaf. */
  readonly members: readonly Member[] | undefined
}

/** One of several tables that share their attribute numbers: a protocol's view of a flow. */
export interface Variant {
  readonly name: string
  readonly number: number
  readonly table: Table
}

/** A variant's table, tied to the slots of its layout. */
export interface Shape<V extends Variant = Variant> {
  /** Its position among the shapes of its layout. */
  readonly index: number
  /** What it is the shape of. */
  readonly variant: V
  /** The rows of its table, in order. */
  readonly members: readonly Member[]
  /** The leaves, by path. */
  readonly fields: ReadonlyMap<string, Field>
}

/** Tables, compiled: one tree to scan by, and a shape for each variant. */
export interface Layout<V extends Variant = Variant> {
  readonly root: ScanNode
  readonly slotCount: number
  readonly shapes: readonly Shape<V>[]
  /** The slot of the byte that tells the variant; 0 where there is only one. */
  readonly selector: number
  /** The shape for a protocol number: the last one where no variant has it. */
  shape(number: number): Shape<V>
}

/**
 * Compiles variants that share attribute numbers. `selector` is the field whose byte tells the variant's number
 * (`original.protocolNumber`); the last variant stands for every number that no other has.
 */
export function layout<V extends Variant>(variants: readonly V[], selector?: string): Layout<V> {
  let slotCount = 1 // slot 0 belongs to the root and is never filled
  const root: ScanNode = { step: { id: 0, name: 'message' }, slot: 0, minimum: 0, children: [] }

  const nodeAt = (path: readonly Step[], from: ScanNode): ScanNode =>
    path.reduce((node, step) => {
      const known = node.children[step.id]
      if (known !== undefined) return known
      const child: ScanNode = { step, slot: slotCount++, minimum: 0, children: [] }
      node.children[step.id] = child
      return child
    }, from)

  const place = (attribute: Attribute<unknown>, from: ScanNode): Place => {
    const node = nodeAt(attribute.path, from)
    const size = attribute.kind.size ?? 0
    if (node.minimum !== 0 && size !== 0 && node.minimum !== size)
      throw new RangeError(`${node.step.name} is declared with ${node.minimum} and with ${size} bytes`)
    node.minimum = Math.max(node.minimum, size)
    return { name: node.step.name, slot: node.slot, kind: attribute.kind }
  }

  const members = (table: Table, from: ScanNode, prefix: string, fields: Map<string, Field>): Member[] =>
    Object.entries(table).map(([name, row]: [string, Row]): Member => {
      const path = prefix + name
      const always = 'always' in row
      if (row.row === 'nest') {
        const node = nodeAt(row.path, from)
        return { name, always, places: [], slot: node.slot, members: members(row.table, node, `${path}.`, fields) }
      }
      const places = row.row === 'perFamily' ? row.alternatives.map((one) => place(one, from)) : [place(row, from)]
      fields.set(path, { path, places })
      return { name, always, places, slot: 0, members: undefined }
    })

  const shapes = variants.map((variant, index): Shape<V> => {
    const fields = new Map<string, Field>()
    return { index, variant, members: members(variant.table, root, '', fields), fields }
  })
  const other = shapes[shapes.length - 1]
  const byNumber = Array.from<Shape<V>>({ length: 256 }).fill(other)
  // Where several have one number, the first is it.
  for (const shape of shapes.toReversed()) if (shape.variant.number >= 0) byNumber[shape.variant.number] = shape
  const selected = selector === undefined ? undefined : other.fields.get(selector)
  return { root, slotCount, shapes, selector: selected?.places[0].slot ?? 0, shape: (number) => byNumber[number] ?? other }
}
