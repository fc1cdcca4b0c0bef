// Writes the JSON Schema that is committed and published:  npm run generate
import { writeFileSync } from 'node:fs'
import { installed } from '../packages/cli/src/installed.ts'
import { jsonSchema } from '../packages/formatters/src/index.ts'

const schema = JSON.stringify(jsonSchema(installed.protocols), undefined, 2)
writeFileSync(new URL('../packages/formatters/schema.json', import.meta.url), `${schema}\n`)
