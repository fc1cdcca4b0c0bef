import { type Conntrack, openConntrack } from '@conntrack/core'
import type { Protocol } from '@conntrack/core/plugin'
import { aligner } from '@conntrack/formatters'
import { completion } from './completion.ts'
import { type Batch, batchArguments, type BatchArguments, nameOf, readBatch } from './batch.ts'
import { assertMeant } from './guard.ts'
import { rehearse, runDry } from './rehearsal.ts'
import { stoppable } from './stop.ts'
import { outcomeOf, shortened } from './failure.ts'
import type { Io } from './io.ts'
import { load } from './load.ts'
import { type Formats, type Output, outputHelp, outputOf, recordOf } from './output.ts'
import { explained, type Job, run, type Surroundings } from './run.ts'
import { outputIn, understand } from './understand.ts'
import { usage } from './usage.ts'

/** What a command line program is made of. */
export interface CliParts {
  /** The protocols that have names and options. */
  readonly protocols: readonly Protocol[]
  /** The formats for `-o`; `line` is the usual one. */
  readonly formats: Formats
  /** Name and version: `conntrack v1.0.0 (conntrack.ts)`. */
  readonly version: string
  /** Opens connection tracking; the kernel's if absent. */
  readonly open?: (options: { protocols: readonly Protocol[]; netns?: string }) => Conntrack<Protocol>
}

/** A program: words in, text out, and the exit status. The promise is never rejected. */
export type Cli = (argv: readonly string[], io: Io) => Promise<number>

/** Composes a program from protocols and formats. */
export function createCli(parts: CliParts): Cli {
  return async (argv, io) => {
    try {
      const batch = batchArguments(argv, parts.protocols)
      return await (batch === undefined ? runLine(argv, io, parts) : runBatch(batch, io, parts))
    } catch (error) {
      return report(error, { prefix: `${parts.version}: `, record: recordOf(outputIn(argv), parts.formats) }, io)
    }
  }
}

/** How an error is told: to people, with the program's name before it, or as a record. */
interface Telling {
  readonly prefix: string
  /** Where it happened, as messages have it: `FILE:LINE: `. */
  readonly where?: string
  readonly record: Output['record']
}

/** Tells of an error on stderr and gives its exit status. */
function report(error: unknown, { prefix, where = '', record }: Telling, io: Io): number {
  const { status, message, code, hint } = outcomeOf(error)
  const text = where + message
  try {
    if (message === '') return status
    if (record !== undefined) io.err(record({ error: { message: text, code, status } }).trimEnd())
    else for (const line of [prefix + text, ...(hint === undefined ? [] : [hint])]) io.err(line)
  } catch {
    // nobody reads stderr any more; the status still tells
  }
  return status
}

async function runLine(argv: readonly string[], io: Io, parts: CliParts): Promise<number> {
  const { protocols, formats, version } = parts
  const intent = understand(argv, protocols, formats)
  const show = (text: string): number => {
    io.out(new TextEncoder().encode(text))
    return 0
  }
  if (intent.kind === 'version') return show(`${version}\n`)
  if (intent.kind === 'completion') return show(completion(intent.shell, intent.words, { protocols, formats }))
  if (intent.kind === 'help') return show(usage(version, outputHelp(formats), protocols, intent.protocol))

  for (const warning of intent.warnings) io.err(`WARNING: ${shortened(warning)}`)
  using conntrack = intent.isDemo ? await demo(parts, io) : (parts.open ?? openConntrack)({ protocols, netns: intent.netns })
  const surroundings: Surroundings = {
    conntrack,
    io: aligned(intent.job, io),
    say: (text) => io.err(`${version}: ${text}`),
    stoppable: (work) => stoppable(io, work),
  }
  return await runWith(surroundings, () => run(intent.job, surroundings))
}

/** Does the lines of a file in turn. No summary is written, and that nothing was found to change is no error there. */
async function runBatch({ file, goOn, isDemo, netns, words, output, limits }: BatchArguments, io: Io, parts: CliParts): Promise<number> {
  const { protocols, formats, version } = parts
  const asked = output.length === 0 ? undefined : outputOf(output, formats, 'update', 'conntrack')
  const warnings = [...words.map((word) => `ignoring \`${word}', which is no option`), ...(asked?.warnings ?? [])]
  for (const warning of warnings) io.err(`WARNING: ${shortened(warning)}`)
  // To make messages takes no socket, and none is opened before the file is known to be right.
  const { flows } = openConntrack({ protocols })
  using batch = readBatch(file, { protocols, formats, prepare: (flow, options) => flows.prepare(flow, options) })
  const shown: Output | undefined = asked ?? batch.shown
  using conntrack = isDemo ? await demo(parts, io) : (parts.open ?? openConntrack)({ protocols, netns })
  const prefix = `${version}: `
  const whereOf = (number: number): string => `${nameOf(file)}:${number}`
  return await stoppable(io, async (pace) => {
    const surroundings: Surroundings = {
      conntrack,
      io: shown === undefined ? io : aligned(shown, io),
      say: () => {},
      stoppable: (work) => work(pace),
    }
    // What the lines show is one output: its head and its tail come once.
    const format = shown && { ...shown.format, head: undefined, tail: undefined }
    const completed = (job: Job): Job => ({ ...job, limits, format: format ?? job.format })
    await assertMeant(jobsOf(batch), limits, surroundings, (touch) => rehearse(batch.steps(), conntrack, touch, pace))
    return await around(shown?.format, surroundings.io, async () => {
      if (limits.dryRun) return await runDry(batch.steps(), completed, whereOf, { ...surroundings, say: (text) => io.err(prefix + text) })
      let status = 0
      const refused = await load(batch, {
        surroundings,
        pace,
        goOn,
        // The file as a whole was found to be meant.
        run: (job) => run({ ...completed(job), limits: undefined }, surroundings),
        tell(number, error, after) {
          const telling = { prefix, where: `${whereOf(number)}: `, record: shown?.record }
          const told = report(explained(error, conntrack), telling, io)
          status ||= told
          if (after !== undefined) io.err(prefix + after)
        },
      })
      if (refused > 1) io.err(`${prefix}${refused} lines of ${batch.count} were refused`)
      return status
    })
  })
}

/** Writes a format's head, does the work, and writes its tail, however the work ends. */
async function around(format: Output['format'] | undefined, { out }: Io, work: () => Promise<number>): Promise<number> {
  const write = (text = ''): void => {
    if (text !== '') out(new TextEncoder().encode(text))
  }
  write(format?.head)
  try {
    return await work()
  } finally {
    write(format?.tail)
  }
}

function* jobsOf(batch: Batch): Generator<Job, void, undefined> {
  for (const { job } of batch.steps()) if (job !== undefined) yield job
}

/** A made-up network, and word of what it is. It is loaded only now, as hardly a run needs it. */
async function demo({ protocols }: CliParts, io: Io): Promise<Conntrack<Protocol>> {
  const { openDemo } = await import('./demo/open.ts')
  io.err('DEMONSTRATION: a made-up network in memory; nothing of this machine is shown or changed')
  return openDemo(protocols)
}

/** The same places, but rows of cells are aligned on the way to the screen. */
function aligned({ columns }: Output, io: Io): Io {
  return columns === undefined ? io : { ...io, out: aligner(columns, io.screen?.() ?? { colors: false }, io.out) }
}

async function runWith(surroundings: Surroundings, work: () => number | Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (error) {
    throw explained(error, surroundings.conntrack)
  }
}
