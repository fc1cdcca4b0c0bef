import type { TestNamespace } from '../support/netns.ts'
import type { Aspect } from './differences.ts'
import { lineOf } from './json.ts'
import { launcher, type Outcome, type Runtime, run, words } from '../support/program.ts'

/** What of a run is compared. */
export interface Seen {
  readonly status: number
  /** The lines, sorted: their order is the order of the kernel's hash table. */
  readonly stdout: readonly string[]
  /** What a summary on stderr says, without the name of the program. */
  readonly summary: readonly string[]
  /** The entries afterwards, where they are looked at. */
  readonly table?: readonly string[]
}

/** Runs the original in a namespace. */
export function theirs(namespace: TestNamespace, line: string): Seen {
  return seen(run(namespace.inside(['conntrack', ...words(line)])))
}

/** Runs ours. */
export function ours(namespace: TestNamespace, line: string, runtime: Runtime): Seen {
  return seen(run(namespace.inside([launcher, ...words(line)]), { env: { CONNTRACK_RUNTIME: runtime } }))
}

function seen({ status, stdout, stderr }: Outcome): Seen {
  const summaries = /^conntrack v\S+ \([\w.-]+\): (\d+ .* have been \w+\.|.* table has been emptied\.)$/gm
  return {
    status,
    stdout: stdout.split('\n').slice(0, -1).sort(),
    summary: Array.from(stderr.matchAll(summaries), ([, text = '']) => text),
  }
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

/** Two runs, and what is not the same in them. */
export interface Comparison {
  readonly theirs: Seen
  readonly ours: Seen
  readonly differing: readonly Aspect[]
}

const ASPECTS: readonly Aspect[] = ['status', 'stdout', 'summary', 'table']

function comparison(original: Seen, mine: Seen): Comparison {
  return { theirs: original, ours: mine, differing: ASPECTS.filter((aspect) => !isSame(original[aspect], mine[aspect])) }
}

/** More often than this no clock ticks between two runs. */
const TRIES = 50

/**
 * Compares what both show of a table that does not change. Timeouts and ages do, once a second: a difference counts when the original
 * shows after ours what it has shown before.
 */
export function compareShown(namespace: TestNamespace, line: string, runtime: Runtime): Comparison {
  for (let tries = 0; tries < TRIES; tries++) {
    const before = theirs(namespace, line)
    const mine = ours(namespace, line, runtime)
    if (isSame(before, mine) || isSame(before, theirs(namespace, line))) return comparison(before, mine)
  }
  throw new Error(`${line}: the table changes all the time`)
}

/** Makes entries in a namespace, as the original does by lines of `conntrack -R`. */
export function load(namespace: TestNamespace, lines: readonly string[]): void {
  // Standard input is a socket, which cannot be opened as /dev/stdin.
  namespace.must(['sh', '-c', 'cat | conntrack -R -'], lines.map((line) => `${line}\n`).join(''))
}

/** Compares the lines of `-o json` with the original's, but for ages, which JSON does not tell. */
export function compareJson(
  namespace: TestNamespace,
  runtime: Runtime,
): { readonly theirs: readonly string[]; readonly ours: readonly string[] } {
  const original = (): readonly string[] =>
    theirs(namespace, '-L -o extended,id,ktimestamp')
      .stdout.map((line) => line.replace(/ delta-time=\d+/, ''))
      .toSorted()
  for (let tries = 0; tries < TRIES; tries++) {
    const before = original()
    const mine = ours(namespace, '-L -o json', runtime).stdout.map(lineOf).sort()
    if (isSame(before, mine) || isSame(before, original())) return { theirs: before, ours: mine }
  }
  throw new Error('-o json: the table changes all the time')
}

/** Where the two programs work on tables of their own, which are equal at the start. */
export interface Twins {
  readonly theirs: TestNamespace
  readonly ours: TestNamespace
  /** The entries of both at the start. */
  readonly table: readonly string[]
  /** Files that a command line names as `@name`, by name: their paths. */
  readonly files: Readonly<Record<string, string>>
}

/** Seconds after which timeouts that were equal may be shown as different. */
const TICK = 0.9

/** Compares what both do to a table: what they show, and the table afterwards. */
export function compareChanged(twins: Twins, line: string, runtime: Runtime): Comparison {
  for (let tries = 0; tries < TRIES; tries++) {
    const started = performance.now()
    for (const namespace of [twins.theirs, twins.ours]) load(namespace, ['-F', ...twins.table])
    const before = changed(twins, twins.theirs, line, (namespace, own) => theirs(namespace, own))
    const mine = changed(twins, twins.ours, line, (namespace, own) => ours(namespace, own, runtime))
    if (performance.now() - started < TICK * 1000) return comparison(before, mine)
  }
  throw new Error(`${line}: takes more than ${TICK} s`)
}

/** What one does, without the ids, which differ between two tables. */
function changed(twins: Twins, namespace: TestNamespace, line: string, work: (namespace: TestNamespace, line: string) => Seen): Seen {
  const { stdout, ...rest } = work(namespace, filled(line, twins, namespace))
  // Until the clock of the kernel ticks, 10 ms at the most, timeouts are shown as they were set.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
  const table = theirs(namespace, '-L -o extended').stdout
  return { ...rest, stdout: stdout.map((one) => one.replace(/ id=\d+$/, ' id=…')), table }
}

/** The line with its `@tcp:1004`, the id of an entry by protocol and port, and its `@file` put in. */
function filled(line: string, { files }: Twins, namespace: TestNamespace): string {
  return line
    .replace(/@(\w+):(\d+)/, (_, protocol: string, port: string) => {
      const [entry = ''] = theirs(namespace, `-L -p ${protocol} --sport ${port} -o id`).stdout
      return / id=(\d+)$/.exec(entry)?.[1] ?? 'none'
    })
    .replace(/@(\w+)/, (_, name: string) => files[name] ?? 'none')
}
