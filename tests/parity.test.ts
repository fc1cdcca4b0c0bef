// runtimes: node
// timeout: 300
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { CHANGING, FILES, SHOWING, TRAFFIC, WRONG } from './parity/cases.ts'
import { type Comparison, compareChanged, compareJson, compareShown, load } from './parity/compare.ts'
import { DIFFERENCES } from './parity/differences.ts'
import { TABLE } from './parity/table.ts'
import { cannotMakeNamespaces, namespaceFor, type TestNamespace } from './support/netns.ts'
import { RUNTIMES, type Runtime, run } from './support/program.ts'

// Side by side with Debian's conntrack, on the same table.

const original = run(['conntrack', '--version'], { stdio: ['ignore', 'pipe', 'pipe'] }).stdout
const skip =
  cannotMakeNamespaces || (original.startsWith('conntrack v1.4.7 ') ? false : `conntrack 1.4.7 is compared with, not '${original}'`)

/** All lines on Bun, and a third of them on each of the other runtimes. */
const isFor = (runtime: Runtime, number: number): boolean => runtime === 'bun' || number % 3 === RUNTIMES.indexOf(runtime) - 1

const differenceOf = (line: string) => DIFFERENCES.find(({ lines }) => lines.includes(line))

/** Between a change and a look at it a timeout may tick: only what differs again and again is a difference. */
function settled(compare: () => Comparison): Comparison {
  for (let tries = 1; ; tries++) {
    const compared = compare()
    if (compared.differing.length === 0 || tries === 3) return compared
  }
}

/** Runs lines on every runtime they are for, and judges how they compare. */
function judge(t: Test, lines: readonly string[], compare: (line: string, runtime: Runtime) => Comparison): void {
  for (const runtime of RUNTIMES) {
    lines.forEach((line, number) => {
      if (!isFor(runtime, number)) return
      const difference = differenceOf(line)
      const work = (): Comparison => compare(line, runtime)
      const { theirs, ours, differing } = difference === undefined ? settled(work) : work()
      if (difference === undefined) t.strictSame(ours, theirs, `${runtime}: ${line}`)
      else if (differing.length === 0) t.fail(`${runtime}: ${line} differs no more, though ${difference.reason}`)
      else
        t.ok(
          differing.every((one) => difference.in.includes(one)),
          `${runtime}: ${line}: ${difference.reason}`,
          { theirs, ours },
        )
    })
  }
}

function namespaceWith(t: Test, ...settings: string[]): TestNamespace {
  const namespace = namespaceFor(t)
  namespace.must(['sysctl', '-qw', ...settings.map((setting) => `net.netfilter.nf_conntrack_${setting}`)])
  return namespace
}

t.test('every difference is of a line that is compared, and is listed once', async (t) => {
  const listed = DIFFERENCES.flatMap(({ lines }) => lines)
  t.strictSame(listed, [...new Set(listed)])
  const cases = [SHOWING, WRONG, CHANGING, TRAFFIC].flat()
  t.strictSame(
    listed.filter((line) => !cases.includes(line)),
    [],
  )
})

t.test('entries of every kind are shown as the original shows them', { skip }, async (t) => {
  const namespace = namespaceWith(t, 'timestamp=1')
  load(namespace, TABLE)
  judge(t, SHOWING, (line, runtime) => compareShown(namespace, line, runtime))
  for (const runtime of RUNTIMES) {
    const { theirs, ours } = compareJson(namespace, runtime)
    t.strictSame(ours, theirs, `${runtime}: -o json tells what a line shows`)
  }
})

t.test('what is wrong has the status that it has with the original', { skip }, async (t) => {
  const namespace = namespaceWith(t, 'timestamp=0')
  load(namespace, TABLE)
  judge(t, WRONG, (line, runtime) => compareShown(namespace, line, runtime))
})

t.test('entries are made, changed and deleted as by the original', { skip }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'conntrack-parity-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const files: Record<string, string> = {}
  for (const [name, text] of Object.entries(FILES)) {
    files[name] = join(directory, name)
    writeFileSync(files[name], text)
  }
  const twins = { theirs: namespaceWith(t, 'acct=1'), ours: namespaceWith(t, 'acct=1'), table: TABLE, files }
  judge(t, CHANGING, (line, runtime) => compareChanged(twins, line, runtime))
})

t.test('flows of real packets are shown as the original shows them', { skip }, async (t) => {
  const namespace = namespaceWith(t, 'acct=1', 'timestamp=1', 'udp_timeout=600', 'icmp_timeout=600', 'icmpv6_timeout=600')
  namespace.must(['sysctl', '-qw', 'net.netfilter.nf_conntrack_tcp_timeout_close=600'])
  const [program = '', ...args] = namespace.inside(['python3', fileURLToPath(new URL('support/traffic.py', import.meta.url))])
  const packets = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(packets, 'exit')
  t.teardown(async () => {
    packets.stdin.end()
    await ended
  })
  const [said] = await Promise.race([once(packets.stdout, 'data'), ended])
  t.equal(String(said), 'ready\n')
  judge(t, TRAFFIC, (line, runtime) => compareShown(namespace, line, runtime))
  for (const runtime of RUNTIMES) {
    const { theirs, ours } = compareJson(namespace, runtime)
    t.ok(theirs.length >= 12)
    t.strictSame(ours, theirs, `${runtime}: -o json tells what a line shows`)
  }
})
