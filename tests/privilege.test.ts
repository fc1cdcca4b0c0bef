// runtimes: node
// timeout: 240
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { command, conntrack, launcher, root, RUNTIMES, skipKernel, temporary } from './support/program.ts'

const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']
const OWN_WORLD = [...NOBODY, 'unshare', '-Urn']
const runtimes = Object.keys(RUNTIMES)

/** Why somebody else cannot run this clone, or cannot have namespaces of their own, or false. */
function skipNobody(): string | false {
  if (skipKernel) return skipKernel
  const files = [launcher, ...Object.values(RUNTIMES), join(root, 'packages/cli/src/bin.ts')]
  if (command([...NOBODY, 'sh', '-c', 'for f; do test -r "$f" || exit 1; done', 'sh', ...files]).status !== 0)
    return 'another user cannot read this clone'
  return command([...OWN_WORLD, 'true']).status === 0 ? false : 'another user may not make namespaces here'
}

t.test('whoever is not root has help, completion, the demonstration, and mistakes are told', { skip: skipNobody() }, async (t) => {
  const file = join(temporary(t), 'lines')
  writeFileSync(file, '-D -s nonsense\n', { mode: 0o644 })
  for (const runtime of runtimes) {
    const run = (...args: string[]) => conntrack(runtime, args, NOBODY)
    t.match(run('-V'), { status: 0, stderr: '' }, `${runtime} -V`)
    t.match(run('-h', '-p', 'tcp'), { status: 0, stdout: /--sport/, stderr: '' }, `${runtime} -h`)
    t.match(run('--completion', 'bash'), { status: 0, stderr: '' }, `${runtime} --completion`)
    t.match(run('-L', '--demo'), { status: 0, stdout: /tcp {6}6/ }, `${runtime} --demo`)
    t.match(run('-E', '--demo', '--count', '1'), { status: 0, stdout: /src=/, stderr: /^DEMONSTRATION: / }, `${runtime} -E --demo`)
    t.match(run('-L', '-s', 'nonsense'), { status: 2, stderr: /`nonsense'/ }, `${runtime} -s`)
    t.match(run('-D', '--max', 'x'), { status: 2, stderr: /`x'/ }, `${runtime} --max`)
    t.match(run('-D', '--dry-run'), { status: 1, stdout: '', stderr: /CAP_NET_ADMIN/ }, `${runtime}: the capability that is missing`)
    t.match(run('-L', '--netns', '/proc/self/ns/net'), { status: 1, stderr: /CAP_SYS_ADMIN/ }, `${runtime}: and for another namespace`)
  }
})

t.test('the demonstration needs no netfilter, and no socket at all', { skip: skipKernel }, async (t) => {
  const withoutSockets = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=socket', '-e', 'inject=socket:error=EPROTONOSUPPORT']
  for (const runtime of runtimes) {
    t.match(conntrack(runtime, ['-C'], withoutSockets), { status: 1, stdout: '' }, `${runtime}: the kernel has none`)
    t.match(conntrack(runtime, ['-L', '--demo', '-o', 'table'], withoutSockets), { status: 0, stdout: /^PROTO [^]*ESTABLISHED/ }, runtime)
    t.match(conntrack(runtime, ['-E', '--demo', '--count', '2'], withoutSockets), { status: 0, stdout: /src=.*\n.*src=/ }, runtime)
  }
})

t.test('in a user namespace of one’s own everything works, without root', { skip: skipNobody() }, async (t) => {
  const script = `
    ct=$1
    set -e
    $ct -I -p udp -s 1.1.1.1 -d 2.2.2.2 --sport 1 --dport 2 -t 90
    printf '%s\\n' '-A -p tcp -s 1.1.1.1 -d 2.2.2.2 --sport 1 --dport 2 -t 90 --state CLOSE' | $ct -R -
    $ct -G -p udp -s 1.1.1.1 -d 2.2.2.2 --sport 1 --dport 2 -o json
    $ct -U -p udp -m 5
    $ct -L -m 5
    $ct -C
    $ct -S
    $ct -D -p tcp
    $ct -F
    $ct -C`
  for (const runtime of runtimes) {
    const { status, stdout, stderr } = command([...OWN_WORLD, 'sh', '-c', script, 'sh', launcher], {
      ...process.env,
      CONNTRACK_RUNTIME: runtime,
    })
    t.equal(status, 0, `${runtime}: ${stderr}`)
    t.match(stdout, /^\{"version":1,"protocol":"udp".*\n(?:udp.* mark=5 use=\d\n){2}2\ncpu=0 /, runtime)
    t.match(stdout, /\ntcp {6}6 \d+ CLOSE .*\n0\n$/, runtime)
    t.notMatch(stderr, /Operation failed|WARNING/, runtime)
  }
})

t.test('few descriptors or little memory: the right answer or none, and always an end', { skip: skipKernel }, async (t) => {
  const own = ['unshare', '-n', 'sh', '-c']
  // What a runtime needs for itself is its own matter; below that it may say so or crash.
  for (const runtime of runtimes) {
    let right = 0
    for (const limit of ['-n 16', '-n 32', '-v 500000', '-v 100000000']) {
      const { status, stdout } = command([...own, `ulimit -c 0; ulimit ${limit}; exec "$0" -C`, launcher], {
        ...process.env,
        CONNTRACK_RUNTIME: runtime,
      })
      t.equal(stdout, status === 0 ? '0\n' : '', `${runtime} with ulimit ${limit}: ${status}`)
      if (status === 0) right++
    }
    t.ok(right >= 2, `${runtime}: ${right} of 4 were enough`)
  }
})
