// runtimes: node
// timeout: 600
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { ENTRIES, READING, WRITING } from './parity/cases.ts'
import { DIFFERENCES } from './parity/differences.ts'
import { type Namespace, namespace, needsRoot, OURS, type Ran } from './support/namespace.ts'

const ORIGINAL = 'conntrack'
/** Every case is run by Bun, and each third of them by the others too. */
const RUNTIMES = ['bun', 'node', 'deno']
/** Timeouts count down while two programs run one after the other: a comparison that fails is made again. */
const TRIES = 10
const PAUSE = 60
const never = new Int32Array(new SharedArrayBuffer(4))

const words = (line: string): string[] => line.split(' ')
const sorted = (text: string): string[] => text.split('\n').filter(Boolean).toSorted()

/** What a user sees of a command: its lines, in no order, its status, and the summary without the program's name. */
function seen({ stdout, stderr, status }: Ran): unknown {
  const summary = /: (.* (?:entries|table) ha(?:ve|s) been .*)$/m.exec(stderr)?.[1]
  return { stdout: sorted(stdout), status, summary: status === 2 ? undefined : summary }
}

function fill(where: Namespace): void {
  for (const entry of ENTRIES) {
    const { status, stderr } = where.run(ORIGINAL, ['-I', ...words(entry)])
    if (status !== 0) throw new Error(`conntrack -I ${entry}: ${stderr}`)
  }
}

/** What both have to say, the same number of times in turn until it is the same. */
function compared(line: string, look: () => readonly [original: unknown, ours: unknown]): readonly [original: unknown, ours: unknown] {
  let both = look()
  if (line in DIFFERENCES) return both
  for (let i = 1; i < TRIES && JSON.stringify(both[0]) !== JSON.stringify(both[1]); i++) {
    Atomics.wait(never, 0, 0, PAUSE + 10 * i)
    both = look()
  }
  return both
}

function judge(test: Test, line: string, original: unknown, ours: unknown, runtime: string): void {
  const reason = DIFFERENCES[line]
  if (reason === undefined) test.strictSame(ours, original, `${runtime}: ${line}`)
  else test.notSame(ours, original, `${runtime}: ${line} differs: ${reason}`)
}

t.test('what shows the table shows the same', { skip: needsRoot, timeout: 400_000 }, async (t) => {
  using where = namespace()
  const traffic = spawn('ip', ['netns', 'exec', where.name, 'python3', fileURLToPath(new URL('parity/traffic.py', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    await new Promise((ready, failed) => {
      traffic.stdout.once('data', ready)
      traffic.once('exit', failed)
    })
    fill(where)
    for (const [i, line] of READING.entries()) {
      for (const runtime of i % 3 === 0 ? RUNTIMES : ['bun']) {
        const [original, ours] = compared(line, () => [
          seen(where.run(ORIGINAL, words(line))),
          seen(where.run(OURS, words(line), { CONNTRACK_RUNTIME: runtime })),
        ])
        judge(t, line, original, ours, runtime)
      }
    }
  } finally {
    traffic.stdin.end()
    await new Promise((ended) => traffic.once('exit', ended))
  }
})

t.test('what changes the table changes it in the same way', { skip: needsRoot, timeout: 300_000 }, async (t) => {
  for (const [i, line] of WRITING.entries()) {
    const runtime = RUNTIMES[i % RUNTIMES.length]
    const [original, ours] = compared(
      line,
      () =>
        [ORIGINAL, OURS].map((program) => {
          using where = namespace()
          fill(where)
          const ran = where.run(program, words(line), { CONNTRACK_RUNTIME: runtime })
          // Ids and what is in use differ from table to table.
          const told = JSON.parse(JSON.stringify(seen(ran)).replaceAll(/ id=\d+/g, ''))
          return { ...told, table: sorted(where.run(ORIGINAL, ['-L']).stdout) }
        }) as [unknown, unknown],
    )
    judge(t, line, original, ours, runtime)
  }
})

t.test('every difference that is listed is of a case', async (t) => {
  for (const line of Object.keys(DIFFERENCES)) t.ok(READING.includes(line) || WRITING.includes(line), line)
})
