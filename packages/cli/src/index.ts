export { type Cli, type CliParts, createCli } from './main.ts'
export { type Format, type FormatOptions, type Formats, type Io, standardIo } from './output.ts'
