/**
 * What plugins are made of: protocols and formatters. Pure data and functions; no socket behind it.
 * @module @conntrack/core/plugin
 */
export { type Entry, type Formatter, type Message, type Print, printer } from './schema/entry.ts'
export {
  type Dropped,
  type EventFormatter,
  eventPrinter,
  type EventReport,
  type EventType,
  type EventView,
  type Overrun,
  type PrintEvent,
  type Resynced,
} from './schema/event.ts'
export {
  type Bits,
  bits,
  bytes,
  decimal,
  type Enumerated,
  enumeration,
  hex16,
  ipv4,
  ipv6,
  type JsonSchema,
  type Kind,
  port,
  seconds,
  string,
  u8,
  u16,
  u32,
  u64,
} from './schema/kinds.ts'
export type { Field, Member, Place, Shape } from './schema/layout.ts'
export { payloadLength } from './schema/scan.ts'
export {
  type Always,
  type Attribute,
  always,
  attribute,
  type FromKernel,
  fromKernel,
  type Nest,
  nest,
  type PerFamily,
  perFamily,
  type Row,
  type Step,
  type Table,
  whole,
  within,
} from './schema/table.ts'
export { printable, Text, withoutControls, word } from './schema/text.ts'
export {
  type Command,
  type ProtocolVariant,
  expectationRow,
  expectationVariants,
  flowRow,
  flowVariants,
  EXPECTED_BESIDE_MASTER_USE,
  EXPECTED_USE,
  IGNORED_USE,
  MASK_USE,
  masterField,
  type Option,
  oppositePorts,
  pairOptions,
  type Protocol,
  portOptions,
  PROPERTY_USE,
  protocol,
  STATE_USE,
  TUPLE_USE,
  type Use,
  type Uses,
  unknownProtocol,
} from './tables/protocol.ts'
export { cpuStatisticsTable, expectationStatisticsTable } from './tables/statistics.ts'
export { STATUS_BITS, UNTOLD_AT_END } from './tables/flow.ts'
export { keys, ports } from './tables/tuple.ts'
