import { VERSION } from './version.ts'

/** Name and version, as messages begin with them. */
export const PROGRAM: string = `conntrack v${VERSION} (conntrack.ts)`
