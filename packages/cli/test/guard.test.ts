import { writeFileSync } from 'node:fs'
import { openConntrack } from '@conntrack/core'
import t, { type Test } from 'tap'
import { kernelFlows } from '../../core/test/entries.ts'
import { ack, type Datagrams, done, error, message, scriptedKernel, type ScriptedRequest } from '../../core/test/scripted-kernel.ts'
import type { Io } from '../src/io.ts'
import { createCli } from '../src/main.ts'
import { formats, kept, protocols, words } from './program.ts'

const [NEW, DELETE] = [0x0100, 0x0102]
const DUMP = 0x300
const ENOENT = 2
const encode = kernelFlows(protocols)

/** What the kernel has: a session of SSH, and three flows of UDP. */
const SSH = flow('tcp', '192.0.2.1', 51234, '198.51.100.1', 22)
const FLOWS = [
  flow('udp', '10.0.0.1', 1, '10.0.0.2', 53),
  SSH,
  flow('udp', '10.0.0.1', 2, '10.0.0.2', 53),
  flow('udp', '10.0.0.1', 3, '10.0.0.2', 53),
]

function flow(protocol: string, source: string, sourcePort: number, destination: string, destinationPort: number): Uint8Array {
  const protocolNumber = protocol === 'tcp' ? 6 : 17
  return encode({
    protocol,
    original: { source, destination, protocolNumber, sourcePort, destinationPort },
    reply: { source: destination, destination: source, protocolNumber, sourcePort: destinationPort, destinationPort: sourcePort },
    timeout: 100,
  })
}

interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
  /** The requests that would change something, by type. */
  readonly changes: readonly number[]
}

async function run(line: string | readonly string[], others: Partial<Io> = {}): Promise<Outcome> {
  const changes: number[] = []
  const answer = ({ type, flags, sequence, body }: ScriptedRequest): Datagrams => {
    if (type === NEW || type === DELETE) changes.push(type)
    if ((flags & DUMP) === DUMP && type !== NEW) return [...FLOWS.map((body) => message({ type: NEW, sequence, body })), done(sequence)]
    if (type !== 0x0101) return [ack(sequence)]
    // The one flow that can be asked for is the session, by its reply tuple.
    const isSession = Buffer.from(body).includes(Buffer.from([198, 51, 100, 1])) && Buffer.from(body).includes(Buffer.from([0xc8, 0x22]))
    return isSession ? [message({ type: NEW, sequence, body: SSH }), ack(sequence)] : [error(sequence, ENOENT)]
  }
  const { io, stdout, stderr } = kept()
  const cli = createCli({ protocols, formats, version: 'ct', open: () => openConntrack({ protocols, socket: scriptedKernel(answer) }) })
  const status = await cli(typeof line === 'string' ? words(line) : line, { ...io, ...others })
  return { status, stdout: stdout(), stderr: stderr(), changes }
}

const file = (t: Test, text: string): string => {
  const path = `${t.testdir({ lines: '' })}/lines`
  writeFileSync(path, text)
  return path
}

t.test('--dry-run shows what would be done, as the command itself would, and does nothing', async (t) => {
  for (const [line, summary, count] of [
    ['-D', 'ct: 4 flow entries would be deleted.\n', 4],
    ['-D -p udp', 'ct: 3 flow entries would be deleted.\n', 3],
    ['-D -p udp --sport 2 -o id', 'ct: 1 flow entries would be deleted.\n', 1],
    ['-F -f ipv4', 'ct: 4 flow entries would be deleted.\n', 4],
    ['-F', 'ct: 4 flow entries would be deleted.\n', 4],
  ] as const) {
    const dry = await run(`${line} --dry-run`)
    t.same(dry.changes, [], line)
    t.equal(dry.stderr, summary)
    t.equal(dry.stdout.split('\n').length - 1, count)
    const real = await run(line)
    t.ok(real.changes.length >= 1)
    t.equal(dry.status, real.status)
    if (line.startsWith('-D')) t.equal(dry.stdout, real.stdout)
  }
  const update = await run('-U -p udp -m 5 --dry-run')
  t.match(update, { changes: [], stderr: 'ct: 3 flow entries would be updated.\n', status: 0 })
  t.match(await run('-U -p udp -t 100 --dry-run'), { stderr: 'ct: 0 flow entries would be updated.\n', status: 1 }, 'they are as wanted')
  t.match(await run('-D --dry-run -o json'), { changes: [], stdout: /^(\{.*\}\n){4}$/ })
})

t.test('-R --dry-run goes through the file', async (t) => {
  const path = file(t, '-D -p udp --sport 1\n-I -p udp -s 1.1.1.1 -d 2.2.2.2 --sport 1 --dport 2 -t 9\n# none\n-U -p udp -m 1\n-F\n')
  const { status, stdout, stderr, changes } = await run(['-R', path, '--dry-run'])
  t.same([status, changes], [0, []])
  t.equal(stdout.split('\n').length - 1, 1 + 3 + 4)
  t.equal(
    stderr.replaceAll(path, 'lines'),
    [
      'ct: lines:1: 1 flow entries would be deleted.',
      'ct: lines:4: 3 flow entries would be updated.',
      'ct: lines:5: 4 flow entries would be deleted.',
      'ct: 1 flow entries would be created.\n',
    ].join('\n'),
  )
  const wrong = file(t, '-D\n-D -s nonsense\n')
  t.match(await run(['-R', wrong, '--dry-run']), { status: 2, changes: [], stderr: /:2:4: .*nonsense/ })
})

t.test('--max refuses to touch more, before anything is touched', async (t) => {
  for (const line of ['-D', '-U -m 5', '-F', '-F -f ipv4']) {
    const refused = await run(`${line} --max 3`)
    t.match(
      refused,
      { status: 1, stdout: '', changes: [], stderr: /^ct: more than 3 entries would be touched, which --max does not allow/ },
      line,
    )
    const done = await run(`${line} --max 4`)
    t.ok(done.status === 0 && done.changes.length > 0, `${line}: as many as it allows`)
  }
  t.match(await run('-D --max 9 --max 1'), { status: 1, changes: [] }, 'the smallest counts')
  t.match(await run('-D -p udp --sport 1 --max 1'), { status: 0 })
  for (const wrong of ['', 'x', '-1', '1.5', '1e3', '9'.repeat(30)])
    t.match(await run(['-D', `--max=${wrong}`]), { status: 2, changes: [], stderr: /`--max'/ }, wrong)
  const path = file(t, '-D -p udp\n-I -p udp -s 1.1.1.1 -d 2.2.2.2 --sport 1 --dport 2 -t 9\n')
  t.match(await run(['-R', path, '--max', '3']), { status: 1, changes: [] }, 'lines count together')
  t.match(await run(['-R', path, '--max', '4']), { status: 0, changes: [DELETE, DELETE, DELETE, NEW] })
  t.match(await run(['-R', path, '--max']), { status: 2, stderr: /requires an argument/ })
  t.match(await run(['-R', file(t, '-D --max 5\n')]), { status: 2, changes: [], stderr: /:1:1: .*follows `-R FILE`/ })
})

const SESSION = { person: () => ({ sshConnection: '192.0.2.1 51234 198.51.100.1 22' }) }

t.test('whoever sits at a terminal does not cut their own SSH session but by --force', async (t) => {
  const path = file(t, '-D -p tcp\n')
  for (const line of [['-D'], ['-D', '-p', 'tcp'], ['-D', '-s', '192.0.2.0/24'], ['-F'], ['-F', '-f', 'ipv4'], ['-R', path]]) {
    const what = line.join(' ')
    const refused = await run(line, SESSION)
    t.match(refused, { status: 2, stdout: '', changes: [] }, what)
    t.match(
      refused.stderr,
      /^ct: the flow of your SSH session, from 192\.0\.2\.1 port 51234, is among what is deleted: give --force /,
      what,
    )
    const forced = await run([...line, '--force'], SESSION)
    t.equal(forced.status, 0, `${what} --force`)
    t.match(forced.stderr, /^WARNING: the flow of your SSH session/)
    t.ok(forced.changes.length > 0)
    t.notMatch((await run(line)).stderr, /SSH/, `${what}: without a terminal nobody is asked`)
    t.notMatch((await run(line, { person: () => ({ sshConnection: undefined }) })).stderr, /SSH/, `${what}: on the machine's own terminal`)
    t.notMatch((await run(line, { person: () => ({ sshConnection: '$(reboot) \u001b[2J' }) })).stderr, /SSH/, `${what}: nonsense`)
  }
  t.match(await run('-D -p tcp --dport !22', SESSION), { status: 1, stderr: 'ct: 0 flow entries have been deleted.\n' })
  for (const line of ['-D -p udp', '-D -s 10.0.0.1', '-U -m 1', '-L', '-F expect', '-D --dry-run', '-F --dry-run'])
    t.match(await run(line, SESSION), { status: 0, stderr: /^(?!.*SSH)/ }, `${line} does not touch it`)
})

t.test('the options stand with the commands that they are for', async (t) => {
  for (const line of ['-L --dry-run', '-C --max 3', '-U -m 1 --force', '-I --dry-run', '-L --force', '-G --max 1'])
    t.match(await run(line), { status: 2 }, line)
  const help = await run('-h')
  for (const option of ['--dry-run', '--max COUNT', '--force']) t.ok(help.stdout.includes(option), option)
})
