/**
 * Entries as text.
 * @module @conntrack/formatters
 */
export { type EventCells, eventLine, type EventOptions, eventRows, eventSave } from './event.ts'
export { expectationEventXml, expectationLine, type ExpectationOptions, expectationXml } from './expectation.ts'
export { expectationSave } from './expectation-save.ts'
export { jsonReader } from './json-reader.ts'
export { eventJson, JSON_VERSION, json, type JsonOptions, jsonRecord } from './json.ts'
export { jsonSchema } from './json-schema.ts'
export type { LabelNames } from './labels.ts'
export { type LineOptions, line } from './line.ts'
export { type SaveCommand, type SaveOptions, save } from './save.ts'
export { eventXml, type XmlOptions, xml } from './xml.ts'
export { aligner, type Column, type Screen } from './align.ts'
export { csv, expectationCsv } from './csv.ts'
export { expectationTableColumns, expectationTableRows, tableColumns, type TableOptions, tableRows } from './table.ts'
