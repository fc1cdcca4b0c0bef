// runtimes: node
// timeout: 300
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openConntrack } from '@conntrack/core'
import { tcp } from '@conntrack/proto-tcp'
import { udp } from '@conntrack/proto-udp'
import t from 'tap'
import { Random } from '../packages/core/test/random.ts'
import { environment, fill, launcher, namespace, RUNTIMES, skipKernel, temporary } from './support/program.ts'

const FLOWS = 2000
/** So many that a signal comes before the last is done. */
const LINES = 10_000
const random = new Random(7)

interface Ended {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program, and sends it a signal when it is somewhere in its work: after so many bytes of output, or so many entries are gone. */
async function interrupted(runtime: string, args: readonly string[], signal: NodeJS.Signals, isTime: () => boolean): Promise<Ended> {
  const child = spawn(launcher, args, { env: environment(runtime), cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()))
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
  const ended = new Promise<Pick<Ended, 'status' | 'signal'>>((resolve) => {
    child.on('close', (status, signal) => resolve({ status, signal }))
  })
  while (isRunning(child) && !isTime()) await new Promise((resolve) => setImmediate(resolve))
  child.kill(signal)
  return { ...(await ended), stdout, stderr }
}

const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null

const NUMBERS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const
const TABLE = { protocols: [tcp, udp] as const }

for (const runtime of Object.keys(RUNTIMES)) {
  t.test(`${runtime}: a signal in the midst of -D and -U ends them between two entries`, { skip: skipKernel }, async (t) => {
    const netns = namespace(t, 'signal')
    using ct = openConntrack({ ...TABLE, netns })
    fill(netns, FLOWS)
    let left = FLOWS
    for (const signal of runtime === 'bun' ? (['SIGINT', 'SIGTERM', 'SIGHUP'] as const) : (['SIGTERM'] as const)) {
      if (left === 0) break
      const enough = Math.max(0, left - 1 - random.below(300))
      const { status, stdout, stderr } = await interrupted(runtime, ['-D', '--netns', netns], signal, () => ct.flows.count() <= enough)
      const told = Number(/ (\d+) flow entries have been deleted\.$/m.exec(stderr)?.[1])
      const now = ct.flows.count()
      t.equal(told, left - now, `${signal}: the summary says how many are gone`)
      t.equal(stdout.split('\n').length - 1, told, 'each is shown')
      // Whoever is fast may have been done before the signal came; what the kernel's list has left out meanwhile is still there then.
      if (now > 0 && status !== 0) t.same([status, stderr.includes(`stopped by ${signal}`)], [128 + NUMBERS[signal], true], stderr)
      left = now
    }
    t.comment(`${left} of ${FLOWS} are left`)
    if (left === 0) return
    const marked = (): number => ct.flows.list({ mark: 5 }).forEach(() => {})
    const { stderr } = await interrupted(runtime, ['-U', '-m', '5', '--netns', netns], 'SIGTERM', () => marked() > 0)
    t.equal(Number(/ (\d+) flow entries have been updated\.$/m.exec(stderr)?.[1]), marked(), '-U: as many as have the mark')
  })

  t.test(`${runtime}: a signal in the midst of -R leaves what was done, even SIGKILL`, { skip: skipKernel }, async (t) => {
    const file = join(temporary(t), 'lines')
    writeFileSync(
      file,
      Array.from({ length: LINES }, (_, i) => `-I -p udp -s 10.0.0.1 -d 10.0.0.2 --sport ${i} --dport 53 -t 600\n`).join(''),
    )
    for (const signal of runtime === 'bun' ? (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const) : (['SIGINT'] as const)) {
      const netns = namespace(t, 'file')
      using ct = openConntrack({ ...TABLE, netns })
      const enough = 1 + random.below(500)
      const within = ['ip', 'netns', 'exec', netns, launcher, '-R', file]
      const child = spawn(within[0], within.slice(1), { env: environment(runtime), cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
      let stderr = ''
      child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
      const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
      while (isRunning(child) && ct.flows.count() < enough) await new Promise((resolve) => setImmediate(resolve))
      child.kill(signal)
      const status = await ended
      const ports = [...ct.flows.list()].map(({ original }) => (original as { sourcePort?: number }).sourcePort ?? -1).sort((a, b) => a - b)
      t.ok(ports.length >= enough)
      t.same(
        ports,
        Array.from(ports, (_, i) => i),
        `${signal}: the lines from the first to one, and none behind it`,
      )
      if (signal !== 'SIGKILL' && ports.length < LINES) {
        t.equal(status, 128 + NUMBERS[signal])
        t.match(stderr, new RegExp(`:${ports.length + 1}: stopped by ${signal}`), 'and the message names the one that was not done')
        t.match(stderr, new RegExp(`${ports.length} lines? ha(s|ve) been done\\.`), 'and says how many were')
      }
      t.comment(`${ports.length} lines were done`)
    }
  })
}

t.test(
  'a signal in the midst of -F leaves all or nothing, and where it has to go one by one, ends it between two',
  { skip: skipKernel },
  async (t) => {
    for (const runtime of Object.keys(RUNTIMES)) {
      const netns = namespace(t, 'flush')
      using ct = openConntrack({ ...TABLE, netns })
      for (const signal of runtime === 'bun' ? (['SIGINT', 'SIGTERM', 'SIGHUP'] as const) : (['SIGTERM'] as const)) {
        // The kernel does not filter by timeout.
        ct.flows.flush()
        fill(netns, FLOWS)
        const enough = FLOWS - 1 - random.below(300)
        const args = ['-F', '-t', '1-4294967295', '--netns', netns]
        const { status, stderr } = await interrupted(runtime, args, signal, () => ct.flows.count() <= enough)
        const left = ct.flows.count()
        t.comment(`${runtime} ${signal}: ${left} of ${FLOWS} are left`)
        if (left === 0) t.match(stderr, 'the flow entries that fit have been deleted.')
        else {
          t.match(stderr, ` ${FLOWS - left} flow entries have been deleted.`, `${runtime} ${signal}: the summary says how many are gone`)
          t.same([status, stderr.includes(`stopped by ${signal}`)], [128 + NUMBERS[signal], true])
        }
        // And in one message.
        if (left === 0) fill(netns, FLOWS)
        const before = ct.flows.count()
        let looks = random.below(80)
        const whole = await interrupted(runtime, ['-F', '--netns', netns], signal, () => looks-- < 0)
        const now = ct.flows.count()
        t.ok(now === before || now === 0, `${now} of ${before}`)
        if (whole.status === 0) t.equal(now, 0, 'what it says is done is done')
      }
    }
  },
)

t.test('a signal at any moment of -I, -A and -G leaves a whole flow or none', { skip: skipKernel }, async (t) => {
  const flow = ['-p', 'tcp', '-s', '10.0.0.1', '-d', '10.0.0.2', '--sport', '1', '--dport', '2']
  const more = ['--state', 'ESTABLISHED', '-t', '600', '-m', '7', '-u', 'ASSURED,SEEN_REPLY']
  for (const runtime of Object.keys(RUNTIMES)) {
    const netns = namespace(t, 'one')
    using ct = openConntrack({ ...TABLE, netns })
    for (const [i, command] of ['-I', '-A', '-G', '-I', '-A', '-G'].entries()) {
      const signal = (['SIGTERM', 'SIGHUP', 'SIGINT'] as const)[i % 3]
      const before = ct.flows.count()
      let looks = random.below(200)
      const words = [command, ...flow, ...(command === '-G' ? [] : more), '--netns', netns]
      const { status } = await interrupted(runtime, words, signal, () => looks-- < 0)
      const found = [...ct.flows.list()]
      t.ok(found.length <= 1)
      for (const one of found)
        t.match(one, { protocol: 'tcp', state: 'ESTABLISHED', mark: 7, status: ['SEEN_REPLY', 'ASSURED', 'CONFIRMED'] })
      if (command === '-G') t.equal(found.length, before)
      else if (status === 0) t.equal(found.length, 1, `${runtime} ${command}: what it says is done is done`)
    }
  }
})

t.test('reading is ended by any signal as any program is, and changes nothing', { skip: skipKernel }, async (t) => {
  const netns = namespace(t, 'reading')
  fill(netns, FLOWS)
  using ct = openConntrack({ ...TABLE, netns })
  for (const runtime of Object.keys(RUNTIMES)) {
    for (const [args, sent] of [
      [['-L'], 'SIGTERM'],
      [['-C'], 'SIGHUP'],
      [['-S'], 'SIGINT'],
    ] as const) {
      let looks = random.below(60)
      const { status, signal } = await interrupted(runtime, [...args, '--netns', netns], sent, () => looks-- < 0)
      t.ok(signal === sent || status === 0 || status === 128 + NUMBERS[sent], `${runtime} ${args.join(' ')}: ${status} ${signal}`)
    }
  }
  t.equal(ct.flows.count(), FLOWS)
})

t.test('a reader that goes away ends -L and -D, and what was deleted is counted', { skip: skipKernel }, async (t) => {
  for (const runtime of Object.keys(RUNTIMES)) {
    const netns = namespace(t, 'pipe')
    using ct = openConntrack({ ...TABLE, netns })
    fill(netns, FLOWS)
    const piped = (command: string): Promise<string> =>
      new Promise((resolve) => {
        const script = `"$0" ${command} --netns "$1" 2>&3 3>&3 | head -n 1 >/dev/null; echo "\${PIPESTATUS[0]}" >&3`
        const child = spawn('bash', ['-c', script, launcher, netns], {
          env: environment(runtime),
          stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
        })
        let text = ''
        child.stdio[3]?.on('data', (chunk: Buffer) => (text += chunk.toString()))
        child.on('close', () => resolve(text))
      })
    for (const format of ['', '-o xml', '-o save', '-o json', '-o csv', '-o table'])
      t.match(await piped(`-L ${format}`), /^141\n$/, `${runtime} -L ${format}: nothing is said, and the status is that of SIGPIPE`)
    t.equal(ct.flows.count(), FLOWS)
    const deleted = await piped('-D')
    const told = Number(/ (\d+) flow entries have been deleted\./.exec(deleted)?.[1])
    t.match(deleted, /\n141\n$/)
    t.equal(told, FLOWS - ct.flows.count(), `${runtime} -D: ${told} are gone`)
  }
})
