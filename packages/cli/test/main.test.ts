import { NetlinkError, openConntrack } from '@conntrack/core'
import t from 'tap'
import { realFlows } from '../../core/test/real-flows.ts'
import { ack, type Datagrams, done, error, message, scriptedKernel, type ScriptedRequest } from '../../core/test/scripted-kernel.ts'
import { createCli } from '../src/main.ts'
import { formats, kept, protocols, words } from './program.ts'

const VERSION = 'conntrack v9.9.9 (conntrack.ts)'
const HINT = "Try `conntrack -h' or 'conntrack --help' for more information.\n"
const [NEW, GET, DELETE, ZERO, CPUS, COUNT] = [0x0100, 0x0101, 0x0102, 0x0103, 0x0104, 0x0105]
const DUMP = 0x300
const EINVAL = 22

interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
  readonly asked: readonly ScriptedRequest[]
}

/** Runs a command line against a kernel that is a function; of none, a kernel that has these flows. */
async function run(line: string | readonly string[], answer: (request: ScriptedRequest) => Datagrams = listing): Promise<Outcome> {
  const asked: ScriptedRequest[] = []
  const { io, stdout, stderr } = kept()
  const cli = createCli({
    protocols,
    formats,
    version: VERSION,
    open: (options) =>
      openConntrack({
        protocols: options.protocols,
        socket: scriptedKernel((request) => {
          asked.push(request)
          return answer(request)
        }),
      }),
  })
  const status = await cli(typeof line === 'string' ? words(line) : line, io)
  return { status, stdout: stdout(), stderr: stderr(), asked }
}

function listing({ type, flags, sequence }: ScriptedRequest): Datagrams {
  if (type === CPUS || type === COUNT || (flags & DUMP) !== DUMP) return [ack(sequence)]
  return [...realFlows.map(({ family, body }) => message({ type: NEW, sequence, family, body })), done(sequence)]
}

const refusing =
  (errno: number, detail?: string) =>
  ({ sequence }: ScriptedRequest): Datagrams => [error(sequence, errno, { detail })]

/** The lines of the flows that hold a word, without the age, as `-o extended,id` shows them. */
const shown = (...wanted: string[]): string[] =>
  realFlows.map(({ line }) => line).filter((line) => wanted.every((word) => line.includes(word)))
const lines = (stdout: string): string[] =>
  stdout
    .replaceAll(/ delta-time=\d+/g, '')
    .split('\n')
    .slice(0, -1)

t.test('without words, and with -h, it helps', async (t) => {
  for (const line of ['', '-h', '--help', '-h -p tcp']) {
    const { status, stdout, stderr, asked } = await run(line)
    t.equal(status, 0)
    t.match(stdout, /^conntrack v9\.9\.9 \(conntrack\.ts\): .*\n\nUsage: conntrack /)
    t.equal(stderr, '')
    t.equal(asked.length, 0, 'and asks nobody')
  }
})

t.test('-V tells the version', async (t) => {
  for (const line of ['-V', '--version', '--ver']) {
    const { status, stdout, stderr, asked } = await run(line)
    t.strictSame({ status, stdout, stderr, asked }, { status: 0, stdout: `${VERSION}\n`, stderr: '', asked: [] })
  }
})

t.test('-L shows the flows on stdout and their number on stderr', async (t) => {
  const { status, stdout, stderr } = await run('-L -o extended,id')
  t.equal(status, 0)
  t.strictSame(lines(stdout), shown())
  t.equal(stderr, `${VERSION}: ${realFlows.length} flow entries have been shown.\n`)
  const plain = shown().map((line) => line.replace(/^ipv[46] +\d+ /, '').replace(/ id=\d+$/, ''))
  t.strictSame(lines((await run('-L')).stdout), plain)
})

t.test('-L shows those that fit', async (t) => {
  const cases: [line: string, ...wanted: string[]][] = [
    ['-L -p tcp', ' tcp '],
    ['-L -f ipv6', 'ipv6'],
    ['-L -p udp --dport 53', ' udp ', ' sport=1', ' dport=53 '],
    ['-L -s fd00:9::1 -p icmpv6', 'icmpv6'],
    ['-L -s 10.9.0.0/24 -p tcp', ' tcp ', ' src=10.9.0.1 '],
    ['-L -p tcp --state ESTABLISHED -m 7', ' mark=7 '],
    ['-L -w 12', ' zone=12 '],
    ['-L --orig-zone 5', ' zone-orig=5 '],
    ['-L -u ASSURED', '[ASSURED]'],
    ['-L -p 99 -f ipv4', 'unknown', 'ipv4'],
    ['-L -i 2731259306', 'id=2731259306'],
    ['-L -p gre --dstkey 0x1234', 'srckey=0x0 dstkey=0x1234'],
    ['-L -n', ' dst=10.3.3.3 '],
    ['-L -s 1.1.1.1', 'none of them'],
  ]
  for (const [line, ...wanted] of cases) {
    const { status, stdout, stderr } = await run(`${line} -o extended,id`)
    const expected = shown(...wanted)
    t.equal(status, 0)
    t.strictSame(lines(stdout), expected, line)
    t.equal(stderr, `${VERSION}: ${expected.length} flow entries have been shown.\n`)
  }
})

t.test('-L -o json writes an object a line', async (t) => {
  const { stdout } = await run('-L -o json')
  const flows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { protocol: string })
  t.equal(flows.length, realFlows.length)
  t.equal(flows[0].protocol, 'gre')
})

t.test('a table that changed while it was listed is told', async (t) => {
  const { status, stderr } = await run('-L', ({ sequence }) => [done(sequence, 0, { flags: 0x10 })])
  t.equal(status, 0)
  t.match(stderr, /^WARNING: the table changed while it was listed: .*\n.*0 flow entries have been shown\.\n$/)
})

t.test('-L -z zeroes the counters', async (t) => {
  const { asked } = await run('-L -z')
  t.strictSame(
    asked.map(({ type }) => type),
    [ZERO],
  )
})

t.test('-C shows the number of entries', async (t) => {
  const body = Buffer.from('080001000000001108000200 00040000'.replaceAll(' ', ''), 'hex')
  const { status, stdout, stderr } = await run('-C', ({ type, sequence }) =>
    type === COUNT ? [message({ type, sequence, flags: 0, body }), ack(sequence)] : [],
  )
  t.strictSame({ status, stdout, stderr }, { status: 0, stdout: '17\n', stderr: '' })
})

t.test('-S shows what each CPU has counted', async (t) => {
  const body = (found: number): Uint8Array => Uint8Array.of(8, 0, 2, 0, 0, 0, 0, found, 8, 0, 15, 0, 0, 0, 1, 0)
  const { status, stdout, stderr } = await run('-S', ({ type, sequence }) => [
    message({ type, sequence, resource: 0, body: body(1) }),
    message({ type, sequence, resource: 130, body: body(2) }),
    done(sequence),
  ])
  t.strictSame(
    { status, stdout, stderr },
    { status: 0, stdout: 'cpu=0   \tfound=1 chaintoolong=256 \ncpu=130 \tfound=2 chaintoolong=256 \n', stderr: '' },
  )
})

t.test('-G shows one flow, or says that there is none', async (t) => {
  const line = '-G -p tcp -s 127.0.0.1 -d 127.0.0.1 --sport 40021 --dport 21 -o extended,id'
  const { body, line: expected } = realFlows[realFlows.length - 1]
  const answer = ({ sequence }: ScriptedRequest): Datagrams => [message({ type: NEW, sequence, flags: 0, body }), ack(sequence)]
  const found = await run(line, answer)
  t.equal(found.status, 0)
  t.strictSame(lines(found.stdout), [expected])
  t.equal(found.stderr, `${VERSION}: 1 flow entries have been shown.\n`)
  const missing = await run(line, refusing(2))
  t.strictSame(
    { status: missing.status, stdout: missing.stdout, stderr: missing.stderr },
    { status: 1, stdout: '', stderr: `${VERSION}: Operation failed: such conntrack doesn't exist\n` },
  )
  const other = await run(`${line} -i 5`, answer)
  t.equal(other.status, 1, 'not the one with this id')
  t.equal(other.stderr, `${VERSION}: 0 flow entries have been shown.\n`)
})

t.test('-G shows no flow whose reply is what was given as the original direction', async (t) => {
  const { body } = realFlows[realFlows.length - 1]
  const { status, stdout, stderr } = await run('-G -p tcp -s 127.0.0.1 -d 127.0.0.1 --sport 21 --dport 40021', ({ sequence }) => [
    message({ type: NEW, sequence, flags: 0, body }),
    ack(sequence),
  ])
  t.strictSame({ status, stdout, stderr }, { status: 1, stdout: '', stderr: `${VERSION}: 0 flow entries have been shown.\n` })
})

t.test('an ICMP id that is not given is 0', async (t) => {
  for (const command of ['-I -t 60', '-G']) {
    const { asked } = await run(`${command} -p icmp -s 1.1.1.1 -d 2.2.2.2 --icmp-type 8 --icmp-code 0`, ({ sequence }) => [ack(sequence)])
    t.match(Buffer.from(asked[0].body).toString('hex'), '0600040000000000', 'CTA_PROTO_ICMP_ID')
  }
})

t.test('-I and -A make a flow, and refuse or change one that is there', async (t) => {
  const options = '-p udp -s 1.1.1.1 -d 2.2.2.2 --sport 1 --dport 2 -t 60'
  const made = await run(`-I ${options}`)
  t.strictSame({ status: made.status, stdout: made.stdout }, { status: 0, stdout: '' })
  t.equal(made.stderr, `${VERSION}: 1 flow entries have been created.\n`)
  t.equal(made.asked[0].flags & 0x600, 0x600, 'NLM_F_CREATE | NLM_F_EXCL')
  const added = await run(`-A ${options}`)
  t.equal(added.stderr, `${VERSION}: 1 flow entries have been added.\n`)
  t.equal(added.asked[0].flags & 0x600, 0x400)
  const exists = await run(`-I ${options}`, refusing(17))
  t.equal(exists.status, 1)
  t.equal(exists.stderr, `${VERSION}: Operation failed: Such conntrack exists, try -U to update\n`)
})

t.test('-D deletes the flows that fit and shows them', async (t) => {
  const { status, stdout, stderr, asked } = await run('-D -p tcp -o extended,id')
  t.equal(status, 0)
  t.strictSame(lines(stdout), shown(' tcp '))
  t.equal(stderr, `${VERSION}: ${shown(' tcp ').length} flow entries have been deleted.\n`)
  t.equal(asked.filter(({ type }) => type === DELETE).length, shown(' tcp ').length)
})

t.test('-U changes a state, which is a word of one protocol', async (t) => {
  const flow = realFlows.find(({ line }) => line.includes(' tcp ') && line.includes(' sport=1000 ')) as (typeof realFlows)[number]
  const { status, stdout, stderr, asked } = await run('-U -p tcp --sport 1000 --state CLOSE -o extended,id', (request) => {
    const { type, flags, sequence } = request
    if (type !== GET || (flags & DUMP) === DUMP) return listing(request)
    return [message({ type: NEW, sequence, flags: 0, body: flow.body }), ack(sequence)]
  })
  t.equal(status, 0)
  t.strictSame(lines(stdout), [flow.line], 'as the kernel shows it afterwards')
  t.equal(stderr, `${VERSION}: 1 flow entries have been updated.\n`)
  t.equal(asked.filter(({ type }) => type === NEW).length, 1)
})

t.test('-D and -U of nothing are status 1', async (t) => {
  for (const [line, word] of [
    ['-D -s 1.1.1.1', 'deleted'],
    ['-U -s 1.1.1.1 -m 1', 'updated'],
  ]) {
    const { status, stdout, stderr } = await run(line)
    t.strictSame({ status, stdout, stderr }, { status: 1, stdout: '', stderr: `${VERSION}: 0 flow entries have been ${word}.\n` })
  }
})

t.test('what was done before an error is shown and counted', async (t) => {
  let deleted = 0
  const { status, stdout, stderr } = await run('-D', (request) => {
    if (request.type !== DELETE) return listing(request)
    return deleted++ < 3 ? [ack(request.sequence)] : [error(request.sequence, 16)]
  })
  t.equal(status, 1)
  t.equal(lines(stdout).length, 3)
  const [summary, failure, ...named] = lines(stderr)
  t.equal(summary, `${VERSION}: 3 flow entries have been deleted.`)
  t.match(failure, /Operation failed: \d+ entries: Device or resource busy\. The first:$/)
  t.equal(named.length, 10, 'the first few are named')
  t.match(named[0], /^ {2}\w+ source=\S+ destination=\S+ .*: EBUSY$/)
})

t.test('of one entry that is refused only the reason is told', async (t) => {
  let asked = 0
  const { stderr } = await run('-D', (request) =>
    request.type === DELETE ? [asked++ === 1 ? error(request.sequence, 16) : ack(request.sequence)] : listing(request),
  )
  t.match(stderr, /: Operation failed: Device or resource busy\n$/)
})

t.test('-D --quiet and -U --quiet show nothing; that there was nothing is the status', async (t) => {
  const quiet = async (line: string, answer?: Parameters<typeof run>[1]) => {
    const { status, stdout, stderr } = await run(line, answer)
    return { status, stdout, stderr }
  }
  t.strictSame(await quiet('-D --quiet -p tcp'), { status: 0, stdout: '', stderr: '' })
  t.strictSame(await quiet('-D --quiet -s 1.1.1.1'), { status: 1, stdout: '', stderr: '' })
  t.strictSame(await quiet('-U --quiet -m 77'), { status: 0, stdout: '', stderr: '' })
  t.strictSame(await quiet('-U --quiet -s 1.1.1.1 -m 77'), { status: 1, stdout: '', stderr: '' })
})

t.test('-F takes conditions, and says that not all is gone', async (t) => {
  const { status, stderr } = await run('-F -p tcp')
  t.strictSame({ status, stderr }, { status: 0, stderr: `${VERSION}: the flow entries that fit have been deleted.\n` })
})

t.test('--explain tells who checks what, and does nothing', async (t) => {
  for (const [line, told] of [
    ['-L --explain', 'the kernel checks: nothing\nonly this program checks: nothing\n'],
    [
      '-L --explain -s 10.0.0.1 -p tcp --dport 80 -t 5',
      'the kernel checks: family, original.source, original.destinationPort, protocol\nonly this program checks: timeout\n',
    ],
    [
      '-F --explain -m 5',
      'the kernel checks: mark\nonly this program checks: nothing\na flush in one message, if the kernel shows that it honours it\n',
    ],
    ['-D --quiet --explain -t 5', 'the kernel checks: nothing\nonly this program checks: timeout\nentries are listed and deleted\n'],
  ]) {
    const { status, stdout, stderr, asked } = await run(line)
    t.strictSame({ status, stdout, stderr, asked }, { status: 0, stdout: told, stderr: '', asked: [] }, line)
  }
})

t.test('-F empties the table, and says so when it is empty', async (t) => {
  const { status, stdout, stderr } = await run('-F')
  t.strictSame({ status, stdout, stderr }, { status: 0, stdout: '', stderr: `${VERSION}: connection tracking table has been emptied.\n` })
  const refused = await run('-F', refusing(1))
  t.equal(refused.status, 1)
  t.notMatch(refused.stderr, /emptied/)
})

t.test('errors of the kernel are one line and status 1', async (t) => {
  const create = '-I -p udp -s 1.1.1.1 -d 2.2.2.2 --sport 1 --dport 2 -t 60'
  const get = '-G -p udp -s 1.1.1.1 -d 2.2.2.2 --sport 1 --dport 2'
  const cases: [line: string, errno: number, text: string][] = [
    ['-L', 1, 'sorry, you must be root or get CAP_NET_ADMIN capability to do this'],
    [create, 1, 'sorry, you must be root or get CAP_NET_ADMIN capability to do this'],
    ['-L', 12, 'not enough memory'],
    [create, 16, 'Device or resource busy'],
    [create, 62, 'conntrack has expired'],
    [create, 95, 'Operation not supported'],
    [get, 2, "such conntrack doesn't exist"],
    [get, 97, 'protocol not supported'],
    ['-L', 513, 'Unknown error 513'],
  ]
  for (const [line, errno, text] of cases) {
    const { status, stdout, stderr } = await run(line, refusing(errno))
    t.strictSame(
      { status, stdout, stderr },
      { status: 1, stdout: '', stderr: `${VERSION}: Operation failed: ${text}\n` },
      `${line} ${errno}`,
    )
  }
  t.equal(
    (await run('-L', refusing(16, 'the kernel says why'))).stderr,
    `${VERSION}: Operation failed: Device or resource busy (the kernel says why)\n`,
  )
})

t.test('a kernel that takes everything for wrong has no connection tracking, and the cure is told', async (t) => {
  const lines = ['-L', '-C', '-S', '-F', '-D', '-U -m 1', '-I -p udp -s 1.1.1.1 -d 2.2.2.2 --sport 1 --dport 2 -t 60']
  for (const line of [...lines, '-G -p udp -s 1.1.1.1 -d 2.2.2.2 --sport 1 --dport 2']) {
    const { status, stdout, stderr } = await run(line, refusing(EINVAL))
    t.strictSame({ status, stdout }, { status: 1, stdout: '' }, line)
    t.match(
      stderr,
      /^conntrack v9\.9\.9 \(conntrack\.ts\): this kernel has no connection tracking .*modprobe nf_conntrack_netlink.*\n$/,
      line,
    )
  }
})

t.test('a system call that takes something for wrong is another matter', async (t) => {
  const { io, stderr } = kept()
  const cli = createCli({
    protocols,
    formats,
    version: VERSION,
    open: (options) =>
      openConntrack({
        protocols: options.protocols,
        socket: () => {
          throw new NetlinkError('setns', EINVAL, { detail: '/etc/passwd is not a network namespace' })
        },
      }),
  })
  t.equal(await cli(['-L'], io), 1)
  t.match(stderr(), /^[^\n]*\/etc\/passwd is not a network namespace[^\n]*\n$/)
})

t.test('one that takes only this for wrong says so', async (t) => {
  const line = '-I -p icmp -s 1.1.1.1 -d 2.2.2.2 --icmp-type 3 --icmp-code 0 -t 60'
  const { status, stderr } = await run(line, (request) => (request.type === COUNT ? [ack(request.sequence)] : refusing(EINVAL)(request)))
  t.equal(status, 1)
  t.equal(stderr, `${VERSION}: Operation failed: invalid parameters\n`)
})

t.test('wrong usage is status 2, one line that names what is wrong, and a hint', async (t) => {
  const create = '-I -s 1.1.1.1 -d 2.2.2.2 -t 1'
  const cases: [line: string, message: RegExp][] = [
    ['-X', /unknown option `-X'/],
    ['-LX', /unknown option `-X'/],
    ['--bogus', /unknown option `--bogus'/],
    ['--bogus=1', /unknown option `--bogus'/],
    ['-L --s 1', /ambiguous option `--s'/],
    ['-L -D', /Invalid commands combination/],
    ['-LD', /Invalid commands combination/],
    ['-V -h', /Invalid commands combination/],
    ['-L foo', /unknown type `foo'/],
    ['-D dying', /-D .* `dying'/],
    ['-U expect', /-U .* `expect'/],
    ['-A expect', /-A .* `expect'/],
    ['-L -s', /option `-s' requires an argument/],
    ['-L --mark', /option `--mark' requires an argument/],
    ['-L --dump=expect', /Invalid commands combination/],
    ['--dump=foo', /unknown type `foo'/],
    ['-V --version=1', /option `--version' takes no argument/],
    ['-L -s foo', /`foo' .*`-s'.* IP address/],
    ['-L -s 1.2.3.4.5', /`1.2.3.4.5' .*`-s'/],
    ['-L -s 1.2.3.4/33', /`1.2.3.4\/33' .*`-s': .*netmask/],
    ['-L -s 1.2.3.4/-1', /`1.2.3.4\/-1' .*`-s': .*netmask/],
    ['-L -s 1.2.3.4/x', /`1.2.3.4\/x' .*`-s': .*netmask/],
    ['-L -s 1.1.1.1 -d ::1', /mismatched address family: `-s 1.1.1.1' and `-d ::1'/],
    ['-L -f ipv6 -s 1.1.1.1', /mismatched address family: `-f ipv6' and `-s 1.1.1.1'/],
    ['-L -f foo', /`foo' .*`-f'/],
    ['-L -f ipv4foo', /`ipv4foo' .*`-f'/],
    ['-L -p foo', /`foo' unsupported protocol .*`-p'/],
    ['-L -p 256', /`256' unsupported protocol .*`-p'/],
    ['-L -p -1', /`-1' unsupported protocol .*`-p'/],
    ['-L -p tcp --state FOO', /`FOO' .*`--state'.*ESTABLISHED/],
    ['-L -p tcp --state established', /`established' .*`--state'/],
    ['-L -p sctp --state FOO', /`FOO' .*`--state'.*COOKIE_WAIT/],
    ['-L -p dccp --state FOO', /`FOO' .*`--state'.*PARTOPEN/],
    [`${create} -p dccp --sport 1 --dport 2 --state OPEN --role foo`, /`foo' .*`--role'.*client/],
    ['-L -u FOO', /`FOO' .*`-u'/],
    ['-L -u ,', /`,' .*`-u'/],
    ['-L -u ASSURED,', /`ASSURED,' .*`-u'/],
    ['-L -o foo', /Bad parameter `foo' .*`-o'/],
    ["-L -o ''", /Bad parameter `' .*`-o'/],
    ['-L -o id,', /Bad parameter `' .*`-o'/],
    ['-L -o xml,save', /xml and save/],
    ['-L -m foo', /`foo' .*`-m'/],
    ['-L -m 0x100000000', /`0x100000000' .*`-m'/],
    ['-L -m -1', /`-1' .*`-m'/],
    ['-L -m 1/', /`1\/' .*`-m'/],
    ['-L -w 65536', /`65536' .*`-w'/],
    ['-L --orig-zone foo', /`foo' .*`--orig-zone'/],
    ['-L -i foo', /`foo' .*`-i'/],
    ['-L -t foo', /`foo' .*`-t'/],
    ['-L -n 1.1.1.1:', /`1.1.1.1:' .*`-n': No port specified after `:'/],
    ['-L -n 1.1.1.1:65536', /`1.1.1.1:65536' .*`-n'/],
    ['-L -n []:80', /`\[\]:80' .*`-n': No IPv6 address specified/],
    ['-L -n [::1', /`\[::1' .*`-n': No closing '\]' around IPv6 address/],
    ['-L -n -j', /cannot specify `--src-nat' or `--dst-nat' with `--any-nat'/],
    ['-L -z -p tcp', /Can't use -z with filtering parameters/],
    ['-L -z -n', /Can't use -z with filtering parameters/],
    ['-L --sport 1', /unknown option `--sport': .* -p tcp/],
    ['-L -p icmp --sport 1', /unknown option `--sport': .* -p tcp/],
    ['-L -p tcp --sport 70000', /`70000' .*`--sport'/],
    ['-L -p tcp --sport -1', /`-1' .*`--sport'/],
    ['-L -p tcp --sport foo', /`foo' .*`--sport'/],
    ['-I', /You need to supply the `--protonum' option for this command/],
    ['-I -s 1.1.1.1 -p udp -t 1 --sport 1 --dport 2', /you have to specify `--src' and `--dst'/],
    [`${create} -p tcp --sport 1 --state NONE`, /you have to specify `--sport' and `--dport'/],
    [`${create} -p udp --reply-port-src 1`, /you have to specify `--reply-port-src' and `--reply-port-dst'/],
    ['-I -s 1.1.1.1 -d 2.2.2.2 -p udp --sport 1 --dport 2', /You need to supply the `--timeout' option/],
    [`${create} -p tcp --sport 1 --dport 2`, /You need to supply the `--state' option/],
    ['-G', /You need to supply the `--protonum' option/],
    ['-G -p tcp', /you have to specify `--src' and `--dst'/],
    ['-C -s 1.1.1.1', /Illegal option `--src' with this command/],
    ['-S -p tcp', /Illegal option `--protonum' with this command/],
    ['-F -t', /option `-t' requires an argument/],
    ['-C -m 1', /Illegal option `--mark' with this command/],
    ['-V -s 1.1.1.1', /Illegal option `--src' with this command/],
    ['-h -m 1', /Illegal option `--mark' with this command/],
    ['-U -z', /Illegal option `--zero' with this command/],
    ['-s 1.1.1.1', /option `-s' without a command/],
    ['-L -p tcp -p udp', /option `-p' is given twice/],
    ['-L -R f', /`-L' does not go with -R FILE/],
  ]
  for (const [line, message] of cases) {
    const { status, stdout, stderr, asked } = await run(line)
    t.strictSame({ status, stdout, asked }, { status: 2, stdout: '', asked: [] }, line)
    const [first, ...rest] = stderr.split('\n')
    t.ok(first.startsWith(`${VERSION}: `), stderr)
    t.match(first, message)
    t.equal(rest.join('\n'), HINT)
  }
})

t.test('what the original got wrong is done right', async (t) => {
  for (const line of [
    '-L -u UNSET',
    '-L -u SRC_NAT',
    '-L -u ASSURED,!SEEN_REPLY',
    '-L -r 10.0.0.0/8',
    '-L --dport 443 -p tcp',
    '-L -o json',
  ])
    t.equal((await run(line)).status, 0, line)
})

t.test('words that are no options are ignored with a warning', async (t) => {
  const { status, stderr } = await run('conntrack -L conntrack -p tcp junk')
  t.equal(status, 0)
  t.match(stderr, /^WARNING: ignoring `conntrack'.*\nWARNING: ignoring `junk'.*\n.*shown\.\n$/, 'one is the table')
})

t.test('a table is named by any beginning of its name', async (t) => {
  for (const [word, type] of [
    ['conntrack', 0x0101],
    ['c', 0x0101],
    ['d', 0x0106],
    ['dying', 0x0106],
    ['u', 0x0107],
    ['unconfirmed', 0x0107],
  ] as const)
    t.strictSame(
      (await run(`-L ${word}`, ({ sequence }) => [done(sequence)])).asked.map((one) => one.type),
      [type],
      word,
    )
})

t.test('an error nobody has foreseen is one line too', async (t) => {
  const { io, stderr } = kept()
  const cli = createCli({
    protocols,
    formats,
    version: VERSION,
    open: () => {
      throw new TypeError('something odd')
    },
  })
  t.equal(await cli(['-L'], io), 1)
  t.equal(stderr(), `${VERSION}: something odd\n`)
})

t.test('a closed pipe is silent, and another failure to write is told', async (t) => {
  for (const [code, status, text] of [
    ['EPIPE', 141, ''],
    ['ENOSPC', 1, `${VERSION}: ENOSPC: no space left on device, write\n`],
  ] as const) {
    const { io, stderr } = kept()
    const cli = createCli({
      protocols,
      formats,
      version: VERSION,
      open: (options) => openConntrack({ protocols: options.protocols, socket: scriptedKernel(listing) }),
    })
    const out = (): void => {
      throw Object.assign(new Error(`${code}: no space left on device, write`), { code })
    }
    t.equal(await cli(['-L'], { ...io, out }), status)
    t.equal(stderr(), text)
  }
})

t.test('when stderr is closed the status still tells', async (t) => {
  const cli = createCli({ protocols, formats, version: VERSION })
  const err = (): void => {
    throw Object.assign(new Error('EPIPE'), { code: 'EPIPE' })
  }
  t.equal(await cli(['-X'], { out: () => {}, err }), 2)
})
