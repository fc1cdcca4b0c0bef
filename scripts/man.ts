// Writes the manual page that is shipped with the program:  npm run man
import { writeFileSync } from 'node:fs'
import { installed } from '../packages/cli/src/installed.ts'
import { manual } from './manual.ts'

writeFileSync(new URL('../packages/cli/conntrack.8', import.meta.url), manual(installed))
