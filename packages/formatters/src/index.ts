export { JSON_VERSION, json } from './json.ts'
export { type LineOptions, line } from './line.ts'
export { type SaveCommand, save } from './save.ts'
export { type XmlOptions, xml } from './xml.ts'
