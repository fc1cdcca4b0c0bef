// runtimes: bun
// timeout: 240
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openConntrack } from '@conntrack/core'
import { portOptions, type Protocol } from '@conntrack/core/plugin'
import { createKernel } from '@conntrack/core/testing'
import t from 'tap'
import { COMMANDS, type CommandSyntax, type TableName, written } from '../packages/cli/src/commands.ts'
import { installed } from '../packages/cli/src/installed.ts'
import { createCli } from '../packages/cli/src/main.ts'
import { type CliOption, EVENT_COUNT, OPTIONS, protocolOptions, useOf } from '../packages/cli/src/options.ts'
import { UsageError } from '../packages/cli/src/failure.ts'
import { understand } from '../packages/cli/src/understand.ts'
import { temporary } from './support/program.ts'

// Every option with every command on every table, from the tables that the program runs by: it has an effect that can be seen, or it is
// refused, or a warning says that it is ignored.

/** Arguments by option: the first is of the entries below, and so is what a new entry gets; the second makes a difference. */
const ARGUMENTS: Readonly<Record<string, readonly [string, string]>> = {
  src: ['10.0.0.1', '10.0.0.9'],
  dst: ['10.0.0.2', '10.0.0.9'],
  'reply-src': ['10.0.0.2', '10.0.0.9'],
  'reply-dst': ['10.0.0.1', '10.0.0.9'],
  protonum: ['udp', 'udplite'],
  timeout: ['3000', '50'],
  status: ['SEEN_REPLY', 'FIXED_TIMEOUT'],
  'event-mask': ['NEW', 'DESTROY'],
  'tuple-src': ['10.0.0.1', '10.0.0.9'],
  'tuple-dst': ['10.0.0.2', '10.0.0.9'],
  'mask-src': ['255.255.255.255', '0.0.0.0'],
  'mask-dst': ['255.255.255.255', '0.0.0.0'],
  'nat-range': ['10.0.0.1', '10.0.0.2'],
  mark: ['7', '8'],
  id: ['0-4294967295', '!0-4294967295'],
  family: ['ipv4', 'ipv6'],
  'src-nat': ['10.9.9.9', '10.9.9.1'],
  'dst-nat': ['10.8.8.8', '10.8.8.1'],
  'any-nat': ['10.9.9.9', '10.9.9.1'],
  output: ['extended', 'json'],
  'buffer-size': ['100000', '200000'],
  secmark: ['0', '5'],
  zone: ['0', '3'],
  label: ['bit3', 'bit9'],
  'label-add': ['bit3', 'bit9'],
  'label-del': ['bit9', 'bit3'],
  'orig-zone': ['0', '5'],
  'reply-zone': ['0', '6'],
  labelmap: ['', ''], // files of the test
  helper: ['ftp', 'sip'],
  class: ['0', '1'],
  'expect-flags': ['PERMANENT', 'INACTIVE'],
  'master-protonum': ['tcp', 'udp'],
  'orig-seqadj': ['1:2:3', '9:9:9'],
  'reply-seqadj': ['4:5:6', '9:9:9'],
  synproxy: ['1:2:3', '9:9:9'],
  max: ['99', '0'],
  for: ['1h', '2h'],
  count: ['99', '1'],
  netns: ['one', 'other'],
  sport: ['1000', '1'],
  dport: ['80', '1'],
  'reply-port-src': ['80', '1'],
  'reply-port-dst': ['1000', '1'],
  'mask-port-src': ['65535', '255'],
  'mask-port-dst': ['65535', '255'],
  'tuple-port-src': ['1000', '1'],
  'tuple-port-dst': ['80', '1'],
  srckey: ['1000', '1'],
  dstkey: ['80', '1'],
  'reply-key-src': ['80', '1'],
  'reply-key-dst': ['1000', '1'],
  'mask-key-src': ['65535', '255'],
  'mask-key-dst': ['65535', '255'],
  'tuple-key-src': ['1000', '1'],
  'tuple-key-dst': ['80', '1'],
  'icmp-type': ['8', '13'],
  'icmp-code': ['0', '1'],
  'icmp-id': ['77', '78'],
  'icmpv6-type': ['128', '139'],
  'icmpv6-code': ['0', '1'],
  'icmpv6-id': ['77', '78'],
  state: ['ESTABLISHED', 'CLOSED'],
  'orig-vtag': ['11', '12'],
  'reply-vtag': ['21', '22'],
  role: ['client', 'server'],
  'handshake-seq': ['5', '6'],
  'orig-wscale': ['1', '2'],
  'reply-wscale': ['3', '4'],
  'orig-flags': ['SACK_PERM', 'BE_LIBERAL'],
  'reply-flags': ['SACK_PERM', 'BE_LIBERAL'],
}
/** The states that are called otherwise. */
const STATES: Readonly<Record<string, readonly [string, string]>> = { tcp: ['ESTABLISHED', 'CLOSE'], dccp: ['OPEN', 'REQUEST'] }

/** What an option needs beside it. */
const COMPANIONS: Readonly<Record<string, readonly string[]>> = {
  'mask-src': ['--src', '10.0.0.1'],
  'mask-dst': ['--dst', '10.0.0.2'],
  labelmap: ['-o', 'labels'],
  force: [],
}

/** Where an error is the effect: a value that is against others, and a command that is refused without the option. */
const REFUSES = new Set(['family', 'force'])

/** What cannot be seen here, and where it is. */
const SEEN_ELSEWHERE: Readonly<Record<string, string>> = {
  'event conntrack for': 'it takes time: tests/events.test.ts',
  'event expect for': 'it takes time',
  'flush conntrack output': 'errors alone are written by it: packages/cli/test/json.kernel.test.ts',
  'flush expect output': 'errors alone are written by it',
  'create expect timeout': 'conntrack(8) wants it, and the kernel takes the time of the helper',
  'create expect mask-dst': 'conntrack(8) wants it, and the kernel masks the source alone',
  'create expect mask-port-dst': 'the same',
  'create expect mask-key-dst': 'the same',
  'create expect srckey': 'no helper has masters of GRE',
  'create expect dstkey': 'no helper has masters of GRE',
}

/** A cell of the matrix. */
interface Cell {
  readonly syntax: CommandSyntax
  readonly table: TableName
  /** The protocol whose option it is. */
  readonly protocol: Protocol | undefined
  readonly option: CliOption
}

const tablesOf = ({ tables }: CommandSyntax): readonly TableName[] => (tables.length === 0 ? ['conntrack'] : tables)

function* cells(): Generator<Cell, void, undefined> {
  for (const syntax of COMMANDS)
    for (const table of tablesOf(syntax)) {
      for (const option of syntax.command === 'event' ? [...OPTIONS, EVENT_COUNT] : OPTIONS)
        yield { syntax, table, protocol: undefined, option }
      // Those of ports are the same for all.
      for (const protocol of installed.protocols)
        for (const option of protocolOptions(protocol))
          if (protocol === installed.protocols[0] || !portOptions.some(({ names }) => names[0] === option.names[0]))
            yield { syntax, table, protocol, option }
    }
}

/** The arguments of an option, as words; of one whose argument can be left out, none is one of them. */
function argumentsFor({ option, protocol }: Cell, maps: readonly string[]): readonly (readonly string[])[] {
  const name = option.names[0]
  const words = (argument: string): string[] => [`--${name}`, inFamily(argument, protocol)]
  if (option.argument === 'none') return [[`--${name}`]]
  const [first, second] = (name === 'state' ? STATES[protocol?.name ?? ''] : undefined) ?? ARGUMENTS[name] ?? []
  if (first === undefined || second === undefined) throw new Error(`no arguments for --${name}`)
  if (name === 'labelmap') return maps.map((map) => words(map))
  return [...(option.argument === 'optional' ? [[`--${name}`]] : []), words(first), words(second)]
}

/** An address as a protocol of IPv6 has it. */
function inFamily(argument: string, protocol: Protocol | undefined): string {
  if (protocol?.family !== 'ipv6') return argument
  return argument.replace(/^10\.0\.0\.(\d)$/, 'fd00::$1').replace(/^255\.255\.255\.(255|0)$/, 'ffff::')
}

const isPair = ({ option, syntax, table }: Cell): boolean => useOf(option, syntax.command, table) === 'pair'
const isAddress = ({ sets }: CliOption): boolean => /\.(source|destination)$/.test(sets ?? '')

/** The command line without the option: the command, and all that it needs. */
function baseOf(cell: Cell): string[] {
  const { syntax, table, protocol, option } = cell
  const name = option.names[0]
  // What stands beside -p holds for both of its arguments.
  const own = protocol ?? installed.protocols[name === 'protonum' ? 1 : 0]
  const side = isPair(cell) && option.sets?.startsWith('reply.') ? ['original.', 'reply.'] : ['original.']
  const needs = [...OPTIONS, ...protocolOptions(own)].filter((one) => {
    if (one.names[0] === name || one.names[0] === 'protonum') return false
    if (table === 'expect' && syntax.command === 'create' && own.name === 'gre' && one.sets?.startsWith('original.') && !isAddress(one))
      return false
    if (useOf(one, syntax.command, table) === 'required') return true
    // A flow that is asked for has the id of its echo.
    if (syntax.command === 'get' && one.names[0].endsWith('-id')) return true
    if (!isPair({ ...cell, option: one })) return false
    // Of the reply direction, the other half of the pair.
    return side.some((start) => one.sets?.startsWith(start)) && (one.sets?.startsWith('original.') || isAddress(one) === isAddress(option))
  })
  const needsProtocol = protocol !== undefined || needs.length > 0
  return [
    written(syntax),
    ...(table === 'conntrack' || syntax.tables.length === 0 ? [] : [table]),
    ...(needsProtocol && name !== 'protonum' ? ['-p', own.name] : []),
    ...needs.flatMap((one) => argumentsFor({ ...cell, option: one, protocol: own }, []).find((words) => words.length > 1) ?? []),
    ...(syntax.command === 'update' && (option.sets === undefined || useOf(option, 'update', table) === 'condition') ? ['-m', '77'] : []),
    ...(table === 'expect' ? [] : (COMPANIONS[name] ?? [])),
    ...(syntax.command === 'completion' ? ['bash'] : []),
    ...(table === 'expect' && syntax.command === 'create' && own.name === 'gre'
      ? ['--master-protonum', 'tcp', '--sport', '1000', '--dport', '80']
      : []),
  ]
}

/** A kernel in memory with a flow, and what it is the master of, of every protocol. */
function newKernel(isFilled: boolean, hasExpectations: boolean) {
  const { protocols } = installed
  const helpers = protocols.map(({ name }) => ({ name: HELPERS[name] ?? `help-${name}`, protocol: name, expects: 99 }))
  const kernel = createKernel({ protocols, helpers, timestamps: true })
  using ct = openConntrack({ protocols, socket: kernel.socket })
  for (const protocol of isFilled ? protocols : []) {
    const [source, destination] = protocol.family === 'ipv6' ? ['fd00::1', 'fd00::2'] : ['10.0.0.1', '10.0.0.2']
    const layer4 = tupleOf(protocol)
    const tracked = kernel.track({
      protocol: protocol.name,
      original: { source, destination, ...layer4 },
      timeout: 3000,
      status: ['SEEN_REPLY'],
      mark: 7,
      helper: { name: HELPERS[protocol.name] ?? `help-${protocol.name}` },
      labels: Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
      originalSequenceAdjustment: { correctionPosition: 1, offsetBefore: 2, offsetAfter: 3 },
      replySequenceAdjustment: { correctionPosition: 4, offsetBefore: 5, offsetAfter: 6 },
      synproxy: { initialSequence: 1, initialTimestamp: 2, timestampOffset: 3 },
      ...INFOS[protocol.name],
    } as never)
    tracked.packets('original', 100)
    if (!hasExpectations || protocol.family !== undefined) continue
    ct.expectations.create({
      protocol: protocol.name,
      master: { source, destination, sourcePort: 1000, destinationPort: 80, protocolNumber: 'sourcePort' in layer4 ? protocol.number : 6 },
      tuple: { source, destination, ...layer4 },
      mask: { source: '255.255.255.255', destination: '255.255.255.255', ...maskOf(protocol) },
      timeout: 3000,
      class: 0,
      flags: ['PERMANENT'],
    } as never)
  }
  if (isFilled) for (const other of OTHERS) kernel.track(other as never)
  return kernel
}

const HELPERS: Readonly<Record<string, string>> = { tcp: 'ftp', udp: 'sip' }

/** The protocol's own part of the tuple that the arguments are about. */
const tupleOf = ({ tuple, family }: Protocol): Record<string, number> => {
  if ('sourcePort' in tuple) return { sourcePort: 1000, destinationPort: 80 }
  return 'sourceKey' in tuple ? { sourceKey: 1000, destinationKey: 80 } : { type: family === 'ipv6' ? 128 : 8, code: 0, id: 77 }
}

const maskOf = (protocol: Protocol): Record<string, number> =>
  Object.fromEntries(Object.keys(tupleOf(protocol)).map((field) => [field, field === 'type' || field === 'code' ? 255 : 65535]))

/** The protocols' own properties that the arguments are about. */
const INFOS: Readonly<Record<string, object>> = {
  tcp: {
    state: 'ESTABLISHED',
    windowScaleOriginal: 1,
    windowScaleReply: 3,
    flagsOriginal: { flags: ['SACK_PERM'], mask: [] },
    flagsReply: { flags: ['SACK_PERM'], mask: [] },
  },
  sctp: { state: 'ESTABLISHED', verificationTagOriginal: 11, verificationTagReply: 21 },
  dccp: { state: 'OPEN', role: 'client', handshakeSequence: 5n },
}

/** Two more flows: one that is translated, and one with zones. */
const OTHERS = [
  {
    protocol: 'tcp',
    original: { source: '10.0.1.1', destination: '10.0.1.2', sourcePort: 1, destinationPort: 2 },
    reply: { source: '10.8.8.8', destination: '10.9.9.9' },
    status: ['SRC_NAT', 'DST_NAT', 'SRC_NAT_DONE', 'DST_NAT_DONE'],
    state: 'CLOSE',
  },
  { protocol: 'udp', original: { source: '10.0.1.1', destination: '10.0.1.2', sourcePort: 3, destinationPort: 4 }, zone: 3 },
  { protocol: 'udp', original: { source: '10.0.1.1', destination: '10.0.1.2', sourcePort: 5, destinationPort: 4, zone: 5 } },
  { protocol: 'udp', original: { source: '10.0.1.1', destination: '10.0.1.2', sourcePort: 6, destinationPort: 4 }, reply: { zone: 6 } },
]

const READING: ReadonlySet<string> = new Set(['list', 'get', 'count', 'statistics'])
/** The kernel of those. */
let unchanged: ReturnType<typeof newKernel> | undefined

/** All that can be seen of a command line: what it says, what it opens, and what the tables are behind it. */
async function outcomeOf(
  { syntax, table, option }: Cell,
  words: readonly string[],
): Promise<{ status: number; stderr: string; seen: string }> {
  const isMaking = syntax.command === 'create' || syntax.command === 'add'
  const isReading = READING.has(syntax.command) && option.names[0] !== 'zero'
  const kernel = isReading ? (unchanged ??= newKernel(true, true)) : newKernel(!isMaking || table === 'expect', !isMaking)
  const opened: unknown[] = []
  const open = ({ protocols, netns }: { protocols: readonly Protocol[]; netns?: string }) => {
    const conntrack = openConntrack({ protocols, socket: kernel.socket, subscribe: kernel.subscribe })
    opened.push({ netns })
    const { flows, expectations } = conntrack
    const note = ({ resync, reliable }: { resync?: boolean; reliable?: boolean } = {}): void => {
      opened.push({ resync, reliable })
    }
    return {
      ...conntrack,
      flows: {
        ...flows,
        watch: (options: Parameters<typeof flows.watch>[0]) => {
          note(options)
          return flows.watch(options)
        },
      },
      expectations: {
        ...expectations,
        watch: (options: Parameters<typeof expectations.watch>[0]) => {
          note(options)
          return expectations.watch(options)
        },
      },
      [Symbol.dispose]: () => conntrack[Symbol.dispose](),
    } as never
  }
  let [stdout, stderr] = ['', '']
  const ending = new AbortController()
  const decoder = new TextDecoder()
  const done = createCli({ ...installed, open })(words, {
    out: (bytes) => {
      stdout += decoder.decode(bytes, { stream: true })
    },
    err: (line) => {
      stderr += `${line}\n`
    },
    ...(option.names[0] === 'force' && { person: () => ({ sshConnection: '10.0.0.1 1000 10.0.0.2 80' }) }),
    stoppable: (work) => work(ending.signal),
  })
  using after = openConntrack({ protocols: installed.protocols, socket: kernel.socket })
  if (syntax.command === 'event') {
    await new Promise((resolve) => setTimeout(resolve, 0))
    after.expectations.flush()
    after.flows.update({ mark: 7 }, { mark: 9 })
    after.flows.flush()
    await new Promise((resolve) => setTimeout(resolve, 0))
    ending.abort()
  }
  const status = await done
  const tables = isReading ? [] : [...after.flows.list(), ...after.expectations.list()]
  const seen = JSON.stringify([status, stdout, stderr, opened, tables], (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}` : value,
  )
  return { status, stderr, seen }
}

/** Why a command line is wrong usage; empty where it is not. */
function refusalOf(words: readonly string[]): string {
  try {
    understand(words, installed.protocols, installed.formats)
    return ''
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
}

t.test('no option is taken and ignored: it has an effect, or it is refused with status 2', async (t) => {
  const directory = temporary(t)
  const maps = ['3 three\n', '3 drei\n'].map((text, i) => {
    const path = join(directory, `labels${i}`)
    writeFileSync(path, text)
    return path
  })
  const counts = { effect: 0, refused: 0, ignored: 0 }
  for (const cell of cells()) {
    const { syntax, table, protocol, option } = cell
    const { command } = syntax
    const name = option.names[0]
    const use = useOf(option, command, table)
    const base = baseOf(cell)
    const where = `${base.join(' ')} --${name}`
    const variants = argumentsFor(cell, maps)
    if (use === undefined) {
      const refusal = refusalOf([...base, ...variants[0]])
      if (!/Illegal option|unknown option|ambiguous/.test(refusal)) t.fail(`${where} is not refused: ${refusal}`)
      counts.refused++
      continue
    }
    // There is nothing in these tables, nor do helpers expect ICMP; they take what other lists take.
    if (table === 'expect' && protocol?.family !== undefined) continue
    if (table === 'dying' || table === 'unconfirmed' || SEEN_ELSEWHERE[`${command} ${table} ${name}`] !== undefined) continue
    if (use === 'ignored') {
      const { status, stderr } = await outcomeOf(cell, [...base, ...variants[0]])
      if (status === 2 || !stderr.includes(`WARNING: ignoring \`--${name}'`)) t.fail(`${where} says nothing: ${stderr}`)
      counts.ignored++
      continue
    }
    const isNeeded = use === 'required' || (use === 'pair' && option.sets?.startsWith('original.'))
    const outcomes = []
    for (const variant of [...(isNeeded ? [] : [[]]), ...variants]) outcomes.push(await outcomeOf(cell, [...base, ...variant]))
    const understood = outcomes.filter(({ status }) => status !== 2 || REFUSES.has(name))
    const effects = new Set(understood.map(({ seen }) => seen))
    if (effects.size < 2) t.fail(`${where} of ${protocol?.name ?? 'any'} has no effect: ${outcomes.map(({ stderr }) => stderr).join('')}`)
    counts.effect++
  }
  t.comment(JSON.stringify(counts))
  t.ok(counts.effect > 500 && counts.refused > 500 && counts.ignored > 10)
})
