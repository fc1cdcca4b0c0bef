// runtimes: node
// timeout: 1500
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DIFFERENCES } from './parity/differences.ts'
import { ENTRIES, words } from './parity/entries.ts'
import { READING } from './parity/reading.ts'
import { type Seen, same, seen, withoutIds } from './parity/seen.ts'
import { type Ran, World } from './parity/world.ts'
import { BATCHES, WRITING } from './parity/writing.ts'
import { skipKernel, RUNTIMES } from './support/program.ts'

const ALL = Object.keys(RUNTIMES)
/** One in so many command lines is also run as a program of its own, with all that a start has. */
const EVERY = 25

type Both = readonly [original: Seen, ours: Seen]

/**
 * Compares what both do; one that is known to differ must. Where it differs and should not, both are asked once more: while the machine's
 * hash of connections is resized, by whoever does that, a list may have an entry twice or not at all.
 */
async function judge(test: Test, name: string, line: string, both: () => Promise<Both>): Promise<void> {
  const reason = DIFFERENCES.get(line)
  const [original, ours] = await both()
  if (reason !== undefined) test.notOk(same(original, ours), `${name}: ${line} differs: ${reason}`)
  else if (same(original, ours)) test.pass(`${name}: ${line}`)
  else {
    const [originalAgain, oursAgain] = await both()
    if (same(originalAgain, oursAgain)) test.pass(`${name}: ${line}, at the second try`)
    else test.strictSame(oursAgain, originalAgain, `${name}: ${line}`)
  }
}

const batch = (entries: readonly string[]): string => entries.map((entry) => `-A ${entry}\n`).join('')

t.test('what shows the table shows the same', { skip: skipKernel, timeout: 900_000 }, async (t) => {
  await using world = await World.open()
  await world.traffic()
  const file = join(world.directory, 'entries')
  writeFileSync(file, batch(ENTRIES))
  t.equal(world.original(['-R', file]).status, 0)
  // What FTP expects is gone after five minutes.
  const aboutExpectations = (line: string): boolean => line.includes('exp')
  for (const [i, line] of [...READING.filter(aboutExpectations), ...READING.filter((line) => !aboutExpectations(line))].entries()) {
    let original = seen(world.original(words(line)))
    // What needs no kernel costs nothing.
    const runtimes = original.status === 2 ? ALL : [ALL[i % ALL.length]]
    for (const runtime of i % EVERY === 0 ? [...ALL, 'launcher'] : runtimes) {
      let isFirst = true
      await judge(t, runtime, line, async () => {
        if (!isFirst) original = seen(world.original(words(line)))
        isFirst = false
        return [original, seen(await world.ours(words(line), runtime))]
      })
    }
  }
})

t.test('what changes the table changes it in the same way', { skip: skipKernel, timeout: 900_000 }, async (t) => {
  await using here = await World.open()
  await using there = await World.open()
  const entries = join(here.directory, 'entries')
  const file = join(here.directory, 'batch')
  writeFileSync(entries, `-F\n${batch(ENTRIES)}`)
  // The kernel keeps labels where a rule is about them.
  const rules = 'table inet t { chain c { type filter hook output priority 0; udp dport 1 ct label set 1; }; }'
  for (const world of [here, there]) t.equal(world.run(['nft', rules]).status, 0)
  // Each works on a table of its own, so that they need not wait for each other.
  const done = async (world: World, run: () => Promise<Ran>): Promise<Seen> => {
    t.equal((await world.ours(['-R', entries])).status, 0)
    const ran = withoutIds(seen(await run()))
    return joined(ran, withoutIds(seen(await world.originalAside(['-L', '-o', 'labels']))))
  }
  const compare = async (line: string, command: readonly string[], runtime: string): Promise<void> =>
    judge(t, runtime, line, () =>
      Promise.all([done(here, () => here.originalAside(command)), done(there, () => there.ours(command, runtime))]),
    )
  for (const [i, line] of WRITING.entries()) await compare(line, words(line), i % EVERY === 0 ? 'launcher' : ALL[i % ALL.length])
  for (const [i, line] of BATCHES.entries()) {
    writeFileSync(file, line.replaceAll('|', '\n'))
    await compare(line, ['-R', file], ALL[i % ALL.length])
  }
})

/** What a command did, and what the table is after it. */
function joined(ran: Seen, table: Seen): Seen {
  return { ...ran, lines: [...ran.lines, 'then', ...table.lines], seconds: [...ran.seconds, ...table.seconds] }
}

t.test('every case stands once, and every difference that is listed is of one', async (t) => {
  const all = [...READING, ...WRITING, ...BATCHES]
  t.same(
    all.filter((line, i) => all.indexOf(line) !== i),
    [],
  )
  for (const line of DIFFERENCES.keys()) t.ok(all.includes(line), line)
  t.comment(`${all.length} command lines`)
})
