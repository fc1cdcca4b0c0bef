import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'

/** The published schema, as it is committed. */
export const publishedSchema: object = JSON.parse(readFileSync(new URL('../schema.json', import.meta.url), 'utf8'))

/** The same schema without room for what it does not name: the published one lets later fields in, and of ours none may be missing there. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(Object.entries(schema).map(([name, one]) => [name, closed(one)]))
  return 'properties' in copy ? { ...copy, additionalProperties: false } : copy
}

const ajv = new Ajv2020({ strict: true })
formats.default(ajv)
const isPublished = ajv.compile(publishedSchema)
const isClosed = ajv.compile({ ...(closed(publishedSchema) as object), $id: 'urn:conntrack-ts:closed' })

/** What a JSON Schema validator has against a line of JSON, if anything; unknown fields too. */
export function invalid(line: string): string | undefined {
  const value: unknown = JSON.parse(line)
  for (const validate of [isPublished, isClosed])
    if (!validate(value)) return `${line.trimEnd()}\n${ajv.errorsText(validate.errors, { separator: '\n' })}`
  return undefined
}
