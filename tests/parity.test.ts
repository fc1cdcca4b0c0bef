// runtimes: node
// timeout: 1500
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DIFFERENCES } from './parity/differences.ts'
import { ENTRIES, words } from './parity/entries.ts'
import { READING } from './parity/reading.ts'
import { type Seen, same, seen, withoutIds } from './parity/seen.ts'
import { World } from './parity/world.ts'
import { BATCHES, WRITING } from './parity/writing.ts'
import { skipKernel, RUNTIMES } from './support/program.ts'

const ALL = Object.keys(RUNTIMES)
/** One in so many command lines is also run as a program of its own, with all that a start has. */
const EVERY = 25

/** Compares what both did; one that is known to differ must. */
function judge(test: Test, name: string, line: string, original: Seen, ours: Seen): void {
  const reason = DIFFERENCES.get(line)
  const isSame = same(original, ours)
  if (reason !== undefined) test.notOk(isSame, `${name}: ${line} differs: ${reason}`)
  else if (isSame) test.pass(`${name}: ${line}`)
  else test.strictSame(ours, original, `${name}: ${line}`)
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
    const original = seen(world.original(words(line)))
    // What needs no kernel costs nothing.
    const runtimes = original.status === 2 ? ALL : [ALL[i % ALL.length]]
    for (const runtime of i % EVERY === 0 ? [...ALL, 'launcher'] : runtimes)
      judge(t, runtime, line, original, seen(await world.ours(words(line), runtime)))
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
  const table = (world: World): Seen => withoutIds(seen(world.original(['-L', '-o', 'labels'])))
  const compare = async (line: string, command: readonly string[], runtime: string): Promise<void> => {
    for (const world of [here, there]) t.equal((await world.ours(['-R', entries])).status, 0)
    const ran = [here.original(command), await there.ours(command, runtime)].map((one) => withoutIds(seen(one)))
    const [original, ours] = [here, there].map((world, which) => joined(ran[which], table(world)))
    judge(t, runtime, line, original, ours)
  }
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
