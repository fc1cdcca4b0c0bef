/**
 * Entries as text.
 * @module @conntrack/formatters
 */
export { expectationLine, expectationXml } from './expectation.ts'
export { jsonReader } from './json-reader.ts'
export { JSON_VERSION, json, jsonRecord } from './json.ts'
export { jsonSchema } from './json-schema.ts'
export type { LabelNames } from './labels.ts'
export { type LineOptions, line } from './line.ts'
export { type SaveCommand, type SaveOptions, save } from './save.ts'
export { type XmlOptions, xml } from './xml.ts'
export { aligner, type Column, type Screen } from './align.ts'
export { csv, expectationCsv } from './csv.ts'
export { expectationTableColumns, expectationTableRows, tableColumns, type TableOptions, tableRows } from './table.ts'
