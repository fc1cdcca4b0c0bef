import type { Kind } from './kinds.ts'
import { payloadLength } from './scan.ts'
import type { Attribute, Row, Step, Table } from './table.ts'

const NLA_HDRLEN = 4
/** NLA_F_NESTED: the payload is attributes. */
const NLA_F_NESTED = 0x8000

/** A node of the tree as it is written: an attribute with a value, or a nest of others. */
interface WireNode {
  readonly step: Step
  /** The field whose value is the payload, and its kind. */
  field?: string
  kind?: Kind<unknown>
  /** Of the two attributes of one address field, the one for this. */
  family?: 'ipv4' | 'ipv6'
  /** The field whose object the children read; without it they read the object that this node is in. */
  inner?: string
  readonly children: WireNode[]
}

/** A table, compiled for writing. */
export interface Encoder {
  /**
   * Writes the attributes of an object's fields, in the table's order. Fields that only the kernel tells are left out.
   * @returns a copy of the bytes, padded to a multiple of 4
   * @throws RangeError that names the field when it is not of the table, or its value does not fit
   */
  encode(value: object): Uint8Array
}

/** Compiles a table for writing, once something is written. */
export function encoder(table: Table): Encoder {
  let nodes: WireNode[] | undefined
  let buffer: Output | undefined
  return {
    encode(value) {
      checkFields(table, value as Record<string, unknown>, '')
      nodes ??= wireTree(table)
      buffer ??= new Output()
      buffer.length = 0
      writeAll(buffer, nodes, value as Record<string, unknown>, '')
      return buffer.bytes.slice(0, buffer.length)
    },
  }
}

function wireTree(table: Table): WireNode[] {
  const root: WireNode[] = []
  const nodeAt = (path: readonly Step[]): WireNode => {
    let level = root
    let node: WireNode | undefined
    for (const step of path) {
      node = level.find((known) => known.step.id === step.id && known.inner === undefined)
      if (node === undefined) level.push((node = { step, children: [] }))
      level = node.children
    }
    return node as WireNode
  }
  const leaf = (field: string, { path, kind }: Attribute<unknown>, family?: 'ipv4' | 'ipv6'): void => {
    Object.assign(nodeAt(path), { field, kind, family })
  }
  for (const [field, row] of Object.entries<Row>(table)) {
    if ('fromKernel' in row) continue
    if (row.row === 'attribute') leaf(field, row)
    else if (row.row === 'perFamily') {
      leaf(field, row.alternatives[0], 'ipv4')
      leaf(field, row.alternatives[1], 'ipv6')
    } else Object.assign(nodeAt(row.path), { inner: field, children: wireTree(row.table) })
  }
  return root
}

function checkFields(table: Table, value: Record<string, unknown>, prefix: string): void {
  for (const field in value) {
    const path = prefix + field
    if (!Object.hasOwn(table, field)) throw new RangeError(`unknown field '${path}'`)
    const row = table[field]
    const inner = value[field]
    if (row.row !== 'nest' || inner === undefined) continue
    if (typeof inner !== 'object' || inner === null) throw new RangeError(`${path}: expected an object`)
    checkFields(row.table, inner as Record<string, unknown>, `${path}.`)
  }
}

function writeAll(out: Output, nodes: readonly WireNode[], value: Record<string, unknown>, prefix: string): void {
  for (const node of nodes) {
    const own = node.field === undefined ? undefined : value[node.field]
    if (own !== undefined && isOfFamily(own, node.family)) {
      writeLeaf(out, node, own, prefix, value)
      continue
    }
    const inner = node.inner === undefined ? value : (value[node.inner] as Record<string, unknown> | undefined)
    if (node.children.length === 0 || inner === undefined) continue
    const start = out.begin()
    writeAll(out, node.children, inner, node.inner === undefined ? prefix : `${prefix}${node.inner}.`)
    if (out.length === start + NLA_HDRLEN) out.length = start
    else out.finish(start, node.step.id | NLA_F_NESTED, `${prefix}${node.inner ?? node.step.name}`)
  }
}

/** Of an address field's two attributes, the one for this address; an address that is no text is the first's to complain of. */
function isOfFamily(address: unknown, family: WireNode['family']): boolean {
  if (family === undefined) return true
  return (family === 'ipv6') === (typeof address === 'string' && address.includes(':'))
}

/** Writes an attribute's value; where it has fields of its own too, what is known stands before what is not. */
function writeLeaf(out: Output, node: WireNode, value: unknown, prefix: string, siblings: Record<string, unknown>): void {
  const kind = node.kind as Kind<unknown>
  const start = out.begin()
  writeAll(out, node.children, siblings, prefix)
  try {
    out.reserve((kind.size ?? kind.lengthOf?.(value) ?? 0) + NLA_HDRLEN)
    out.length += kind.write(out.bytes, out.length, value)
  } catch (error) {
    throw new RangeError(`${prefix}${node.field}: ${(error as Error).message}`, { cause: error })
  }
  out.finish(start, node.step.id, `${prefix}${node.field}`)
}

/** A growing buffer of attributes, each aligned to 4 bytes. */
class Output {
  bytes: Uint8Array = new Uint8Array(1024)
  length = 0

  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return
    const larger = new Uint8Array((this.length + count) * 2)
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
  }

  /** Leaves room for an attribute's header and tells where it stands. */
  begin(): number {
    this.reserve(NLA_HDRLEN)
    const start = this.length
    this.length += NLA_HDRLEN
    return start
  }

  /** Writes the header at `start` of the attribute that ends here, and pads it. @throws RangeError that names `field` when it is too long */
  finish(start: number, type: number, field: string): void {
    const { bytes } = this
    const length = this.length - start
    if (length > 0xffff) throw new RangeError(`${field}: an attribute holds at most 65531 bytes`)
    bytes[start] = length
    bytes[start + 1] = length >> 8
    bytes[start + 2] = type
    bytes[start + 3] = type >> 8
    this.reserve(3)
    while (this.length & 3) this.bytes[this.length++] = 0
  }
}

/**
 * Makes a function that copies attributes of a message, back to back and as they came, without a look inside: for what goes back to
 * the kernel unread, such as the tuple of an entry that is to be deleted. `offsets` are payload offsets that a scan noted; 0 (absent)
 * is left out. What it gives is valid until its next call.
 */
export function attributeCopier(): (bytes: Uint8Array, offsets: readonly number[]) => Uint8Array {
  const out = new Output()
  return (bytes, offsets) => {
    out.length = 0
    for (const at of offsets) {
      if (at === 0) continue
      const whole = payloadLength(bytes, at) + NLA_HDRLEN
      out.reserve(whole + 3)
      for (let i = 0; i < whole; i++) out.bytes[out.length + i] = bytes[at - NLA_HDRLEN + i]
      out.length += whole
      while (out.length & 3) out.bytes[out.length++] = 0
    }
    return out.bytes.subarray(0, out.length)
  }
}
