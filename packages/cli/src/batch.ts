import type { Flows, PreparedFlow } from '@conntrack/core'
import type { Protocol } from '@conntrack/core/plugin'
import { type CommandName, LOAD_FILE } from './commands.ts'
import { UsageError } from './failure.ts'
import { getopt, type OptionSyntax } from './getopt.ts'
import type { Limits } from './guard.ts'
import { forEachLine } from './lines.ts'
import type { Formats } from './output.ts'
import { OPTIONS } from './options.ts'
import { type Pattern, patternOf, type Word } from './pattern.ts'
import type { Job } from './run.ts'
import { Spool } from './spool.ts'
import { assertNamespaces, everyOption, understand } from './understand.ts'
import { parseMaximum } from './values.ts'

/** The commands that a file may have. */
const ALLOWED: ReadonlySet<CommandName> = new Set(['create', 'add', 'update', 'delete', 'flush'])

/** What a command line with `-R` says. */
export interface BatchArguments {
  /** A path, or `-` for standard input. */
  readonly file: string
  /** Go on after a line that the kernel refuses. */
  readonly goOn: boolean
  /** Work on the made-up network. */
  readonly isDemo: boolean
  /** The network namespace; one's own if absent. */
  readonly netns: string | undefined
  /** Words that are no options. */
  readonly words: readonly string[]
  /** The arguments of `-o`. */
  readonly output: readonly string[]
  /** For all lines together. */
  readonly limits: Limits
}

/** Reads a command line that has `-R FILE`, wherever it stands; undefined for any other. @throws UsageError */
export function batchArguments(argv: readonly string[], protocols: readonly Protocol[]): BatchArguments | undefined {
  if (!loadsFile(argv, protocols)) return undefined
  const { options, words, error } = getopt<OptionSyntax>(argv, [LOAD_FILE, ...LOAD_FILE.options])
  if (error?.kind === 'argument missing') throw new UsageError(`option \`${error.written}' requires an argument`, error.written)
  if (error !== undefined) {
    const known = LOAD_FILE.options.map(({ names: [name], placeholder }) => `--${name}${placeholder && ` ${placeholder}`}`).join(', ')
    throw new UsageError(`\`${error.written}' does not go with -R FILE: expected nothing else, or ${known}`, error.written)
  }
  const given = (name: string): readonly string[] =>
    options.filter(({ option }) => option.names[0] === name).map(({ argument = '' }) => argument)
  const [file, another] = given('load-file')
  if (another !== undefined) throw new UsageError(`-R takes one file: \`${another}' is another`, another)
  const [netns, second] = given('netns')
  if (second !== undefined) throw new UsageError("option `--netns' is given twice", '--netns')
  const isDemo = given('demo').length > 0
  assertNamespaces(isDemo, netns)
  const limits = {
    dryRun: given('dry-run').length > 0,
    maximum: given('max').map((argument) => parseMaximum(argument, '--max'))[0],
    force: given('force').length > 0,
  }
  return { file, goOn: given('continue').length > 0, isDemo, netns, words, output: given('output'), limits }
}

/** Whether `-R` is among the options of a command line, and no argument of another. */
export function loadsFile(argv: readonly string[], protocols: readonly Protocol[]): boolean {
  // Hardly a command line has a word like it, and only those are worth reading whole once more.
  if (!argv.some((word) => /^-(-l|R|[^-].*R)/.test(word))) return false
  const { options, error } = getopt(argv, [LOAD_FILE, ...everyOption(protocols), ...OWN])
  return options.some(({ option }) => option === LOAD_FILE) || (error?.kind === 'argument missing' && isLoadFile(error.written))
}

const isLoadFile = (written: string): boolean => getopt([written, ''], [LOAD_FILE]).options.length > 0
/** The options of `-R` that no command has. */
const OWN = LOAD_FILE.options.filter(({ names: [name] }) => !OPTIONS.some(({ names }) => names.includes(name)))

/** A file of command lines, of which each was understood. */
export interface Batch extends Disposable {
  /** How many lines there are to do. */
  readonly count: number
  /** How output is written, where a line says so: it holds for all. */
  readonly shown: Job | undefined
  /** The lines in turn, as often as one likes. A flow that is to be made is valid until the next. */
  steps(): Generator<BatchStep, void, undefined>
}

/** A line that is to be done: a flow that is to be made, or any other job. */
export type BatchStep = { readonly number: number } & (
  | { readonly flow: PreparedFlow; readonly job?: undefined }
  | { readonly job: Job; readonly flow?: undefined }
)

/** What it takes to understand a line. */
export interface Understanding {
  readonly protocols: readonly Protocol[]
  readonly formats: Formats
  /** Makes the message that makes a flow. */
  readonly prepare: Flows<Protocol>['prepare']
}

/** The kind of a record that is a line as it is; others are messages that make flows. */
const TEXT = 0

/** What messages have in common: the kind of a record is 1 and where that stands. */
class Kinds {
  readonly #known: Omit<PreparedFlow, 'attributes'>[] = []

  numberOf({ protocol, family, existing }: PreparedFlow): number {
    const isSame = (one: Omit<PreparedFlow, 'attributes'>): boolean =>
      one.protocol === protocol && one.family === family && one.existing === existing
    const index = this.#known.findIndex(isSame)
    return index < 0 ? this.#known.push({ protocol, family, existing }) : index + 1
  }

  flowOf(kind: number, attributes: Uint8Array): PreparedFlow {
    return { ...this.#known[kind - 1], attributes }
  }
}

/** Patterns that are looked for at most. */
const PATTERNS = 128

/**
 * Reads a file of command lines whole, so that nothing is done when one of them is wrong. Of what is to be done the most part is kept in a
 * file, so that memory does not grow with it.
 * @throws UsageError with line and column
 */
export function readBatch(file: string, understanding: Understanding): Batch {
  const name = nameOf(file)
  const spool = new Spool()
  const kinds = new Kinds()
  const decoder = new TextDecoder()
  const patterns: { readonly pattern: Pattern; readonly kind: number }[] = []
  let shown: Job | undefined

  /** What comes of the line by the first pattern that it is like, which is moved to the front. */
  const byPattern = (bytes: Uint8Array, start: number, end: number, number: number): boolean => {
    for (let i = 0; i < patterns.length; i++) {
      const one = patterns[i]
      const attributes = one.pattern.apply(bytes, start, end)
      if (attributes === undefined) continue
      if (i > 0) patterns.unshift(...patterns.splice(i, 1))
      spool.add(number, one.kind, attributes)
      return true
    }
    return false
  }

  forEachLine(file, (bytes, start, end, number) => {
    if (byPattern(bytes, start, end, number)) return
    const line = textOf(bytes.subarray(start, end), `${name}:${number}`)
    const words = splitWords(line, `${name}:${number}`)
    if (words.length === 0) return
    const { job, flow } = understoodAt(`${name}:${number}`, words, understanding)
    if (job.isOutputAsked) shown = job
    if (flow === undefined) {
      spool.add(number, TEXT, bytes.subarray(start, end))
      return
    }
    const kind = kinds.numberOf(flow)
    spool.add(number, kind, flow.attributes)
    const texts = words.map(({ text }) => text)
    if (patterns.length === PATTERNS || texts.join(' ') !== line || /["\\]/.test(line)) return
    const pattern = patternOf(texts, flow.attributes, (others) => {
      const other = understood(others, understanding)
      // Each protocol has rules of its own, one that is told by its number too.
      const isAlike = other.flow !== undefined && kinds.numberOf(other.flow) === kind && protocolNumber(other.job) === protocolNumber(job)
      return isAlike ? other.flow?.attributes : undefined
    })
    patterns.unshift({ pattern, kind })
  })

  function* steps(): Generator<BatchStep, void, undefined> {
    for (const { number, kind, bytes } of spool.records()) {
      if (kind !== TEXT) yield { number, flow: kinds.flowOf(kind, bytes) }
      else
        yield {
          number,
          job: understood(
            splitWords(decoder.decode(bytes), '').map(({ text }) => text),
            understanding,
          ).job,
        }
    }
  }
  return {
    get count() {
      return spool.count
    },
    shown,
    steps,
    [Symbol.dispose]: () => spool[Symbol.dispose](),
  }
}

/** The number of a protocol that has no name here. */
const protocolNumber = ({ query: { values } }: Job): unknown => (values.original as { protocolNumber?: number } | undefined)?.protocolNumber

/** The name of a file for messages. */
export const nameOf = (file: string): string => (file === '-' ? 'stdin' : file)

/** A line's job, and where that is to make a flow without more ado, the flow. */
function understood(words: readonly string[], { protocols, formats, prepare }: Understanding): { job: Job; flow?: PreparedFlow } {
  const intent = understand(words, protocols, formats)
  if (intent.kind !== 'job' || !ALLOWED.has(intent.job.command)) throw new UsageError(`Cannot use command \`${words[0]}' with --load-file`)
  if (intent.netns !== undefined) throw new UsageError('a file works in one namespace: --netns does not stand in it', '--netns')
  if (intent.isDemo) throw new UsageError('a file works on one table: --demo stands after -R, not in it', '--demo')
  if (isLimited(intent.job.limits)) throw new UsageError('what keeps a file from doing more than was meant follows `-R FILE`')
  const { job } = intent
  const { command, table, query, isOutputAsked } = job
  const isPlain = table === 'conntrack' && !isOutputAsked && query.values.labels === undefined
  if (!isPlain || (command !== 'create' && command !== 'add')) return { job }
  return { job, flow: prepare(query.values as FlowArgument, { existing: command === 'add' ? 'update' : 'refuse' }) }
}

/** A line as text. @throws UsageError that tells where it has a NUL byte, or what is no UTF-8 */
function textOf(bytes: Uint8Array, where: string): string {
  const nul = bytes.indexOf(0)
  if (nul >= 0) throw new UsageError(`${where}:${new TextDecoder().decode(bytes.subarray(0, nul)).length + 1}: a NUL byte`)
  try {
    return strict.decode(bytes)
  } catch (cause) {
    // It is U+FFFD to a decoder that is not strict.
    const column = new TextDecoder().decode(bytes).indexOf('\ufffd') + 1
    throw new UsageError(`${where}:${column}: this is no UTF-8`, undefined, { cause })
  }
}

const strict = new TextDecoder('utf-8', { fatal: true })

const isLimited = (limits: Limits | undefined): boolean =>
  limits !== undefined && (limits.dryRun || limits.force || limits.maximum !== undefined)

type FlowArgument = Parameters<Flows<Protocol>['prepare']>[0]

/** The same, where what is wrong is told with its place. */
function understoodAt(where: string, words: readonly Word[], understanding: Understanding): { job: Job; flow?: PreparedFlow } {
  try {
    return understood(
      words.map(({ text }) => text),
      understanding,
    )
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`${where}: ${error.message}`, undefined, { cause: error })
    if (!(error instanceof UsageError)) throw error
    const { written } = error
    const word = words.find(({ text }) => written !== undefined && text.startsWith(written)) ?? words[0]
    throw new UsageError(`${where}:${word.column}: ${error.message}`, undefined, { cause: error })
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
