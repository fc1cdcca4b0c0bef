/**
 * The command line program, to be composed of protocols and formats.
 * @module @conntrack/cli
 */
export { type Io, screenOf, standardIo } from './io.ts'
export { type Cli, type CliParts, createCli } from './main.ts'
export type { Format, FormatOptions, Formats } from './output.ts'
