import { writeFileSync } from 'node:fs'
import { openConntrack } from '@conntrack/core'
import t from 'tap'
import { realFlows } from '../../core/test/real-flows.ts'
import { ack, done, message, scriptedKernel } from '../../core/test/scripted-kernel.ts'
import type { Io } from '../src/io.ts'
import { createCli } from '../src/main.ts'
import { Pace, Stopped } from '../src/stop.ts'
import { formats, kept, protocols } from './program.ts'

const [NEW, GET, DELETE] = [0x0100, 0x0101, 0x0102]
const DUMP = 0x300
const FLOWS = 5000

/** Runs a command line against a kernel that has many flows; `onRequest` is called for each change it is asked for. */
async function run(argv: readonly string[], others: Partial<Io>, onChange: (count: number) => void = () => {}) {
  let changes = 0
  const socket = scriptedKernel(({ type, flags, sequence }) => {
    if ((flags & DUMP) === DUMP && type !== NEW) return listing(sequence)
    if (type === NEW || type === DELETE) onChange(++changes)
    if (type === GET) return [message({ type: NEW, sequence, flags: 0, body: realFlows[0].body }), ack(sequence)]
    return [ack(sequence)]
  })
  const { io, stdout, stderr } = kept()
  const cli = createCli({ protocols, formats, version: 'ct', open: () => openConntrack({ protocols, socket }) })
  const status = await cli(argv, { ...io, ...others })
  return { status, stdout: stdout(), stderr: stderr(), changes }
}

function* listing(sequence: number): Generator<Uint8Array> {
  for (let i = 0; i < FLOWS; i++) yield message({ type: NEW, sequence, body: realFlows[i % realFlows.length].body })
  yield done(sequence)
}

/** A program that is told to stop when `stop` is called. */
function stopping(signal: string): { others: Pick<Io, 'stoppable'>; stop: () => void } {
  const controller = new AbortController()
  return { others: { stoppable: (work) => work(controller.signal) }, stop: () => controller.abort(signal) }
}

// So much time passes with each change that the program looks up soon.
const slowly = (milliseconds: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  t.test(`${signal} ends -D and -U between two entries, and what was done is shown and counted`, async (t) => {
    for (const [argv, summary] of [
      [['-D'], /^ct: (\d+) flow entries have been deleted\.\nct: stopped by SIG[A-Z]+\n$/],
      [['-U', '-m', '77'], /^ct: (\d+) flow entries have been updated\.\nct: stopped by SIG[A-Z]+\n$/],
    ] as const) {
      const { others, stop } = stopping(signal)
      const found = await run(argv, others, (count) => {
        if (count === 300) stop()
        if (count % 100 === 0) slowly(11)
      })
      t.equal(found.status, status, argv.join(' '))
      const told = Number(summary.exec(found.stderr)?.[1])
      t.ok(told >= 150 && told < FLOWS / 2, `${told} in ${found.stderr}`)
      if (argv[0] === '-D') {
        t.equal(found.changes, told, 'each that was asked for')
        t.equal(found.stdout.split('\n').length - 1, told, 'and each is shown')
      }
    }
  })

  t.test(`${signal} ends -F with conditions, and a quiet -D, where the kernel cannot do them at once`, async (t) => {
    for (const [argv, summary] of [
      [['-F', '-f', 'ipv4'], /^ct: (\d+) flow entries have been deleted\.\nct: stopped by SIG[A-Z]+\n$/],
      [['-D', '--quiet', '-f', 'ipv4'], /^ct: stopped by SIG[A-Z]+\n$/],
    ] as const) {
      const { others, stop } = stopping(signal)
      let changes = 0
      const found = await run(argv, others, (count) => {
        changes = count
        if (count === 300) stop()
        if (count % 100 === 0) slowly(11)
      })
      t.equal(found.status, status, argv.join(' '))
      t.match(found.stderr, summary)
      t.ok(changes > 300 && changes < FLOWS / 2, `${changes} changes`)
      const told = summary.exec(found.stderr)?.[1]
      // What shows whether the kernel can do it at once makes, deletes and flushes a few flows of its own, twice.
      if (told !== undefined) t.ok(changes - Number(told) < 20, `${told} of ${changes}`)
    }
  })

  t.test(`${signal} ends -R between two lines, with --continue too`, async (t) => {
    const path = `${t.testdir({ lines: '' })}/lines`
    const line = (port: number): string => `-I -p udp -s 1.1.1.1 -d 2.2.2.2 --sport ${port} --dport 2 -t 9\n`
    writeFileSync(path, Array.from({ length: 1000 }, (_, i) => line(i)).join(''))
    for (const more of [[], ['--continue']]) {
      const { others, stop } = stopping(signal)
      const found = await run(['-R', path, ...more], others, (count) => {
        if (count === 100) stop()
        if (count % 50 === 0) slowly(11)
      })
      t.equal(found.status, status)
      t.ok(found.changes >= 100 && found.changes < 1000, `${found.changes} lines`)
      t.equal(
        found.stderr.replace(path, 'lines'),
        `ct: lines:${found.changes + 1}: stopped by ${signal}\nct: ${found.changes} lines have been done.\n`,
        'the line that was not done',
      )
    }
  })
}

t.test('when nobody reads the output any more, what was done is counted on stderr all the same', async (t) => {
  let told = 0
  const gone: Partial<Io> = {
    out: () => {
      told++
      throw Object.assign(new Error('EPIPE: broken pipe, write'), { code: 'EPIPE' })
    },
  }
  const { status, stderr, changes } = await run(['-D'], gone)
  t.equal(status, 141)
  t.equal(stderr, `ct: ${changes} flow entries have been deleted.\n`)
  t.ok(changes < FLOWS, `${changes}: it does not go on`)
  t.ok(told > 0)
})

t.test('a pace lets signals and timers have their turn, and stops with what it was told', async (t) => {
  const controller = new AbortController()
  const pace = new Pace(controller.signal)
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  let steps = 0
  function* endless(): Generator<void, number, void> {
    try {
      for (;;) {
        slowly(3)
        if (++steps === 60) controller.abort('SIGTERM')
        yield
      }
    } finally {
      steps = -steps
    }
  }
  const stopped = await pace.all(endless()).catch((error: unknown) => error)
  clearInterval(timer)
  t.match(stopped, new Stopped('SIGTERM'))
  t.equal((stopped as Stopped).status, 143)
  t.ok(steps < 0, 'the work has been left')
  t.ok(turns > 0, `${turns} turns`)
})
