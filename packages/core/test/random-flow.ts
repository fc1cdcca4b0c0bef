export { randomFields, randomValue } from '../src/conformance/fields.ts'
