// runtimes: node
// timeout: 300
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createCli } from '@conntrack/cli'
import { NetlinkError, type NetlinkSocket, openConntrack } from '@conntrack/core'
import t, { type Test } from 'tap'
import { formats, kept, protocols } from '../packages/cli/test/program.ts'
import { VERSION } from '../packages/cli/src/version.ts'
import { ack, error, scriptedKernel } from '../packages/core/test/scripted-kernel.ts'
import { command, conntrack, fill, launcher, namespace, type Outcome, root, RUNTIMES, skipKernel, temporary } from './support/program.ts'

const NAME = `conntrack v${VERSION} (conntrack.ts)`
const HINT = "Try `conntrack -h' or 'conntrack --help' for more information.\n"
const runtimes = Object.keys(RUNTIMES)

/** Asserts that a program has said what is wrong in one line on stderr, and nothing else. */
function complains(t: Test, what: string, { status, stdout, stderr }: Outcome, expected: { status: number; says: string | RegExp }): void {
  const { says } = expected
  t.equal(status, expected.status, `${what}: status`)
  t.equal(stdout, '', `${what}: stdout`)
  t.match(stderr, /^[^\n]+\n$/, `${what}: one line`)
  t.notMatch(stderr, /^ {4}at |\.[jt]s:\d|\u001b/m, `${what}: no stack trace`)
  if (typeof says === 'string') t.equal(stderr, `${NAME}: ${says}\n`, `${what}: words`)
  else t.match(stderr, says, `${what}: words`)
}

const NOT_ALLOWED = 'Operation failed: sorry, you must be root or get CAP_NET_ADMIN capability to do this'
const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']
const WITHOUT_ADMIN = ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin']

/** Why somebody else cannot run this clone under a runtime, or false. */
function unreadable(runtime: string): string | false {
  const script = 'test -x "$0" && test -x "$1" && test -r "$2" && test -r "$3"'
  const files = [launcher, RUNTIMES[runtime] ?? '', join(root, 'packages/cli/src/bin.ts'), join(root, 'packages/core/node_modules/koffi')]
  return command([...NOBODY, 'sh', '-c', script, ...files]).status === 0 ? false : 'another user cannot read this clone'
}

t.test('whoever is not root is told so', { skip: skipKernel }, async (t) => {
  for (const runtime of runtimes) {
    t.test(runtime, { skip: unreadable(runtime) }, async (t) => {
      t.equal(command([...NOBODY, 'id', '-u']).stdout, '65534\n', 'it is somebody else')
      for (const args of [['-L'], ['-C'], ['-F'], ['-D', '-s', '192.0.2.1']])
        complains(t, args[0], conntrack(runtime, args, NOBODY), { status: 1, says: NOT_ALLOWED })
      complains(t, '--netns', conntrack(runtime, ['-L', '--netns', '/proc/self/ns/net'], NOBODY), {
        status: 1,
        says: 'Operation failed: setns: EPERM: Operation not permitted (entering network namespace /proc/self/ns/net takes CAP_SYS_ADMIN)',
      })
      t.same(conntrack(runtime, ['-V'], NOBODY), { status: 0, stdout: `${NAME}\n`, stderr: '' }, 'the version is for everybody')
    })
  }
})

t.test('root without CAP_NET_ADMIN is told so', { skip: skipKernel }, async (t) => {
  const capabilities = /^CapEff:\t([0-9a-f]+)$/m.exec(command([...WITHOUT_ADMIN, 'cat', '/proc/self/status']).stdout)?.[1]
  t.equal((BigInt(`0x${capabilities}`) >> 12n) & 1n, 0n, 'it has no CAP_NET_ADMIN')
  const tuple = ['-p', 'udp', '-s', '192.0.2.1', '-d', '192.0.2.2', '--sport', '1', '--dport', '2']
  const every = [
    ['-L'],
    ['-L', 'expect'],
    ['-L', 'dying'],
    ['-C'],
    ['-S'],
    ['-F'],
    ['-D'],
    ['-U', '-m', '1'],
    ['-G', ...tuple],
    ['-I', ...tuple, '-t', '9'],
  ]
  for (const runtime of runtimes) {
    for (const args of every) {
      const what = `${runtime} ${args.slice(0, 2).join(' ')}`
      complains(t, what, conntrack(runtime, args, WITHOUT_ADMIN), { status: 1, says: NOT_ALLOWED })
    }
  }
})

t.test('a network namespace that is none is told of by its name', { skip: skipKernel }, async (t) => {
  const fifo = join(temporary(t), 'fifo')
  execFileSync('mkfifo', [fifo])
  const missing = `ct-none-${process.pid}`
  const none = (call: string, reason: string): string => `Operation failed: ${call} (${reason})`
  const cases: [name: string, says: string][] = [
    [missing, `there is no network namespace named ${missing}; "ip netns list" lists them`],
    ['/nowhere/at all', 'there is no network namespace at /nowhere/at all'],
    ['4194999', 'there is no process 4194999'],
  ]
  const others = [fifo, '/dev/null', '/etc/passwd', '/', '/proc/self/ns/uts']
  for (const runtime of runtimes) {
    for (const [name, reason] of cases) {
      const says = none('open: ENOENT: No such file or directory', reason)
      complains(t, `${runtime} ${name}`, conntrack(runtime, ['-L', '--netns', name]), { status: 1, says })
    }
    for (const name of others) {
      const says = none('setns: EINVAL: Invalid argument', `${name} is not a network namespace`)
      complains(t, `${runtime} ${name}`, conntrack(runtime, ['-C', '--netns', name]), { status: 1, says })
    }
  }
})

t.test('under Node without koffi, one is told to install it', { skip: skipKernel }, async (t) => {
  const koffi = realpathSync(join(root, 'packages/core/node_modules/koffi'))
  const store = join(dirname(dirname(koffi)), 'node_modules/@koromix')
  const addons = readdirSync(store).map((name) => realpathSync(join(store, name)))
  const empty = temporary(t)
  const script = 'empty=$1; shift; while [ "$1" != -- ]; do mount --bind "$empty" "$1" || exit 99; shift; done; shift; exec "$@"'
  const without = (...directories: string[]): string[] => ['unshare', '-m', 'sh', '-c', script, 'sh', empty, ...directories, '--']
  const says = 'the package koffi, which opens netlink sockets under Node, cannot be loaded: npm install koffi'
  complains(t, 'no koffi', conntrack('node', ['-L'], without(koffi)), { status: 1, says })
  t.not(addons.length, 0)
  complains(t, 'koffi without its machine code', conntrack('node', ['-C'], without(...addons)), { status: 1, says })
  t.same(conntrack('node', ['-V'], without(koffi)), { status: 0, stdout: `${NAME}\n`, stderr: '' }, 'what needs no socket needs no koffi')
  for (const runtime of ['bun', 'deno']) t.equal(conntrack(runtime, ['-C'], without(koffi, ...addons)).status, 0, `${runtime} has its own`)
  t.ok(createRequire(join(root, 'packages/core/package.json'))('koffi'), 'it was away for these programs only')
})

t.test('a system that is not Linux is told by its name', async (t) => {
  const preload = join(temporary(t), 'darwin.mjs')
  writeFileSync(preload, 'Object.defineProperty(process, "platform", { value: "darwin" })')
  const ways: [runtime: string, flag: string][] = [
    ['node', '--import'],
    ['bun', '--preload'],
  ]
  for (const [runtime, flag] of ways) {
    const program = [RUNTIMES[runtime] ?? '', flag, preload, '--conditions=@conntrack/source', join(root, 'packages/cli/src/bin.ts')]
    complains(t, runtime, command([...program, '-L']), { status: 1, says: 'connection tracking is a part of Linux, and this is darwin' })
    t.same(command([...program, '-V']), { status: 0, stdout: `${NAME}\n`, stderr: '' })
  }
})

t.test('Deno without --allow-ffi is told to have it', async (t) => {
  const flags = ['--quiet', '--no-prompt', '--no-config', '--no-lock', '--node-modules-dir=manual', '--conditions=@conntrack/source']
  const program = [RUNTIMES['deno'] ?? '', 'run', ...flags, '--allow-read', '--allow-env', join(root, 'packages/cli/src/bin.ts')]
  complains(t, 'deno', command([...program, '-C']), { status: 1, says: 'Deno may not open netlink sockets: run it with --allow-ffi' })
})

/** The program of bin.ts, over another kernel. */
async function over(socket: () => NetlinkSocket, args: readonly string[]): Promise<Outcome> {
  const { io, stdout, stderr } = kept()
  const status = await createCli({ protocols, formats, version: NAME, open: () => openConntrack({ protocols, socket }) })(args, io)
  return { status, stdout: stdout(), stderr: stderr() }
}

t.test('a kernel without connection tracking is told of, and how to get it', async (t) => {
  const EINVAL = 22
  const says = "this kernel has no connection tracking over netlink: load it with `modprobe nf_conntrack_netlink'"
  const create = ['-I', '-p', 'tcp', '-s', '192.0.2.1', '-d', '192.0.2.2', '--sport', '1', '--dport', '2', '--state', 'CLOSE', '-t', '9']
  for (const args of [['-L'], ['-L', 'dying'], ['-L', 'expect'], ['-C'], ['-S'], ['-F'], ['-D'], create]) {
    const kernel = scriptedKernel(({ sequence }) => [error(sequence, EINVAL)])
    complains(t, args.slice(0, 2).join(' '), await over(kernel, args), { status: 1, says })
    t.ok(
      kernel.sockets.every(({ closed }) => closed),
      'its sockets are closed',
    )
  }
  const withTracking = scriptedKernel(({ sequence, type }) => [type === 0x0100 ? error(sequence, EINVAL) : ack(sequence)])
  complains(t, 'a flow that the kernel refuses', await over(withTracking, create), {
    status: 1,
    says: 'Operation failed: invalid parameters',
  })
  const withoutNetlink = (): never => {
    throw new NetlinkError('socket', 93, { detail: 'load the module nf_conntrack_netlink' })
  }
  complains(t, 'no netlink', await over(withoutNetlink, ['-L']), { status: 1, says: /load the module nf_conntrack_netlink/ })
})

const wrong: [args: string, ...says: string[]][] = [
  ['-L -s foo', '`foo', '`-s'],
  ['-L -d 10.0.0.0/33', '`10.0.0.0/33', '`-d'],
  ['-L --sport 70000 -p tcp', '`70000', '`--sport'],
  ['-L -p tcp --dport=80-x', '`80-x', '`--dport'],
  ['-L -p tcp --state OPEN', '`OPEN', '`--state'],
  ['-L --sport 1', '`--sport', '-p tcp'],
  ['-L -m x', '`x', '`-m'],
  ['-L --mark 4294967296', '`4294967296', '`--mark'],
  ['-L -f ipv7', '`ipv7', '`-f'],
  ['-L -p nope', '`nope', '`-p'],
  ['-L -u NOPE', '`NOPE', '`-u'],
  ['-L -o nope', '`nope', '`-o'],
  ['-L -w 65536', '`65536', '`-w'],
  ['-L --frobnicate', '`--frobnicate'],
  ['-L -Q', '`-Q'],
  ['-L --st', 'ambiguous', '`--st'],
  ['-L --zero=3', '`--zero'],
  ['-L -s', '`-s', 'requires an argument'],
  ['-L nowhere', '`nowhere'],
  ['-L -s 10.0.0.1 -d ::1', '`-s 10.0.0.1', '`-d ::1'],
  ['-L -F', 'commands'],
  ['-s 10.0.0.1', '`-s', 'command'],
  ['-F -z', '`--zero'],
  ['-I', '`--protonum'],
  ['-I -p tcp', '`--timeout'],
  ['-I -p tcp -t 10 --state CLOSE', '`--src', '`--dst'],
]

t.test('wrong options are told of by name and value, with a hint at the help', async (t) => {
  for (const runtime of runtimes) {
    // What is said is the same on each runtime, which the tests of the command line see to: here is a process that says it.
    for (const [args, ...says] of runtime === 'bun' ? wrong : wrong.filter((_, i) => i % 9 === 0)) {
      const { status, stdout, stderr } = conntrack(runtime, args.split(' '))
      const what = `${runtime} ${args}`
      t.ok(stderr.endsWith(`\n${HINT}`), `${what}: the hint`)
      const line = stderr.slice(0, -HINT.length)
      complains(t, what, { status, stdout, stderr: line }, { status: 2, says: new RegExp(`^${NAME.replaceAll(/[().]/g, '\\$&')}: `) })
      for (const part of says) t.ok(line.includes(part), `${what}: says ${part}`, { line })
    }
  }
})

t.test('a file of command lines that cannot be read is told of by name', async (t) => {
  const directory = temporary(t)
  const missing = join(directory, 'missing')
  for (const runtime of runtimes) {
    for (const [file, code] of [
      [missing, 'ENOENT'],
      [directory, 'EISDIR'],
    ] as const)
      complains(t, `${runtime} ${code}`, conntrack(runtime, ['-R', file]), {
        status: 2,
        says: new RegExp(`: Failed to open file ${file} for reading: ${code}`),
      })
  }
})

/** Every format that has a name. */
const FORMATS = ['xml', 'save', 'json', 'csv', 'table']

/** A shell that changes where a program reads and writes. */
const redirected = (redirections: string): string[] => ['sh', '-c', `exec "$@" ${redirections}`, 'sh']

t.test('a full disk is an error, and said in one line', { skip: skipKernel }, async (t) => {
  const netns = namespace(t, 'disk')
  fill(netns, 1)
  const flow = ['-p', 'tcp', '-s', '10.0.0.0', '-d', '10.255.0.1', '--sport', '40000', '--dport', '443']
  for (const runtime of runtimes) {
    const lists = FORMATS.map((format) => ['-L', '-o', format])
    const others = [['-h'], ['-L', 'expect', '-o', 'xml'], ['-C'], ['-S'], ['-G', ...flow]]
    for (const args of [['-V'], ['-L'], ...lists, ...(runtime === 'bun' ? others : [])]) {
      const inside = ['-V', '-h'].includes(args[0]) ? args : [...args, '--netns', netns]
      complains(t, `${runtime} ${args.slice(0, 3).join(' ')}`, conntrack(runtime, inside, redirected('>/dev/full')), {
        status: 1,
        says: /no space left on device/i,
      })
    }
  }
})

t.test('a full disk while entries are changed: what was done is counted, and nothing more is done', { skip: skipKernel }, async (t) => {
  const netns = namespace(t, 'full')
  using ct = openConntrack({ protocols, netns })
  for (const runtime of runtimes) {
    for (const [args, word] of [
      [['-U', '-m', '7'], 'updated'],
      [['-D'], 'deleted'],
    ] as const) {
      ct.flows.flush()
      fill(netns, 1000)
      const { status, stderr } = conntrack(runtime, [...args, '--netns', netns], redirected('>/dev/full'))
      const told = Number(new RegExp(` (\\d+) flow entries have been ${word}`).exec(stderr)?.[1])
      t.equal(
        told,
        word === 'deleted' ? 1000 - ct.flows.count() : ct.flows.list({ mark: 7 }).forEach(() => {}),
        `${runtime} ${args[0]}: ${stderr}`,
      )
      t.match(stderr, /no space left on device/i)
      t.equal(status, 1)
    }
  }
})

t.test('closed output is as good as /dev/null', { skip: skipKernel }, async (t) => {
  const netns = namespace(t, 'closed')
  fill(netns, 300)
  const list = ['-L', '--netns', netns]
  const summary = `${NAME}: 300 flow entries have been shown.\n`
  for (const runtime of runtimes) {
    t.same(conntrack(runtime, list, redirected('>&-')), { status: 0, stdout: '', stderr: summary }, `${runtime}: stdout`)
    t.same(conntrack(runtime, ['-V'], redirected('>&-')), { status: 0, stdout: '', stderr: '' }, `${runtime}: stdout, of the version`)
    t.same(conntrack(runtime, list, redirected('<&- >&- 2>&-')), { status: 0, stdout: '', stderr: '' }, `${runtime}: everything`)
    const { status, stdout, stderr } = conntrack(runtime, list, redirected('2>&-'))
    t.same([status, stdout.split('\n').length, stderr], [0, 301, ''], `${runtime}: stderr`)
    t.match(stdout, /^(?:tcp .*\n)+$/, `${runtime}: nothing but flows where stderr is closed`)
    t.same(conntrack(runtime, ['-L', '-s', 'foo'], redirected('2>&-')), { status: 2, stdout: '', stderr: '' }, `${runtime}: a wrong option`)
  }
})

t.test('closed input is an empty one', { skip: skipKernel }, async (t) => {
  const netns = namespace(t, 'input')
  fill(netns, 3)
  for (const runtime of runtimes) {
    const { status, stdout, stderr } = conntrack(runtime, ['-L', '--netns', netns], redirected('<&-'))
    t.same([status, stdout.split('\n').length, stderr], [0, 4, `${NAME}: 3 flow entries have been shown.\n`], runtime)
    t.same(conntrack(runtime, ['-R', '-'], redirected('<&-')), { status: 0, stdout: '', stderr: '' }, `${runtime}: commands`)
  }
})

t.test('a directory that was removed behind one’s back does not matter to Bun and Node', async (t) => {
  const gone = join(temporary(t), 'gone')
  for (const runtime of ['bun', 'node']) {
    mkdirSync(gone)
    const { status, stdout } = conntrack(runtime, ['-V'], ['sh', '-c', 'cd "$1" && rmdir "$1" && shift && exec "$@"', 'sh', gone])
    t.same([status, stdout], [0, `${NAME}\n`], runtime)
  }
})
