// runtimes: node
// timeout: 180
import { execFileSync, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { openConntrack } from '@conntrack/core'
import { udp } from '@conntrack/proto-udp'
import t from 'tap'
import { command, conntrack, environment, launcher, namespace, type Outcome, RUNTIMES, skipKernel } from './support/program.ts'

const WATCHER = fileURLToPath(new URL('support/watcher.ts', import.meta.url))
const CONDITION = '--conditions=@conntrack/source'
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  bun: ['--no-install', CONDITION],
  node: [CONDITION],
  deno: ['run', '-A', '--quiet', '--no-config', '--no-lock', '--node-modules-dir=manual', CONDITION],
}

t.test('a process that watches ends: when nothing else is left, by exit(), and by what is thrown', { skip: skipKernel }, (t) => {
  const netns = namespace(t, 'ends')
  for (const [runtime, program] of Object.entries(RUNTIMES)) {
    for (const [how, status, stdout] of [
      ['exit', 7, 'watching\n'],
      ['throw', 1, 'watching\n'],
      ['close', 0, 'watching\nover\n'],
      ['abort', 0, 'watching\nover\n'],
      ['mirror', 0, 'watching\nover\n'],
      ['unused', 0, 'watching\n'],
    ] as const) {
      // What does not end is killed after a minute, and has no status then.
      const ended = command(['ip', 'netns', 'exec', netns, program, ...FLAGS[runtime], WATCHER, how])
      t.match(ended, { status, stdout }, `${runtime}: ${how}`)
    }
  }
  t.end()
})

const [READY, SOURCES] = [/^\S+\s+12\s+\d+\s+0000000[1-7]/m, 200]

/** -E in a namespace, from when it listens. */
async function watching(runtime: string, netns: string, words: readonly string[] = [], output: 'pipe' | number = 'pipe') {
  const child = spawn('ip', ['netns', 'exec', netns, launcher, '-E', ...words], {
    env: environment(runtime),
    cwd: '/',
    stdio: ['ignore', output, 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (text: Buffer) => (stdout += text.toString()))
  child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()))
  const closed = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on('close', (status, signal) => resolve(status ?? signal))
  })
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null
  while (isRunning() && !READY.test(execFileSync('ip', ['netns', 'exec', netns, 'cat', '/proc/net/netlink'], { encoding: 'utf8' })))
    await new Promise((resolve) => setTimeout(resolve, 10))
  const ended = async (): Promise<Outcome> => ({ status: (await closed) as number | null, stdout, stderr })
  return { child, ended, shown: () => stdout }
}

const flow = (i: number) =>
  ({
    protocol: 'udp',
    original: { source: `10.1.${i >> 8}.${i & 255}`, destination: '10.9.9.9', sourcePort: 1, destinationPort: 53 },
    timeout: 600,
  }) as const

t.test('a signal ends -E with what was received, a summary and status 0', { skip: skipKernel }, async (t) => {
  for (const runtime of Object.keys(RUNTIMES)) {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      const netns = namespace(t, 'signal')
      using ct = openConntrack({ protocols: [udp], netns })
      const { child, ended } = await watching(runtime, netns, ['-e', 'NEW'])
      // Stopped, it has not read any of them when it is told to end.
      child.kill('SIGSTOP')
      for (let i = 0; i < SOURCES; i++) ct.flows.create(flow(i))
      child.kill(signal)
      child.kill('SIGCONT')
      const { status, stdout, stderr } = await ended()
      t.equal(status, 0, `${runtime} ${signal}`)
      t.equal(stdout.split('\n').length - 1, SOURCES, `${runtime} ${signal}: all are shown`)
      t.match(stderr, new RegExp(`: ${SOURCES} flow events have been shown\\.\\n$`))
    }
  }
})

t.test('-E ends when what it writes to is full', { skip: skipKernel }, async (t) => {
  for (const runtime of Object.keys(RUNTIMES)) {
    const netns = namespace(t, 'full')
    using ct = openConntrack({ protocols: [udp], netns })
    const child = spawn('sh', ['-c', 'exec ip netns exec "$0" "$1" -E >/dev/full', netns, launcher], {
      env: environment(runtime),
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let stderr = ''
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve))
    for (let i = 0; child.exitCode === null; i = (i + 1) % 60_000) {
      ct.flows.create(flow(i), { existing: 'update' })
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    t.equal(await closed, 1, runtime)
    t.match(stderr, /No space left|ENOSPC/i, `${runtime}: ${stderr}`)
    t.notMatch(stderr, / at .*\.ts/, 'without a stack trace')
  }
})

t.test('a flow is shown while it is written to a pipe, line by line when nothing follows', { skip: skipKernel }, async (t) => {
  for (const runtime of Object.keys(RUNTIMES)) {
    const netns = namespace(t, 'lines')
    using ct = openConntrack({ protocols: [udp], netns })
    const { child, ended, shown } = await watching(runtime, netns)
    for (let i = 1; i <= 3; i++) {
      ct.flows.create(flow(i))
      while (shown().split('\n').length - 1 < i) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    child.kill('SIGTERM')
    t.equal((await ended()).status, 0, runtime)
  }
})

t.test('that the kernel makes no events is told', { skip: skipKernel }, (t) => {
  const netns = namespace(t, 'none')
  execFileSync('ip', ['netns', 'exec', netns, 'sysctl', '-qw', 'net.netfilter.nf_conntrack_events=0'])
  for (const runtime of Object.keys(RUNTIMES)) {
    const { status, stderr } = conntrack(runtime, ['-E', '--for', '50ms'], ['ip', 'netns', 'exec', netns])
    t.equal(status, 0)
    t.match(stderr, /^WARNING: .*net\.netfilter\.nf_conntrack_events/, runtime)
  }
  t.end()
})
