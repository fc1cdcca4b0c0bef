// runtimes: node
// timeout: 180
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { namespace, skipTraffic as skip, trackLoopback, traffic, within } from '../packages/core/test/real-kernel.ts'
import { command, root, RUNTIMES } from './support/program.ts'

/** How each runtime runs an example; Deno with no more than it needs. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  bun: ['--no-install'],
  node: [],
  deno: ['run', '--quiet', '--no-prompt', '--no-config', '--no-lock', '--node-modules-dir=manual', '--allow-ffi'],
}

/** What goes over the loopback: connections to port 80 come to a server on 8080, queries to 127.0.0.1 to a backend at 127.0.0.2. */
const NAT = `add table ip n; add chain ip n o { type nat hook output priority -100; }; \
add rule ip n o tcp dport 80 redirect to :8080; add rule ip n o udp dport 53 dnat to 127.0.0.2`

/** A download of 12 MB whose connection stays, and a query that nobody answers. */
const TRAFFIC = `
import socket, sys, threading
server = socket.create_server(('127.0.0.1', 8080))
def serve():
    peer, _ = server.accept()
    peer.sendall(bytes(12_000_000))
    globals()['kept'] = peer
threading.Thread(target=serve, daemon=True).start()
client = socket.create_connection(('127.0.0.1', 80))
left = 12_000_000
while left > 0: left -= len(client.recv(1_000_000))
query = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
query.sendto(b'?', ('127.0.0.1', 53))
print('there it is', flush=True)
sys.stdin.read()
`

interface Running {
  readonly child: ChildProcess
  readonly out: () => string
  readonly end: Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }>
}

for (const runtime of Object.keys(RUNTIMES))
  t.test(`the examples do on ${runtime} and the real kernel what they say`, { skip }, async (t) => {
    const [here, there] = [namespace(t), namespace(t)]
    trackLoopback(here)
    within(here, 'nft', NAT)
    const program = ['ip', 'netns', 'exec', here, RUNTIMES[runtime] ?? '', ...(FLAGS[runtime] ?? []), '--conditions=@conntrack/source']
    const words = (example: string, args: readonly string[]): string[] => [...program, join(root, 'examples', `${example}.ts`), ...args]
    const run = (example: string, ...args: string[]) => command(words(example, args))

    t.match(run('wait-established', '127.0.0.1', '80', '0.01'), { status: 1, stderr: /^no connection to 127.0.0.1 port 80/ })
    const log = start(t, words('nat-log', []))
    const waiting = start(t, words('wait-established', ['127.0.0.1', '80', '60']))
    await until(() => listeners(here) === 2)
    await traffic(t, here, TRAFFIC)

    const { status, stdout } = await waiting.end
    t.equal(status, 0, 'wait-established')
    for (const part of [/tcp/, /ESTABLISHED/, /destinationPort: 80\b/, /sourcePort: 8080/]) t.match(stdout, part)
    t.match(run('wait-established', '127.0.0.1', '80'), { status: 0, stdout: /ESTABLISHED/ }, 'and at once where it is there already')

    t.match(run('top-talkers'), { status: 0, stdout: /^ +12\d{6} {2}127\.0\.0\.1\n$/ })
    t.match(run('mark'), { status: 0, stdout: '1 flows marked\n' })
    t.match(within(here, 'conntrack', '-L', '-m', '0x10'), /^tcp .*dport=80 .*mark=16 .*\n$/)

    t.match(run('migrate', here, there), { status: 0, stdout: '2 flows copied, 0 were there already\n', stderr: '' })
    t.match(run('migrate', here, there), { status: 0, stdout: '0 flows copied, 2 were there already\n', stderr: '' })
    t.match(within(there, 'conntrack', '-L'), /^tcp .*ESTABLISHED .*dport=80 .*sport=8080 .*mark=16 /m)

    t.match(run('stale-udp', '127.0.0.1', '53', '127.0.0.2'), { status: 0, stdout: '0 flows deleted\n' })
    t.match(run('stale-udp', '127.0.0.1', '53', '127.0.0.3'), { status: 0, stdout: '1 flows deleted\n' })
    t.equal(within(here, 'conntrack', '-L', '-p', 'udp'), '')

    await until(() => log.out().split('\n').length > 3)
    log.child.kill()
    const logged = await log.end
    t.match(logged, { status: 0, stderr: '' })
    t.match(
      logged.stdout
        .trimEnd()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
      [
        {
          type: 'new',
          protocol: 'tcp',
          original: { destinationPort: 80 },
          translated: { destination: '127.0.0.1', destinationPort: 8080 },
        },
        { type: 'new', protocol: 'udp', original: { destinationPort: 53 }, translated: { destination: '127.0.0.2', destinationPort: 53 } },
        { type: 'destroy', protocol: 'udp', translated: { destination: '127.0.0.2' }, sent: '29', answered: '0' },
      ],
    )
  })

/** Starts a program, which is ended with the test. */
function start(t: Test, [program = '', ...args]: readonly string[]): Running {
  const child = spawn(program, args, { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const end: Running['end'] = new Promise((resolve) => child.on('close', (status) => resolve({ status, stdout, stderr })))
  return { child, out: () => stdout, end }
}

/** How many sockets of a namespace listen to netfilter's groups. */
function listeners(netns: string): number {
  return within(netns, 'cat', '/proc/net/netlink').match(/^\S+\s+12\s+\d+\s+0000000[1-9a-f]/gm)?.length ?? 0
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20))
}
