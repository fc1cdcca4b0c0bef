import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { conversationsAround } from '../src/demo/conversation.ts'
import { KINDS } from '../src/demo/kinds.ts'
import { openDemo } from '../src/demo/open.ts'
import { phase } from '../src/demo/phase.ts'
import { createCli } from '../src/main.ts'
import type { Io } from '../src/io.ts'
import { formats, kept, protocols, words } from './program.ts'

const LABEL = 'DEMONSTRATION: a made-up network in memory; nothing of this machine is shown or changed\n'

async function run(line: string) {
  const { io, stdout, stderr } = kept()
  const open = (): never => {
    throw new Error('the real kernel is asked')
  }
  const status = await createCli({ protocols, formats, version: 'v', open })(words(line), io)
  return { status, stdout: stdout(), stderr: stderr() }
}

t.test('--demo shows a network that is made up, and says so', async (t) => {
  const { status, stdout, stderr } = await run('--demo -L')
  t.equal(status, 0)
  const lines = stdout.trimEnd().split('\n')
  t.ok(lines.length > 40, `${lines.length} flows`)
  t.equal(stderr, `${LABEL}v: ${lines.length} flow entries have been shown.\n`)
  for (const word of ['tcp ', 'udp ', 'ESTABLISHED', 'TIME_WAIT', '[ASSURED]', 'mark=16', '2001:db8:', 'delta-time=']) t.match(stdout, word)
})

t.test('every command works on it', async (t) => {
  for (const line of ['-C', '-S', '-L expect', '-L -o json', '-L -o table', '-L -o xml', '-L -p udp --dport 53', '-F']) {
    const { status, stderr } = await run(`--demo ${line}`)
    t.equal(status, 0, line)
    t.match(stderr, LABEL)
  }
  const flow = '-p udp -s 10.9.9.9 -d 10.8.8.8 --sport 1 --dport 2'
  t.match(await run(`--demo -I ${flow} -t 60`), { status: 0, stderr: /1 flow entries have been created/ })
  t.match(await run(`--demo -G ${flow}`), { status: 1, stderr: /such conntrack doesn't exist/ }, 'which is forgotten with the run')
  t.match(await run('--demo -D -p tcp'), { status: 0, stdout: /^tcp /, stderr: /[1-9]\d* flow entries have been deleted/ })
  t.match(await run('--demo -L --netns blue'), { status: 2, stderr: /--demo has no network namespaces/ })
})

t.test('-E tells what happens on it while it is watched', async (t) => {
  const { io, stdout, stderr } = kept()
  const stoppable: Io['stoppable'] = (work) => work(new AbortController().signal)
  const parts = { protocols, formats, version: 'v', open: () => t.fail('the real kernel is asked') as never }
  t.equal(await createCli(parts)(words('--demo -E -o timestamp --count 3'), { ...io, stoppable }), 0)
  const lines = stdout().trimEnd().split('\n')
  t.equal(lines.length, 3)
  for (const line of lines) t.match(line, /^\[\d+\.\d{6}\]\t *\[(NEW|UPDATE|DESTROY)\] \w+ +\d+ .*src=/)
  t.equal(stderr(), `${LABEL}v: 3 flow events have been shown.\n`)
})

/** A clock that goes on by so many seconds whenever it is looked at, which is often. */
function running(seconds: number): { clock: () => number; tick: number } {
  let now = 1_800_000_000
  return { clock: () => (now += seconds), tick: 1 }
}

t.test('a conversation is told of from its first packet to its end', async (t) => {
  using ct = openDemo(protocols, running(0.25))
  const told = new Map<string, string[]>()
  const isWhole = ([first = '', ...more]: readonly string[]): boolean =>
    first.startsWith('new') && (more.at(-1) ?? '').startsWith('destroy')
  for await (const event of ct.flows.watch()) {
    if (!('flow' in event) || event.flow.protocol !== 'tcp') continue
    const { original, status, state } = event.flow as unknown as { original: object; status: readonly string[]; state: string }
    const key = JSON.stringify(original)
    const words = [event.type, state, ...(['SEEN_REPLY', 'ASSURED'] as const).filter((bit) => status.includes(bit))]
    const all = [...(told.get(key) ?? []), words.join(' ')]
    told.set(key, all)
    if (!isWhole(all)) continue
    t.strictSame(all, [
      'new SYN_SENT',
      'update SYN_RECV SEEN_REPLY',
      ...['update ESTABLISHED', 'update FIN_WAIT', 'update LAST_ACK', 'update TIME_WAIT', 'destroy TIME_WAIT'].map(
        (words) => `${words} SEEN_REPLY ASSURED`,
      ),
    ])
    break
  }
})

t.test('and so are the connections that FTP expects', async (t) => {
  using ct = openDemo(protocols, running(5))
  const types = new Set<string>()
  for await (const event of ct.expectations.watch()) {
    if (!('expectation' in event)) continue
    t.match(event.expectation, { helper: 'ftp', master: { destinationPort: 21 } })
    types.add(event.type)
    if (types.size === 2) break
  }
  t.ok(ct.expectations.count() > 0)
})

t.test('a file of command lines works on it', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'conntrack-demo-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'lines')
  const flow = '-p udp -s 10.9.9.9 -d 10.8.8.8 --sport 1 --dport 2'
  writeFileSync(file, `-I ${flow} -t 60\n-D -s 10.9.9.9\n-I ${flow} -t 60\n-I ${flow} -t 60\n`)
  t.match(await run(`-R ${file} --demo`), { status: 1, stderr: /^DEMONSTRATION.*\n.*:4: .*Such conntrack exists/ })
  writeFileSync(file, '-F --demo\n')
  t.match(await run(`-R ${file}`), { status: 2, stderr: /:1:4: a file works on one table/ })
})

t.test('the network is the same in every run, and goes on with time', async (t) => {
  const at = 1_800_000_000
  const ports = (now: number): Set<unknown> =>
    new Set([...openDemo(protocols, { clock: () => now }).flows.list()].map(({ original }) => JSON.stringify(original)))
  const [first, again, later] = [ports(at), ports(at), ports(at + 30)]
  t.strictSame(first, again)
  t.ok(
    [...later].some((flow) => !first.has(flow)),
    'flows come',
  )
  t.ok(
    [...first].some((flow) => !later.has(flow)),
    'and go',
  )
  t.ok([...first].filter((flow) => later.has(flow)).length > 20, 'and stay')
})

t.test('a whole day of it has every kind of conversation, in every phase', async (t) => {
  const kinds = new Set<unknown>()
  const states = new Set<unknown>()
  for (let now = 1_800_000_000; now < 1_800_086_400; now += 900)
    for (const conversation of conversationsAround(now)) {
      kinds.add(conversation.kind)
      for (const elapsed of [0, 0.5, 1, ...[-0.1, 0.1, 0.5, 1].map((more) => conversation.seconds + more)])
        states.add(phase(conversation, elapsed).state)
    }
  t.equal(kinds.size, KINDS.length)
  t.strictSame([...states].map(String).sort(), [
    'ESTABLISHED',
    'FIN_WAIT',
    'LAST_ACK',
    'SHUTDOWN_ACK_SENT',
    'SYN_RECV',
    'SYN_SENT',
    'TIME_WAIT',
    'undefined',
  ])
  for (let now = 1_800_000_000; now < 1_800_030_000; now += 7000) t.ok(openDemo(protocols, { clock: () => now }).flows.count() > 30)
})
