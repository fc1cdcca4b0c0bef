import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { xml } from '@conntrack/formatters'
import t from 'tap'
import { Random } from '../packages/core/test/random.ts'
import { readCaptures } from './fuzz/captures.ts'
import { Draft } from './fuzz/draft.ts'
import { EVENT_EXITS, EVENT_SEEDS, fuzzEvents } from './fuzz/events.ts'
import { type Exit, EXITS, HostileKernel, SURROUNDINGS } from './fuzz/exits.ts'
import { fuzz, read, SEEDS, tally } from './fuzz/fuzz.ts'
import { MUTATIONS, spoil } from './fuzz/mutations.ts'

/** A seed of this run's own; it is told where a case fails, and `npm run fuzz -- --seed N` has the same cases. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20261125)
const CASES = 15_000
const EVENT_CASES = 1500

/** The captures that an exit is about, IPCTNL_MSG_CT_NEW or IPCTNL_MSG_EXP_NEW: entries of a table. */
const about = ({ name }: Exit): readonly Uint8Array[] =>
  SEEDS.filter(([, , , , message, subsystem]) => message === 0 && subsystem === (name.includes('expectations') ? 2 : 1))

t.test('what a real kernel said is read whole', async (t) => {
  const kernel = new HostileKernel()
  for (const exit of EXITS) {
    const seeds = about(exit)
    t.ok(seeds.length > 3)
    for (const seed of seeds) t.equal(read(kernel, exit, seed, [SURROUNDINGS[0], SURROUNDINGS[2]]).refusal, undefined, exit.name)
  }
})

t.test('what crashed once, or was read wrongly, does so no more', async (t) => {
  const kernel = new HostileKernel()
  for (const { title, bytes } of readCaptures('crashed.txt')) {
    for (const exit of EXITS) {
      for (const around of SURROUNDINGS.slice(1)) read(kernel, exit, bytes, [SURROUNDINGS[0], around])
    }
    t.pass(title)
  }
})

t.test(`${CASES} spoilt datagrams of seed ${SEED} are read, or refused in the right words, and nothing outside of them is`, async (t) => {
  const sums = fuzz(SEED, 0, CASES, tally())
  t.equal(sums.cases, CASES)
  t.same([...sums.refused.keys()].sort(), ['MalformedMessageError', 'NetlinkError'])
  const [fine, refused] = [sums.fine, sums.refused].map((map) => [...map.values()].reduce((sum, count) => sum + count, 0))
  t.ok(fine > CASES / 4 && refused > CASES / 4, `${fine} were read and ${refused} refused`)
  t.equal(sums.fine.size, EXITS.length, 'everything that reads had its turn')
})

t.test(`${EVENT_CASES} cases of spoilt events of seed ${SEED} are told of, or end the watch in the right words`, async (t) => {
  t.ok(EVENT_SEEDS.length > 15)
  const sums = await fuzzEvents(SEED, 0, EVENT_CASES, tally())
  t.equal(sums.cases, EVENT_CASES)
  for (const name of sums.refused.keys()) t.match(name, /^(MalformedMessageError|NetlinkError)$/)
  const fine = [...sums.fine.values()].reduce((sum, count) => sum + count, 0)
  t.ok(fine > EVENT_CASES / 4, `${fine} were told of`)
  t.equal(sums.fine.size, EVENT_EXITS.length, 'whoever follows had a turn')
})

t.test('every way to spoil a datagram does', async (t) => {
  for (const [name, mutation] of Object.entries(MUTATIONS)) {
    const draft = new Draft()
    const random = new Random(7)
    let changed = 0
    for (let i = 0; i < 300; i++) {
      const seed = random.pick(SEEDS)
      draft.start(seed)
      mutation(draft, random, random.pick(SEEDS))
      if (Buffer.compare(draft.bytes.subarray(0, draft.length), seed) !== 0) changed++
    }
    t.ok(changed > 2, `${name}: ${changed}`)
  }
})

t.test('a reader that looks past the end is found out', async (t) => {
  const careless = {
    name: 'careless',
    of: () => (): string => '',
  }
  const kernel = new HostileKernel()
  const peeking = Object.assign(Object.create(kernel) as HostileKernel, {
    read: (_: unknown, datagram: Uint8Array, surroundings: Uint8Array) => String(surroundings[datagram.length]),
  })
  t.throws(() => read(peeking, careless, SEEDS[0], [SURROUNDINGS[0], SURROUNDINGS[1]]), /read outside the datagram/)
  const wrong = {
    name: 'wrong',
    of: () => (): string => {
      throw new TypeError('undefined is not a function')
    },
  }
  t.throws(() => read(kernel, wrong, SEEDS[0], [SURROUNDINGS[0], SURROUNDINGS[1]]), /TypeError/)
})

t.test('XML of spoilt flows is XML, says xmllint', { skip: !existsSync('/usr/bin/xmllint') && 'there is no xmllint' }, async (t) => {
  const kernel = new HostileKernel()
  const draft = new Draft()
  const random = new Random(SEED)
  const { head = '', tail = '' } = xml()
  for (const exit of EXITS.filter(({ name }) => name.startsWith('xml'))) {
    const entries: string[] = []
    const seeds = about(exit)
    for (let i = 0; i < 2000; i++) {
      draft.start(random.pick(seeds))
      spoil(draft, random, () => random.pick(SEEDS))
      const { text, refusal } = read(kernel, exit, draft.bytes.slice(0, draft.length), [SURROUNDINGS[0], SURROUNDINGS[1]])
      // Between the head and the tail of each document.
      if (refusal === undefined) entries.push(...text.split('\n').filter((line) => line.startsWith('<flow')))
    }
    t.ok(entries.length > 500, `${exit.name}: ${entries.length} entries`)
    const { status, stderr } = spawnSync('xmllint', ['--noout', '-'], { input: `${head}${entries.join('\n')}\n${tail}`, encoding: 'utf8' })
    t.same([status, stderr.slice(0, 400)], [0, ''], exit.name)
  }
})
