import { jsonSchema } from '../packages/formatters/src/index.ts'
import { manual } from './manual.ts'
import { installed } from '../packages/cli/src/installed.ts'

/** The committed files that follow from the tables: path from the root, and text. */
export function generated(): ReadonlyMap<string, string> {
  return new Map([
    ['packages/formatters/schema.json', `${JSON.stringify(jsonSchema(installed.protocols), undefined, 2)}\n`],
    ['packages/cli/conntrack.8', manual(installed)],
  ])
}
