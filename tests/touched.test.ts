// timeout: 300
import { openConntrack } from '@conntrack/core'
import type { Protocol } from '@conntrack/core/plugin'
import { createKernel } from '@conntrack/core/testing'
import t, { type Test } from 'tap'
import { Random } from '../packages/core/src/conformance/random.ts'
import { installed } from '../packages/cli/src/installed.ts'
import { type CliParts, createCli } from '../packages/cli/src/main.ts'
import { type CliOption, OPTIONS, protocolOptions } from '../packages/cli/src/options.ts'
import { ENTRIES, words } from './parity/entries.ts'
import { namespace, skipKernel } from './support/program.ts'

// Nothing is deleted or changed that -L with the same conditions does not list, whatever they are.

/** Arguments for each condition: some that entries of the table have, some that none has, some that are wrong. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  src: ['10.0.0.1', '10.0.0.0/24', '10.0.0.0/23', '2001:db8::1', 'fd00::/8', '!10.0.0.1', '10.0.0.1,10.0.1.1', '0.0.0.0/0', '10.0.0.0/'],
  dst: ['10.0.0.2', '10.0.0.0/30', '198.51.100.1', '2001:db8::2', '!10.0.0.2', '::/0'],
  'reply-src': ['10.0.0.2', '10.0.0.0/8', '203.0.113.1', 'fd00::9', '!10.0.0.2'],
  'reply-dst': ['10.0.0.1', '203.0.113.0/24', '2001:db8::1', '!10.0.0.0/24'],
  timeout: ['30000', '1-40000', '5', '!30000', '29990-30000', 'foo'],
  status: [
    'ASSURED',
    'SEEN_REPLY',
    'UNREPLIED',
    '!ASSURED',
    'UNSET',
    'FIXED_TIMEOUT',
    'ASSURED,!SEEN_REPLY',
    'SRC_NAT',
    'EXPECTED',
    'S',
    '!S',
  ],
  'mask-src': ['255.255.255.0', '255.0.0.255', 'ffff::'],
  'mask-dst': ['255.255.0.0', '0.0.0.0'],
  mark: ['0', '42', '5', '!0', '0x2/0x2', '1/0', '0/0', '5,42', '1-50', '1/'],
  id: ['1', '!1', '0-4294967295', '2147483648-4294967295'],
  family: ['ipv4', 'ipv6', '!ipv4'],
  'src-nat': ['', '!', '203.0.113.9', '203.0.113.9:7777', ':99', '203.0.113.0/24', '!203.0.113.9', ':1-65535'],
  'dst-nat': ['', '203.0.113.1:88', '[fd00::9]:5353', '[fd00::7]:5353', 'fd00::9'],
  secmark: ['0', '5', '!0'],
  'any-nat': ['', '!', '!203.0.113.2', '203.0.113.2', '[fd00::9]:5353'],
  zone: ['0', '7', '!0', '1-9', '99', '0,7'],
  label: ['bit3', '!bit3', 'bit3,bit64', 'nope'],
  'orig-zone': ['0', '8', '!8'],
  'reply-zone': ['0', '9', '!0'],
  helper: ['ftp', '!ftp'],
  'orig-seqadj': ['0:0:0', '!0:0:0'],
  'reply-seqadj': ['0:0:0'],
  synproxy: ['0:0:0', '1:2:3', '!1:2:3'],
  sport: ['1003', '1001', '1000-1005', '!1003', '1,1001,1010', '70000'],
  dport: ['80', '53', 'http', '80,443', '1-100', '!80', '65535'],
  'reply-port-src': ['80', '53', '5353', '!80'],
  'reply-port-dst': ['1003', '1001-1010', '7777'],
  state: ['ESTABLISHED', 'SYN_SENT', '!ESTABLISHED', 'TIME_WAIT,CLOSE', 'FOO'],
  'icmp-type': ['8', '!8', '8,13'],
  'icmp-code': ['0', '1'],
  'icmp-id': ['77', '70-80', '!77'],
  'icmpv6-type': ['128', '!128'],
  'icmpv6-code': ['0'],
  'icmpv6-id': ['78', '1'],
  srckey: ['0x33', '1', '!1'],
  dstkey: ['0x44', '0'],
  'reply-key-src': ['0x44', '1'],
  'reply-key-dst': ['0x33', '0-0xffff'],
  role: ['client'],
  'handshake-seq': ['0'],
  'orig-wscale': ['0', '!0'],
  'reply-wscale': ['0-14', '1'],
  'orig-flags': ['BE_LIBERAL', 'SACK_PERM,BE_LIBERAL'],
  'reply-flags': ['BE_LIBERAL'],
  'orig-vtag': ['11', '12', '!0'],
  'reply-vtag': ['22', '0'],
}
const PROTOCOLS = ['tcp', 'udp', 'udplite', 'icmp', 'icmpv6', 'sctp', 'gre', 'tcp,udp', '!tcp', 'tcp,sctp', '2', '50,253', '!udp,50', '17']

type Command = 'delete' | 'update' | 'flush'

/** The options that are conditions of a list and of this command too, of these protocols as well. */
function conditionsOf(command: Command, protocols: readonly Protocol[]): CliOption[] {
  return [...OPTIONS, ...protocols.flatMap(protocolOptions)].filter(
    ({ use, names }) => use.list === 'condition' && use[command] === 'condition' && names[0] !== 'protonum',
  )
}

/** Conditions by chance. */
function conditions(random: Random, command: Command): string[] {
  const chosen = random.oneIn(2) ? [random.pick(PROTOCOLS)] : []
  const own = installed.protocols.filter(({ name }) => name === chosen[0])
  const options = conditionsOf(command, own).filter(({ names }) => ARGUMENTS[names[0]] !== undefined)
  // Few at a time, since many have nothing in common.
  const some = options.filter(({ sets }) => random.oneIn(own.length > 0 && sets?.includes('.') ? 7 : 12))
  return [
    ...chosen.flatMap((protocol) => ['-p', protocol]),
    ...some.flatMap(({ names }) => {
      const argument = random.pick(ARGUMENTS[names[0]])
      return argument === '' ? [`--${names[0]}`] : [`--${names[0]}`, argument]
    }),
  ]
}

interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}
type Program = (argv: readonly string[]) => Promise<Ran>

function program(parts: CliParts): Program {
  const cli = createCli(parts)
  return async (argv) => {
    let [stdout, stderr] = ['', '']
    const decoder = new TextDecoder()
    const status = await cli(argv, {
      out: (bytes) => {
        stdout += decoder.decode(bytes, { stream: true })
      },
      err: (line) => {
        stderr += `${line}\n`
      },
    })
    return { status, stdout, stderr }
  }
}

interface Row {
  readonly id: number
  readonly mark: number
}
const rows = ({ stdout }: Ran): Row[] =>
  stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Row)
const ids = (flows: readonly Row[]): number[] => flows.map(({ id }) => id).toSorted((a, b) => a - b)

/** A mark that no entry has. */
const MARK = 0x7777

/** What came of conditions: how many entries they list, and what is wrong with what the command did, if anything. */
interface Verdict {
  readonly isUsage: boolean
  readonly listed: number
  readonly fault: string | undefined
}

async function judge(run: Program, command: Command, words: readonly string[]): Promise<Verdict> {
  const table = async (): Promise<Row[]> => rows(await run(['-L', '-o', 'json']))
  const before = await table()
  const list = await run(['-L', ...words, '-o', 'json'])
  const listed = ids(rows(list))
  const done = await run([...{ delete: ['-D'], update: ['-U', '-m', String(MARK)], flush: ['-F'] }[command], ...words])
  const after = await table()
  const touched =
    command === 'update'
      ? ids(after.filter(({ mark }) => mark === MARK))
      : ids(before).filter((id) => !after.some((flow) => flow.id === id))
  if (list.status === 2 || done.status === 2) {
    const isRight = list.status === done.status && touched.length === 0
    const fault = isRight ? undefined : `status ${list.status} of the list, ${done.status} of the rest: ${list.stderr}${done.stderr}`
    return { isUsage: true, listed: 0, fault }
  }
  const isRight = touched.join() === listed.join()
  const fault = isRight ? undefined : `${listed.length} are listed, ${touched.length} touched: ${done.stderr}`
  return { isUsage: false, listed: listed.length, fault }
}

/** Tries conditions by chance; each case has the whole table. */
async function property(t: Test, count: number, seed: number, fresh: () => Promise<Program>): Promise<void> {
  const random = new Random(seed)
  let [found, wrong] = [0, 0]
  for (let i = 0; i < count; i++) {
    const command = random.pick(['delete', 'update', 'flush'] as const)
    const given = conditions(random, command)
    const { fault, isUsage, listed } = await judge(await fresh(), command, given)
    if (fault !== undefined) t.fail(`${command} ${given.join(' ')} (case ${i} of seed ${seed}): ${fault}`)
    if (isUsage) wrong++
    if (listed > 0) found++
  }
  t.ok(found > count / 8, `${found} of ${count} found something`)
  t.ok(wrong < count * 0.6, `${wrong} of ${count} were wrong usage`)
}

t.test('every condition is tried', async (t) => {
  for (const command of ['delete', 'update', 'flush'] as const)
    for (const { names } of conditionsOf(command, installed.protocols)) t.ok(names[0] in ARGUMENTS, `--${names[0]}`)
})

/** Makes the table of the tests. */
async function fill(run: Program): Promise<void> {
  for (const entry of ENTRIES) {
    const { status, stderr } = await run(['-A', ...words(entry)])
    if (status !== 0) throw new Error(`${entry}: ${stderr}`)
  }
}

t.test('in memory, a command touches what the same conditions list, and nothing else', async (t) => {
  await property(t, 100, 1, async () => {
    const { socket } = createKernel({ protocols: installed.protocols })
    const run = program({ ...installed, open: ({ protocols }) => openConntrack({ protocols, socket }) })
    await fill(run)
    return run
  })
})

t.test('a real kernel does the same', { skip: skipKernel }, async (t) => {
  const netns = namespace(t, 'touched')
  const run = program({ ...installed, open: ({ protocols }) => openConntrack({ protocols, netns }) })
  await property(t, 12, 4, async () => {
    await run(['-F'])
    await fill(run)
    return run
  })
})
