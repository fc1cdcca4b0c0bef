import { COMMANDS, LOAD_FILE } from '../packages/cli/src/commands.ts'
import { CONDITIONS, NOTATIONS } from '../packages/cli/src/notation.ts'
import { type CliOption, OPTIONS, protocolOptions, wordsOf } from '../packages/cli/src/options.ts'
import { outputHelp } from '../packages/cli/src/output.ts'
import { GROUPS, takersOf, termOf } from '../packages/cli/src/usage.ts'
import type { CliParts } from '../packages/cli/src/main.ts'

/** The manual page conntrack(8) in the language of man(7): what follows from the program's tables, and what they cannot tell. */
export function manual({ protocols, formats }: CliParts): string {
  const own = protocols.map((protocol): Section => {
    const rows = protocolOptions(protocol).map((option) => optionRow(option, wordsOf(protocol, option)))
    return [`Options with -p ${protocol.name}`, rows.join('')]
  })
  return [
    '.\\" Written by scripts/man.ts from the tables of the program: change those.\n.TH CONNTRACK 8 "" conntrack.ts\n',
    section('NAME', text('conntrack - list and change tracked connections')),
    section('SYNOPSIS', SYNOPSIS),
    section('DESCRIPTION', paragraphs(DESCRIPTION)),
    section('COMMANDS', [...COMMANDS, LOAD_FILE].map((command) => row(term(command), command.help)).join('')),
    section('TABLES', paragraphs(TABLES)),
    section(
      'OPTIONS',
      [
        paragraphs(OPTIONS_TEXT),
        ...GROUPS.map(([title, isIn]) =>
          sub([
            title,
            OPTIONS.filter(isIn)
              .map((one) => optionRow(one))
              .join(''),
          ]),
        ),
      ].join(''),
    ),
    section('PROTOCOLS', [paragraphs(PROTOCOLS), ...own.map(sub)].join('')),
    section('VALUES', [...NOTATIONS.map(([name, help]) => row(italic(name), help)), paragraphs([CONDITIONS])].join('')),
    section('OUTPUT', [paragraphs(OUTPUT), ...outputHelp(formats).map(([word, help]) => row(bold(word), help))].join('')),
    section('FILES OF COMMAND LINES', paragraphs(BATCH)),
    section('EXIT STATUS', STATUSES.map(([status, help]) => row(bold(status), help)).join('')),
    section('ENVIRONMENT', ENVIRONMENT.map(([name, help]) => row(bold(name), help)).join('')),
    section('FILES', FILES.map(([name, help]) => row(italic(name), help)).join('')),
    section('EXAMPLES', EXAMPLES.map(([what, line]) => `${paragraphs([what])}.RS\n.EX\n${text(line)}.EE\n.RE\n`).join('')),
    section('SEE ALSO', text('ip-netns(8), nft(8), services(5), protocols(5)')),
  ].join('')
}

type Section = readonly [title: string, body: string]

const section = (title: string, body: string): string => `.SH ${title}\n${body}`
const sub = ([title, body]: Section): string => `.SS ${escaped(title)}\n${body}`
const row = (head: string, explanation: string): string => `.TP\n${head}\n${text(explanation)}`
const bold = (words: string): string => `\\fB${escaped(words)}\\fR`
const italic = (words: string): string => `\\fI${escaped(words)}\\fR`
const paragraphs = (all: readonly string[]): string => all.map((one) => `.PP\n${text(one)}`).join('')

/** Text that troff does not take for its own: a backslash begins an escape, and a dot or quote at the beginning of a line a request. */
const escaped = (words: string): string =>
  words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '\\&...')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('"', '\\(dq')
const text = (words: string): string => `${escaped(words).replaceAll(/^(?=[.'])/gm, '\\&')}\n`

/** `-s, --src ADDRESS` with all names, as a term. */
function term(option: Parameters<typeof termOf>[0]): string {
  const [dashes, ...placeholder] = termOf(option)
    .trim()
    .split(/ (?=[A-Z[])/)
  const aliases = option.names.slice(1).map((name) => `, --${name}`)
  return `${bold(dashes + aliases.join(''))}${placeholder.length === 0 ? '' : ` ${italic(placeholder.join(' '))}`}`
}

function optionRow(option: CliOption, words: readonly string[] = []): string {
  const values = words.length === 0 ? '' : `: ${words.join(', ')}`
  return row(term(option), `${option.help}${values} (${takersOf(option)})`)
}

const SYNOPSIS = [
  '.B conntrack',
  '.I COMMAND',
  '.RI [ TABLE ]',
  '.RI [ OPTION ...]',
  '.br',
  '.B conntrack \\-R',
  '.I FILE',
  '.RB [ \\-\\-continue ]\n',
].join('\n')

const DESCRIPTION = [
  'The kernel notes every connection that passes it: addresses and ports of both directions, protocol, state, counters, and how they are translated. conntrack lists these entries, looks for one, makes, changes and deletes them.',
  'It takes the command lines of conntrack(8) of conntrack-tools, writes what that writes, and ends with the same status; where that is wrong, this is not. It needs root, or CAP_NET_ADMIN.',
  'Summaries, such as how many entries have been shown, go to standard error.',
]

const TABLES = [
  'The word behind a command is the list of the kernel that it is about, and may be shortened: conntrack, the connections; expect, connections that helpers expect because of others; dying, entries that are about to go; unconfirmed, entries whose first packet is still on its way. Without a word it is conntrack.',
]

const OPTIONS_TEXT = [
  'An option is a condition to some commands and a value to others, and is never ignored: what a command does not take is refused. Nothing is deleted or changed that -L would not list under the same conditions. After each option stand the letters of the commands that take it, on connections and on expectations.',
  'Long names may be shortened where that is clear, and options and other words stand in any order.',
]

const PROTOCOLS = [
  'Each protocol has options of its own for what tells its connections apart and for its state. They need -p, before or behind them. Of a protocol that has no name here, -p takes the number.',
]

const OUTPUT = [
  'The words after -o say how entries are written; several are given in a list, or with another -o. Without any, an entry is a line of words.',
  'With json, every line is an object with a version, for entries, counts, statistics and errors; a JSON Schema comes with the package @conntrack/formatters. Numbers of 64 bits are strings there. With csv, there is a column for every field, whatever is listed. With save, the lines are command lines that make the entries again. A table for people is as wide as the terminal, and coloured unless NO_COLOR is set.',
  'Characters that a terminal would obey are written as escapes.',
]

const BATCH = [
  'With -R each line of a file is a command line without the name of the program: -I, -A, -U, -D and -F on connections. Words are parted by blanks, or stand in double quotes, inside of which a backslash takes the next character as it is. A line that begins with # is a comment. The whole file is read first: where a line is wrong, its place is told and nothing is done.',
  'The lines are then done in turn. The first that the kernel refuses ends the program, unless --continue is given.',
]

const STATUSES: readonly (readonly [string, string])[] = [
  ['0', 'done'],
  ['1', 'the kernel refused, or nothing was found to show, change or delete where something had to be'],
  ['2', 'the command line is wrong; nothing was done'],
  ['141', 'nobody reads the output any more'],
]

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ['NO_COLOR', 'if it is set and not empty, tables have no colours'],
  ['TERM', 'if it is dumb, likewise'],
  ['TZ', 'the time zone of -o ktimestamp'],
]

const FILES: readonly (readonly [string, string])[] = [
  ['/etc/xtables/connlabel.conf', 'names of labels: a line for each, its bit and its name'],
  ['/etc/services, /etc/protocols', 'names of ports and protocols'],
  ['/run/netns', 'names of network namespaces'],
]

/** What people ask, and the command line for it. */
export const EXAMPLES: readonly (readonly [string, string])[] = [
  ['Connections to two ports of a network, as a table:', 'conntrack -L -p tcp -d 10.0.0.0/8 --dport 80,443 -o table'],
  ['How many connections each host has opened, by jq(1):', 'conntrack -L -o json | jq -r .original.source | sort | uniq -c'],
  ['Forget what is translated to a host that is gone:', 'conntrack -D --dst-nat 192.0.2.7'],
  ['Save all connections, forget them, and make them again:', 'conntrack -L -o save > saved && conntrack -F && conntrack -R saved'],
  ['Mark the connections to a port:', 'conntrack -U -p tcp --dport 80 -m 7'],
  ['How many entries another namespace has:', 'conntrack -C --netns blue'],
]
