// What is measured: rows of contestants that do the same work, and what each is to reach.
import { MANY, SOME, type TableKind } from './tables.ts'

/** A program in a row. */
export interface Contestant {
  readonly name: string
  /** `SAVED` stands for a file of the table as `-o save` writes it, `ROUND` for the number of the round, from 1. */
  readonly command: readonly string[]
  readonly runtime?: 'bun' | 'node' | 'deno'
  /** The median, divided by that of the row's first, is to be at most this. */
  readonly target?: number
}

/** Work that is done by several, the first of which the others are compared with. */
export interface Row {
  readonly name: string
  readonly title: string
  readonly table: TableKind
  /** Whether the work changes the table, so that it is made anew before each. */
  readonly changes?: boolean
  readonly contestants: readonly Contestant[]
  /** Runs of each, where not as many as is asked for. */
  readonly rounds?: number
}

const C = (...command: readonly string[]): Contestant => ({ name: `C ${command.join(' ')}`, command: ['conntrack', ...command] })

const ours = (runtime: 'bun' | 'node' | 'deno', target: number | undefined, ...command: readonly string[]): Contestant => ({
  name: `${runtime} ${command.join(' ')}`,
  command: ['./conntrack', ...command],
  runtime,
  target,
})

/** A file of this directory, run with the flags of ./conntrack. */
const script = (runtime: 'bun' | 'node' | 'deno', file: string, target?: number): Contestant => ({
  name: `${runtime} ${file}`,
  command: [...COMMANDS[runtime], `bench/${file}`],
  target,
})

const COMMANDS = {
  bun: ['node_modules/bun/bin/bun.exe', '--config=/dev/null', '--no-env-file', '--no-install', '--conditions=@conntrack/source'],
  node: ['node_modules/.bin/node', '--conditions=@conntrack/source'],
  deno: ['node_modules/deno/deno', 'run', '--quiet', '--no-config', '--no-lock', '--node-modules-dir=manual', '-A'],
} as const

/** The same command by the original and by ours. */
const pair = (target: number, ...command: readonly string[]): readonly Contestant[] => [C(...command), ours('bun', target, ...command)]

export const ROWS: readonly Row[] = [
  {
    name: 'list',
    title: '`-L` to /dev/null',
    table: 'tcp',
    contestants: [C('-L'), ours('bun', 0.45, '-L'), ours('node', 0.6, '-L'), ours('deno', 0.6, '-L'), script('bun', 'floor.ts')],
  },
  {
    name: 'xml',
    title: '`-L` as XML and as JSON',
    table: 'tcp',
    contestants: [...pair(0.5, '-L', '-o', 'xml'), ours('bun', 0.5, '-L', '-o', 'json')],
  },
  { name: 'save', title: '`-L -o save`', table: 'tcp', contestants: pair(0.5, '-L', '-o', 'save') },
  { name: 'extended', title: '`-L -o extended,id`', table: 'tcp', contestants: pair(0.5, '-L', '-o', 'extended,id') },
  { name: 'mixed', title: '`-L` of all protocols, NAT, marks, zones, labels', table: 'mixed', contestants: pair(0.45, '-L') },
  { name: 'filter', title: '`-L -s`, 60,000 of which match', table: 'tcp', contestants: pair(0.2, '-L', '-s', MANY) },
  { name: 'load', title: '`-R` of `-A` lines', table: 'empty', changes: true, contestants: pair(0.25, '-R', 'SAVED') },
  { name: 'delete', title: '`-D -p tcp`, all', table: 'tcp', changes: true, contestants: pair(0.4, '-D', '-p', 'tcp') },
  { name: 'delete-some', title: '`-D -s`, 50,000', table: 'tcp', changes: true, contestants: pair(0.25, '-D', '-s', SOME) },
  {
    name: 'delete-quiet',
    title: '`-D -s` of 50,000 when nobody wants to see them',
    table: 'tcp',
    changes: true,
    contestants: [C('-D', '-s', SOME), ours('bun', 0.25, '-D', '-s', SOME, '--quiet')],
  },
  { name: 'update', title: '`-U -m`, all', table: 'tcp', contestants: pair(0.4, '-U', '-p', 'tcp', '-m', 'ROUND') },
  { name: 'objects', title: 'SDK: typed objects', table: 'tcp', contestants: [C('-L'), script('bun', 'objects.ts')] },
  ...(['bun', 'node', 'deno'] as const).map(
    (runtime): Row => ({
      name: `start-${runtime}`,
      title: `start under ${runtime}`,
      table: 'empty',
      contestants: [script(runtime, 'empty.ts'), ours(runtime, 1.3, '-V'), ours(runtime, 1.3, '-C')],
      rounds: 40,
    }),
  ),
]
