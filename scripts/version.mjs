// Brings packages/cli/src/version.ts in line with its package.json; run after `changeset version`.
import { readFileSync, writeFileSync } from 'node:fs'

const cli = new URL('../packages/cli/', import.meta.url)
const { version } = JSON.parse(readFileSync(new URL('package.json', cli), 'utf8'))
const file = new URL('src/version.ts', cli)
writeFileSync(file, readFileSync(file, 'utf8').replace(/'[^']*'/, `'${version}'`))
