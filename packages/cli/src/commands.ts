import type { Command } from '@conntrack/core/plugin'
import type { OptionSyntax } from './getopt.ts'

/** What the program can be told to do: the commands on flows, and those that need no field of one. */
export type CommandName = Command | 'flush' | 'count' | 'statistics' | 'version' | 'help' | 'completion'

/** The lists of the kernel that a command works on, in the order in which a word is compared with them. */
export const TABLES = ['expect', 'conntrack', 'dying', 'unconfirmed'] as const
export type TableName = (typeof TABLES)[number]

/** A command, as an option of getopt: its letter, its long name, and what help says. */
export interface CommandSyntax extends OptionSyntax {
  readonly command: CommandName
  /** The table may be glued to the long name: `--dump=expect`. */
  readonly argument: 'none' | 'named' | 'required'
  /** What stands for the argument in help, where one is required. */
  readonly placeholder?: string
  readonly tables: readonly TableName[]
  readonly help: string
}

const command = (
  short: string,
  name: string,
  named: CommandName,
  help: string,
  tables: readonly TableName[] = ['conntrack'],
): CommandSyntax => ({
  short,
  names: [name],
  argument: tables.length === 0 ? 'none' : 'named',
  command: named,
  tables,
  help,
})

const BOTH = ['conntrack', 'expect'] as const

/** All commands, in the order of the help. */
export const COMMANDS: readonly CommandSyntax[] = [
  command('L', 'dump', 'list', 'list the entries of a table', ['conntrack', 'expect', 'dying', 'unconfirmed']),
  command('G', 'get', 'get', 'show the entry with a tuple', BOTH),
  command('D', 'delete', 'delete', 'delete the entries that fit', BOTH),
  command('I', 'create', 'create', 'make an entry', BOTH),
  command('A', 'add', 'add', 'make an entry, or change the one with its tuple'),
  command('U', 'update', 'update', 'change the entries that fit'),
  command('E', 'event', 'event', 'show what happens to entries, as it happens', BOTH),
  command('F', 'flush', 'flush', 'delete all entries', BOTH),
  command('C', 'counter', 'count', 'show the number of entries', BOTH),
  command('S', 'stats', 'statistics', 'show what each CPU has counted', BOTH),
  command('V', 'version', 'version', 'show the version', []),
  command('h', 'help', 'help', 'show this help; with -p, the options of that protocol too', []),
  {
    names: ['completion'],
    argument: 'required',
    placeholder: 'SHELL',
    command: 'completion',
    tables: [],
    help: 'print what lets bash, zsh or fish complete command lines',
    isOurs: true,
  },
]

interface FileOption extends OptionSyntax {
  readonly placeholder: string
  readonly help: string
}

function besideFile(name: string, placeholder: string, help: string): FileOption {
  return { names: [name], argument: placeholder === '' ? 'none' : 'required', placeholder, help }
}

/** A file of command lines. It has options of its own and goes with no command, so it is no row of the others. */
export const LOAD_FILE = {
  short: 'R',
  names: ['load-file'],
  argument: 'required',
  placeholder: 'FILE',
  help: 'do the command lines of a file, or of standard input for -',
  /** What may stand beside the file. */
  options: [
    besideFile('continue', '', 'go on after a line that fails'),
    besideFile('dry-run', '', 'show what would be done, and do nothing'),
    besideFile('max', 'COUNT', 'do nothing where more entries than this would be touched'),
    besideFile('force', '', 'even where the flow of your own SSH session is deleted'),
    { ...besideFile('output', 'FORMAT,…', 'how entries are written, and errors'), short: 'o' },
    besideFile('netns', 'NAMESPACE', 'network namespace: its name, path or a process in it'),
    besideFile('demo', '', 'on a made-up network in memory'),
  ],
} as const

/** A command as messages name it: by its letter, if it has one. */
export function written({ short, names }: Pick<OptionSyntax, 'short' | 'names'>): string {
  return short === undefined ? `--${names[0]}` : `-${short}`
}

/** The table that a word names: any beginning of its name. */
export function tableOf(word: string): TableName | undefined {
  return TABLES.find((name) => word !== '' && name.startsWith(word))
}
