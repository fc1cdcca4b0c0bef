export { type Cli, type CliParts, createCli } from './main.ts'
export { type Formats, type Io, standardIo } from './output.ts'
