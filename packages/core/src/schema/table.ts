import type { Kind } from './kinds.ts'

/** One step down the tree of attributes: the number on the wire and the kernel's name of it. */
export interface Step {
  /** nla_type, without its flags. */
  readonly id: number
  /** The kernel's constant: `CTA_TUPLE_ORIG`. */
  readonly name: string
}

/** A row of a table: one attribute of the kernel, and the kind of its payload. */
export interface Attribute<T> {
  /** Tells rows apart. */
  readonly row: 'attribute'
  /** From the table's own level down to the attribute itself. */
  readonly path: readonly Step[]
  /** How its payload is read and written. */
  readonly kind: Kind<T>
}

/** A field that is one attribute for IPv4 and another for IPv6; whichever is there is the value. */
export interface PerFamily {
  /** Tells rows apart. */
  readonly row: 'perFamily'
  /** The attribute of each family. */
  readonly alternatives: readonly [ipv4: Attribute<string>, ipv6: Attribute<string>]
}

/** A field that is an object of its own, nested on the wire too. */
export interface Nest<T extends Table> {
  /** Tells rows apart. */
  readonly row: 'nest'
  /** From the table's own level down to the nest itself. */
  readonly path: readonly Step[]
  /** The rows inside. */
  readonly table: T
}

/** A row of a table: an attribute, one for each family, or a nest of others. */
export type Row = Attribute<unknown> | PerFamily | Nest<Table>

/** Marks a row that the kernel sends with every entry: its value's type is not `| undefined`. */
export interface Always {
  /** The marker. */
  readonly always: true
}

/** Field names of the API to rows: what a program does with an attribute depends on this alone. */
export interface Table {
  /** A row, by the name that its field has in the SDK. */
  readonly [field: string]: Row
}

/** An attribute: `id` as on the wire, `name` as in the kernel's headers. */
export function attribute<T>(id: number, name: string, kind: Kind<T>): Attribute<T> {
  return { row: 'attribute', path: [{ id, name }], kind }
}

/** The payload of the nest that a table stands `within`, as a whole: for those who do not know what is inside. */
export function whole<T>(kind: Kind<T>): Attribute<T> {
  return { row: 'attribute', path: [], kind }
}

/** A nested attribute that is an object in the API. */
export function nest<T extends Table>(id: number, name: string, table: T): Nest<T> {
  return { row: 'nest', path: [{ id, name }], table }
}

/** Rows that are nested on the wire and flat in the API. */
export function within<T extends Table>(id: number, name: string, table: T): T {
  const down = <R extends Attribute<string> | Exclude<Row, PerFamily>>(row: R): R => ({ ...row, path: [{ id, name }, ...row.path] })
  const rows = Object.entries(table).map(([field, row]): [string, Row] => [
    field,
    row.row === 'perFamily' ? { ...row, alternatives: [down(row.alternatives[0]), down(row.alternatives[1])] } : down(row),
  ])
  return Object.fromEntries(rows) as unknown as T
}

/** One field for two attributes, of which an entry has the one of its family. */
export function perFamily(ipv4: Attribute<string>, ipv6: Attribute<string>): PerFamily {
  return { row: 'perFamily', alternatives: [ipv4, ipv6] }
}

/** Says that the kernel sends this row with every entry. */
export function always<R extends Row>(row: R): R & Always {
  return { ...row, always: true }
}

/** Marks a row that the kernel tells and does not take: it is left out of what is sent. */
export interface FromKernel {
  /** The marker. */
  readonly fromKernel: true
}

/** Says that the kernel tells this row and does not take it. */
export function fromKernel<R extends Row>(row: R): R & FromKernel {
  return { ...row, fromKernel: true }
}

type ValueOf<R> = R extends Attribute<infer T> ? T : R extends PerFamily ? string : R extends Nest<infer T> ? Decoded<T> : never
type SentOf<R> = R extends Nest<infer T> ? Encodable<T> : ValueOf<R>
/** An intersection as one object type, for readable hovers. */
export type Flat<T> = { [K in keyof T]: T[K] }

// Keys are chosen by `as`: so a field has the docblock of its row.

/** The object that a table describes. A field that was not sent is absent; absent is not zero. */
export type Decoded<T extends Table> = Flat<
  { readonly [K in keyof T as T[K] extends Always ? K : never]: ValueOf<T[K]> } & {
    readonly [K in keyof T as T[K] extends Always ? never : K]?: ValueOf<T[K]>
  }
>

/** The object that can be sent: every field may be left out, and what only the kernel tells is not there. */
export type Encodable<T extends Table> = { readonly [K in keyof T as T[K] extends FromKernel ? never : K]?: SentOf<T[K]> }
