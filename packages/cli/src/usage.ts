import type { Protocol } from '@conntrack/core/plugin'
import { COMMANDS, LOAD_FILE, written } from './commands.ts'
import { CONDITIONS, NOTATIONS } from './notation.ts'
import { type CliOption, OPTIONS, protocolOptions, wordsOf } from './options.ts'

/** A terminal's usual width. */
const WIDTH = 80
/** Where explanations begin. */
const LEFT = 30

/** The help: what there is, composed from the same tables that the program runs by. `formats` are words after `-o`, with help. */
export function usage(
  version: string,
  formats: readonly (readonly [word: string, help: string])[],
  protocols: readonly Protocol[],
  chosen: Protocol | undefined,
): string {
  const sections = [
    `${version}: list and change tracked connections\n`,
    'Usage: conntrack COMMAND [TABLE] [OPTION...]\n       conntrack -R FILE [OPTION...]\n',
    section(
      'Commands',
      [...COMMANDS.filter(({ short }) => short !== undefined), LOAD_FILE, ...COMMANDS.filter(({ short }) => !short)].map(commandRow),
    ),
    section(
      'Tables, which may be shortened; conntrack if none is named',
      COMMANDS.flatMap(({ tables }) => tables)
        .filter((table, i, all) => all.indexOf(table) === i)
        .map((table) =>
          row(
            table,
            `for ${COMMANDS.filter(({ tables }) => tables.includes(table))
              .map(written)
              .join(' ')}`,
          ),
        ),
    ),
    ...GROUPS.map(([title, isIn]) =>
      section(
        title,
        OPTIONS.filter(isIn).map((option) => optionRow(option)),
      ),
    ),
    section('With -R FILE, for all its lines together', LOAD_FILE.options.map(commandRow)),
    section(
      'Formats for -o',
      formats.map(([word, help]) => row(word, help)),
    ),
    section('Values', [
      ...NOTATIONS.map(([name, help]) => row(name, help)),
      ...wrapped(CONDITIONS, WIDTH - 2).map((line) => `  ${line}\n`),
    ]),
    `Protocols for -p: ${protocols.map(({ name }) => name).join(', ')}.\nHelp for one of them: conntrack -h -p NAME\n`,
  ]
  if (chosen === undefined || chosen.options.length === 0) return sections.join('\n')
  const own = protocolOptions(chosen)
  return [
    ...sections,
    section(
      `Options with -p ${chosen.name}`,
      own.map((option) => optionRow(option, wordsOf(chosen, option))),
    ),
  ].join('\n')
}

const isOfEntries = ({ use, expectation }: CliOption): boolean => Object.values({ ...expectation, ...use }).some((one) => one !== 'value')
const isOfTuples = ({ sets }: CliOption): boolean => /^(original|reply|mask|tuple)\.(source|destination)$/.test(sets ?? '')

/** Options by what they are about. After each stand the commands that take it. */
export const GROUPS: readonly (readonly [title: string, isIn: (option: CliOption) => boolean])[] = [
  ['Which entries, with the commands that take each', (one) => isOfTuples(one) || (one.sets === undefined && isOfEntries(one))],
  ['Their properties: conditions on those that are, values of those that are made', (one) => one.sets !== undefined && !isOfTuples(one)],
  ['How it is done', (one) => one.sets === undefined && !isOfEntries(one)],
]

const section = (title: string, rows: readonly string[]): string => `${title}:\n${rows.join('')}`

/** A term and its explanation, which goes on below itself. */
function row(term: string, explanation: string): string {
  const lines = wrapped(explanation, WIDTH - LEFT)
  const isLong = term.length > LEFT - 4
  const first = isLong ? `  ${term}\n${' '.repeat(LEFT)}` : `  ${term.padEnd(LEFT - 2)}`
  return `${first}${lines.join(`\n${' '.repeat(LEFT)}`)}\n`
}

/** A text as lines of at most so many characters. */
function wrapped(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1]
    if (last === '') lines[lines.length - 1] = word
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

interface Term {
  readonly short?: string
  readonly names: readonly string[]
  readonly placeholder?: string
  readonly help: string
}

/** `-s, --src ADDRESS`: a letter that is one, the first name, and what follows. */
export function termOf({ short, names, placeholder = '' }: Omit<Term, 'help'>): string {
  const letter = short !== undefined && /[a-z]/i.test(short) ? `-${short}, ` : '    '
  return `${letter}--${names[0]} ${placeholder}`.trimEnd()
}

const commandRow = (command: Term): string => row(termOf(command), command.help)

function optionRow(option: CliOption, words: readonly string[] = []): string {
  const takers = takersOf(option)
  const values = words.length === 0 ? '' : `: ${words.join(', ')}`
  return row(termOf(option), `${option.help}${values} (${takers})`)
}

/** The letters of the commands that take an option: `LGD; expect: L`. */
export function takersOf({ use, expectation = {} }: CliOption): string {
  const lists = [letters(use), letters(expectation) && `expect: ${letters(expectation)}`]
  return lists.filter((list) => list !== '').join('; ')
}

const LETTERS = COMMANDS.filter(({ tables }) => tables.length > 0)
const letters = (uses: CliOption['use']): string => {
  const takers = LETTERS.filter(({ command }) => uses[command] !== undefined)
  return takers.length === LETTERS.length ? 'all' : takers.map(({ short }) => short).join('')
}
