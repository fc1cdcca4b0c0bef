// runtimes: node
// timeout: 120
import { type ChildProcess, spawn } from 'node:child_process'
import t from 'tap'
import { namespace, needsRoot, OURS, type Namespace } from './support/namespace.ts'

const ORIGINAL = 'conntrack'
const FLOW = '-s 1.1.1.1 -d 2.2.2.2 --sport 7 --dport 8 -t 60'

/** What makes events, each of a program of its own. */
const ACTIONS: readonly string[] = [
  `-I -p udp ${FLOW}`,
  '-I -p udp -s fd00::1 -d fd00::2 --sport 7 --dport 8 -t 60 -w 3',
  '-I -p icmp -s 1.1.1.1 -d 2.2.2.2 --icmp-type 8 --icmp-code 0 --icmp-id 77 -t 60',
  '-I -p tcp -s 10.9.0.1 -d 10.9.0.2 --sport 40021 --dport 21 --state ESTABLISHED -u ASSURED,SEEN_REPLY -t 100',
  '-U -p udp -s 1.1.1.1 -m 5',
  '-U -p tcp -s 10.9.0.1 --state CLOSE -t 50',
  '-D -p icmp',
  '-F',
]

/** Command lines that are compared, and whether what stands behind an event is left out of the original's. */
const LINES: readonly { readonly line: string; readonly runtimes: readonly string[]; readonly isXml?: true }[] = [
  { line: '-E', runtimes: ['bun', 'node', 'deno'] },
  { line: '-E -o extended,id', runtimes: ['bun'] },
  { line: '-E -o ktimestamp', runtimes: ['bun'] },
  { line: '-E -p udp -o xml', runtimes: ['bun', 'deno'], isXml: true },
  { line: '-E -e NEW -o save', runtimes: ['bun', 'node'] },
  { line: '-E -e DESTROY -p udp', runtimes: ['bun'] },
  { line: '-E -e NEW,UPDATES -f ipv4', runtimes: ['node'] },
  { line: '-E -s 10.9.0.0/24', runtimes: ['bun'] },
  { line: '-E -p tcp --dport 21', runtimes: ['deno'] },
  { line: '-E -m 5', runtimes: ['bun'] },
]

interface Watching {
  readonly child: ChildProcess
  readonly out: () => string
  readonly err: () => string
}

function watch(where: Namespace, program: string, line: string, runtime = ''): Watching {
  const child = spawn('ip', ['netns', 'exec', where.name, program, ...line.split(' ')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CONNTRACK_RUNTIME: runtime },
  })
  let [out, err] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text))
  return { child, out: () => out, err: () => err }
}

/** How many sockets of the namespace listen to groups: the fourth column. */
const listeners = (where: Namespace): number =>
  where.run('cat', ['/proc/net/netlink']).stdout.match(/^\S+\s+12\s+\d+\s+0000000[1-9a-f]/gm)?.length ?? 0

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Names of programs are seen only while they live, which the original asks too late at times; and an age is rounded in another way. */
const comparable = (text: string): string =>
  text.replaceAll(/ progname=\S+|(?<=<deltatime>|delta-time=)\d+/g, '').replaceAll(/\[(start|stop)=[^\]]*\]/g, '[$1]')

t.test('-E shows what the original shows, byte for byte', { skip: needsRoot }, async (t) => {
  using where = namespace()
  for (const option of ['nf_conntrack_acct', 'nf_conntrack_timestamp']) where.run('sysctl', ['-qw', `net.netfilter.${option}=1`])
  const pairs = LINES.map(({ line, runtimes, isXml }) => ({
    line,
    isXml,
    original: watch(where, ORIGINAL, line),
    ours: runtimes.map((runtime) => ({ runtime, watching: watch(where, OURS, line, runtime) })),
  }))
  const all = pairs.flatMap(({ original, ours }) => [original, ...ours.map(({ watching }) => watching)])
  while (listeners(where) < all.length) await pause(50)
  for (const action of ACTIONS) t.equal(where.run(ORIGINAL, action.split(' ')).status, 0, action)
  // The last event of all that see all.
  while (!pairs.every(({ original, ours }) => ours.every(({ watching }) => watching.out().length > 0 && original.out().length > 0)))
    await pause(50)
  await pause(1000)
  const exits = all.map(({ child }) => new Promise<number | null>((resolve) => child.once('exit', resolve)))
  for (const { child } of all) child.kill('SIGINT')
  t.strictSame(
    await Promise.all(exits),
    all.map(() => 0),
    'SIGINT ends all with status 0',
  )
  for (const { line, isXml, original, ours } of pairs) {
    const text = comparable(original.out())
    const expected = isXml ? text.replaceAll(/ \[USERSPACE\].*$/gm, '') : text
    const summary = /: (\d+ flow events have been shown\.)$/m
    for (const { runtime, watching } of ours) {
      t.equal(comparable(watching.out()), expected, `${runtime} ${line}`)
      t.equal(summary.exec(watching.err())?.[1], summary.exec(original.err())?.[1], `${runtime} ${line}: the summary`)
    }
  }
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
