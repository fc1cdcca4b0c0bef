import { readFileSync } from 'node:fs'
import type { Protocol } from '@conntrack/core/plugin'
import { type CommandName, LOAD_FILE } from './commands.ts'
import { Failure, UsageError, WRONG_USAGE } from './failure.ts'
import type { Formats } from './output.ts'
import { getopt } from './getopt.ts'
import type { Limits } from './guard.ts'
import type { Job } from './run.ts'
import { understand } from './understand.ts'
import { parseMaximum } from './values.ts'

/** The commands that a file may have. */
const ALLOWED: ReadonlySet<CommandName> = new Set(['create', 'add', 'update', 'delete', 'flush'])

/** One word of a line, and the column in which it begins, from 1. */
interface Word {
  readonly text: string
  readonly column: number
}

/** A command line of a file, understood. */
export interface BatchLine {
  readonly job: Job
  /** `FILE:LINE`, for messages. */
  readonly where: string
}

/** What follows `-R`. */
export interface BatchArguments {
  /** A path, or `-` for standard input. */
  readonly file: string
  /** Go on after a line that the kernel refuses. */
  readonly goOn: boolean
  /** Work on the made-up network. */
  readonly isDemo: boolean
  /** For all lines together. */
  readonly limits: Limits
}

/** Tells whether a command line is `-R FILE` with its options, which stands first or not at all. @throws UsageError */
export function batchArguments([first, ...rest]: readonly string[]): BatchArguments | undefined {
  if (first !== '-R' && first !== '--load-file') return undefined
  const { options, words, error } = getopt(rest, LOAD_FILE.options)
  const expected = LOAD_FILE.options.map(({ names: [name], placeholder }) => `--${name}${placeholder && ` ${placeholder}`}`).join(', ')
  const [file, stranger = error?.kind === 'unknown' ? error.written : undefined] = words
  if (error?.kind === 'argument missing' || (file === undefined && error === undefined))
    throw new UsageError(`option \`${error?.written ?? first}' requires an argument`)
  if (stranger !== undefined || error !== undefined)
    throw new UsageError(`\`${stranger ?? error?.written}' after \`${first} ${file ?? 'FILE'}': expected nothing else, or ${expected}`)
  const given = (name: string) => options.filter(({ option }) => option.names[0] === name)
  const limits = {
    dryRun: given('dry-run').length > 0,
    maximum: given('max').map(({ argument = '', written }) => parseMaximum(argument, written))[0],
    force: given('force').length > 0,
  }
  return { file, goOn: given('continue').length > 0, isDemo: given('demo').length > 0, limits }
}

/** Reads a file of command lines whole, so that nothing is done when one of them is wrong. @throws UsageError with line and column */
export function readBatch(file: string, protocols: readonly Protocol[], formats: Formats): BatchLine[] {
  const name = file === '-' ? 'stdin' : file
  return readText(file)
    .split('\n')
    .flatMap((line, i) => {
      const where = `${name}:${i + 1}`
      const words = splitWords(line, where)
      if (words.length === 0) return []
      try {
        const intent = understand(
          words.map(({ text }) => text),
          protocols,
          formats,
        )
        if (intent.kind !== 'job' || !ALLOWED.has(intent.job.command))
          throw new UsageError(`Cannot use command \`${words[0].text}' with --load-file`)
        if (intent.netns !== undefined) throw new UsageError('a file works in one namespace: --netns does not stand in it', '--netns')
        if (intent.isDemo) throw new UsageError('a file works on one table: --demo stands after -R, not in it', '--demo')
        if (isLimited(intent.job.limits)) throw new UsageError('what keeps a file from doing more than was meant follows `-R FILE`')
        return [{ job: intent.job, where }]
      } catch (error) {
        if (!(error instanceof UsageError)) throw error
        const { written } = error
        const word = words.find(({ text }) => written !== undefined && text.startsWith(written)) ?? words[0]
        throw new UsageError(`${where}:${word.column}: ${error.message}`, undefined, { cause: error })
      }
    })
}

const isLimited = (limits: Limits | undefined): boolean =>
  limits !== undefined && (limits.dryRun || limits.force || limits.maximum !== undefined)

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (cause) {
    throw new Failure(`Failed to open file ${file} for reading: ${(cause as Error).message}`, WRONG_USAGE, { cause })
  }
}

/**
 * The words of a line: between blanks, or in double quotes, inside which `\\` takes the next character as it is. A line whose first word
 * begins with `#` has none.
 * @throws UsageError where a quote is not closed
 */
export function splitWords(line: string, where: string): Word[] {
  const words: Word[] = []
  let at = 0
  while (at < line.length) {
    if (/\s/.test(line[at])) {
      at++
      continue
    }
    if (line[at] === '#') break
    const column = at + 1
    let text = ''
    let quoted = false
    for (; at < line.length && (quoted || !/\s/.test(line[at])); at++) {
      if (line[at] === '"') quoted = !quoted
      else if (quoted && line[at] === '\\' && at + 1 < line.length) text += line[++at]
      else text += line[at]
    }
    if (quoted) throw new UsageError(`${where}:${column}: a quote is not closed`)
    words.push({ text, column })
  }
  return words
}
