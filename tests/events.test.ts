// runtimes: node
// timeout: 240
import { spawn } from 'node:child_process'
import t, { type Test } from 'tap'
import { invalid } from '../packages/formatters/test/valid-json.ts'
import { words } from './parity/entries.ts'
import { World } from './parity/world.ts'
import { namespace, needsRoot, OURS } from './support/namespace.ts'
import { followed, listeners, pause, watch, type Watching } from './support/watching.ts'

const ORIGINAL = 'conntrack'
const FLOW = '-s 1.1.1.1 -d 2.2.2.2 --sport 7 --dport 8 -t 60'

/** What makes events, each of a program of its own. */
const ACTIONS: readonly string[] = [
  `-I -p udp ${FLOW}`,
  '-I -p udp -s fd00::1 -d fd00::2 --sport 7 --dport 8 -t 60 -w 3',
  '-I -p icmp -s 1.1.1.1 -d 2.2.2.2 --icmp-type 8 --icmp-code 0 --icmp-id 77 -t 60',
  '-I -p tcp -s 10.9.0.1 -d 10.9.0.2 --sport 40021 --dport 21 --state ESTABLISHED -u ASSURED,SEEN_REPLY -t 100',
  '-I -p tcp -s 1.1.1.1 -d 2.2.2.2 --sport 9 --dport 9 --state ESTABLISHED -t 100 --src-nat 3.3.3.3:88 --label-add lbl3',
  '-U -p udp -s 1.1.1.1 -m 5',
  '-U -p udp -s 1.1.1.1 --label-add lbl64',
  '-U -p tcp -s 10.9.0.1 --state CLOSE -t 50',
  '-D -p icmp',
  '-F',
]

/** A command line that is compared, and what differs for a reason. */
interface Line {
  readonly line: string
  readonly runtimes: readonly string[]
  /** Takes away what only one of both shows. */
  readonly common?: (text: string) => string
}

const ALL = ['bun', 'node', 'deno'] as const

/** 1.4.7 writes who made a change behind an element of XML too. */
const asXml = (text: string): string => text.replaceAll(/ \[USERSPACE\].*$/gm, '')
/** What is saved can be restored: marks and labels are missing in the original. */
const withoutMarks = (text: string): string => text.replaceAll(/ -m \d+| --label-add \S+/g, '')

const LINES: readonly Line[] = [
  { line: '-E', runtimes: ALL },
  { line: '-E -o extended,id', runtimes: ['bun'] },
  { line: '-E -o ktimestamp', runtimes: ['bun'] },
  { line: '-E -o timestamp', runtimes: ALL },
  { line: '-E -o labels', runtimes: ['bun'] },
  { line: '-E -o userspace', runtimes: ['node'] },
  { line: '-E -o timestamp,extended,id,labels', runtimes: ['deno'] },
  { line: '-E -p udp -o xml', runtimes: ['bun', 'deno'], common: asXml },
  { line: '-E -p tcp -o xml,timestamp,labels,ktimestamp', runtimes: ['bun'], common: asXml },
  { line: '-E -o save', runtimes: ['bun', 'node'], common: withoutMarks },
  { line: '-E -e DESTROY -p udp', runtimes: ['bun'] },
  { line: '-E -e NEW,UPDATES -f ipv4', runtimes: ['node'] },
  { line: '-E -s 10.9.0.0/24', runtimes: ['bun'] },
  { line: '-E -p tcp --dport 21', runtimes: ['deno'] },
  { line: '-E -m 5', runtimes: ['bun'] },
  { line: '-E -n', runtimes: ['bun'] },
  { line: '-E -w 3', runtimes: ['bun'] },
]

/** The same of expectations, of which 1.4.7 takes no other option than -o with -E. */
const EXPECTATION_LINES: readonly Line[] = [
  { line: '-E expect', runtimes: ALL },
  { line: '-E expect -o timestamp', runtimes: ['bun'] },
  { line: '-E expect -o xml', runtimes: ['bun'] },
  { line: '-E expect -o xml,timestamp', runtimes: ['node'] },
]

/** Names of programs are seen only while they live, which the original asks too late at times; ages are rounded in another way; and each reads a clock. */
const comparable = (text: string): string =>
  text
    .replaceAll(/ progname=\S+|(?<=<deltatime>|delta-time=)\d+/g, '')
    .replaceAll(/\[(start|stop)=[^\]]*\]/g, '[$1]')
    .replaceAll(/^\[\d{10}\.\d{1,6} *\]\t/gm, '[when]\t')
    .replaceAll(/<when>.*?<\/when>/g, (when) => when.replaceAll(/\d+/g, 'N'))

/** Watches with both programs while something happens, and compares. */
async function compare(
  t: Test,
  world: World,
  { lines, name, happen }: { readonly lines: readonly Line[]; readonly name: string; readonly happen: () => void | Promise<void> },
): Promise<void> {
  const pairs = lines.map(({ runtimes, ...line }) => ({
    ...line,
    original: followed(world.start([ORIGINAL, ...line.line.split(' ')])),
    ours: runtimes.map((runtime) => ({
      runtime,
      watching: followed(world.start([OURS, ...line.line.split(' ')], { ...process.env, CONNTRACK_RUNTIME: runtime })),
    })),
  }))
  const all = pairs.flatMap(({ original, ours }) => [original, ...ours.map(({ watching }) => watching)])
  const listening = { run: (program: string, rest: readonly string[]) => world.run([program, ...rest]) }
  while (listeners(listening) < all.length) await pause(50)
  await happen()
  // A signal ends them when they have shown what they received; the original does not, so it is waited for.
  for (let [before, still] = ['', 0]; still < 5; ) {
    await pause(100)
    const now = all.map(({ out }) => out().length).join()
    still = now === before ? still + 1 : 0
    before = now
  }
  const exits = all.map(({ child }) => new Promise<number | null>((resolve) => child.once('exit', resolve)))
  for (const { child } of all) child.kill('SIGINT')
  t.strictSame(
    await Promise.all(exits),
    all.map(() => 0),
    'SIGINT ends all with status 0',
  )
  for (const { line, common = (text: string) => text, original, ours } of pairs) {
    const text = comparable(common(original.out()))
    t.ok(text.length > 0, `${line}: the original shows something`)
    const summary = new RegExp(`: (\\d+ ${name} events have been shown\\.)$`, 'm')
    for (const { runtime, watching } of ours) {
      t.equal(comparable(common(watching.out())), text, `${runtime} ${line}`)
      t.match(summary.exec(watching.err())?.[1], String)
      t.equal(summary.exec(watching.err())?.[1], summary.exec(original.err())?.[1], `${runtime} ${line}: the summary`)
    }
  }
}

t.test('-E shows what the original shows, byte for byte', { skip: needsRoot }, async (t) => {
  await using world = await World.open()
  for (const option of ['nf_conntrack_acct', 'nf_conntrack_timestamp']) world.run(['sysctl', '-qw', `net.netfilter.${option}=1`])
  world.run(['nft', 'table inet t { chain c { type filter hook output priority 0; udp dport 1 ct label set 1; }; }'])
  const happen = (): void => {
    for (const action of ACTIONS) t.equal(world.original(words(action)).status, 0, action)
  }
  await compare(t, world, { lines: LINES, name: 'flow', happen })
})

t.test('-E expect shows what the original shows of an FTP session', { skip: needsRoot }, async (t) => {
  await using world = await World.open()
  const happen = async (): Promise<void> => {
    await world.traffic()
    t.equal(world.original(['-F', 'expect']).status, 0)
  }
  await compare(t, world, { lines: EXPECTATION_LINES, name: 'expectation', happen })
})

t.test('events of a real kernel are JSON as the published schema says, and so is what was lost of them', { skip: needsRoot }, async (t) => {
  await using world = await World.open()
  const watched = (line: string): Watching => followed(world.start([OURS, ...words(`${line} -o json`)]))
  const [flows, expectations] = [watched('-E -b 20000'), watched('-E expect')]
  const over = [flows, expectations].map(({ child }) => new Promise((resolve) => child.once('close', resolve)))
  while (listeners({ run: (program, rest) => world.run([program, ...rest]) }) < 2) await pause(20)
  flows.child.kill('SIGSTOP')
  await world.traffic()
  flows.child.kill('SIGCONT')
  world.original(['-F', 'expect'])
  world.original(['-F'])
  while (!flows.out().includes('"resynced"') || !expectations.out().includes('"destroy"')) await pause(20)
  for (const { child } of [flows, expectations]) child.kill('SIGTERM')
  await Promise.all(over)
  const types = [flows, expectations].map(({ out }) => {
    const lines = out().trimEnd().split('\n')
    for (const line of lines) t.equal(invalid(line), undefined)
    return new Set(lines.map((line) => (JSON.parse(line) as { type: string }).type))
  })
  for (const type of ['new', 'update', 'destroy', 'overrun', 'resynced']) t.ok(types[0].has(type), type)
  t.same(types[1], new Set(['new', 'destroy']))
})

t.test('-E ends by itself, by SIGTERM, and by a pipe that nobody reads', { skip: needsRoot }, async (t) => {
  using where = namespace()
  for (const runtime of ['bun', 'node', 'deno']) {
    const timed = where.run(OURS, ['-E', '--for', '200ms'], { CONNTRACK_RUNTIME: runtime })
    t.strictSame([timed.status, timed.stdout], [0, ''], runtime)
    t.match(timed.stderr, /: 0 flow events have been shown\.\n$/)
    const { child, err } = watch(where, OURS, '-E', runtime)
    while (listeners(where) === 0) await pause(20)
    const exit = new Promise((resolve) => child.once('exit', (status, signal) => resolve([status, signal])))
    child.kill('SIGUSR1')
    while (!err().includes('messages were lost')) await pause(20)
    child.kill('SIGTERM')
    t.strictSame(await exit, [0, null], `${runtime}: SIGTERM`)
    const shell = `"$0" -E | head -n 1 >/dev/null; echo "\${PIPESTATUS[0]}"`
    const piped = spawn('ip', ['netns', 'exec', where.name, 'bash', '-c', shell, OURS], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, CONNTRACK_RUNTIME: runtime },
    })
    const text: string[] = []
    piped.stdout?.setEncoding('utf8').on('data', (more: string) => text.push(more))
    const over = new Promise((resolve) => piped.once('close', resolve))
    while (listeners(where) === 0) await pause(20)
    for (let i = 0; text.length === 0; i++) {
      where.run(ORIGINAL, ['-I', ...`-p udp -s 1.1.1.1 -d 2.2.2.2 --sport ${1 + (i % 60_000)} --dport 8 -t 60`.split(' ')])
      await pause(20)
    }
    await over
    t.equal(text.join(''), '141\n', `${runtime}: nobody reads`)
  }
})
