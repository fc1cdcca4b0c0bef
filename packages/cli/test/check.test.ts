import { icmp } from '@conntrack/proto-icmp'
import { tcp } from '@conntrack/proto-tcp'
import { udp } from '@conntrack/proto-udp'
import t from 'tap'
import { check } from '../src/check.ts'
import type { CommandName, TableName } from '../src/commands.ts'
import { UsageError } from '../src/failure.ts'
import { type CliOption, OPTIONS, protocolOptions } from '../src/options.ts'

const PROTOCOLS = { tcp, udp, icmp }

/** What check() says against a command with these options, by their first names; undefined if nothing. */
function verdict(
  command: CommandName,
  names: string,
  protocol?: keyof typeof PROTOCOLS,
  table: TableName = 'conntrack',
): string | undefined {
  const options = [...OPTIONS, ...(protocol === undefined ? [] : protocolOptions(PROTOCOLS[protocol]))]
  const given = new Set(names.split(' ').flatMap((name): CliOption[] => (name === '' ? [] : [named(options, name)])))
  try {
    check(command, table, options, given)
    return undefined
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return error.message
  }
}

function named(options: readonly CliOption[], name: string): CliOption {
  const option = options.find(({ names }) => names[0] === name)
  if (option === undefined) throw new Error(`there is no --${name}`)
  return option
}

const illegal = (name: string): string => `Illegal option \`--${name}' with this command`
const missing = (name: string): string => `You need to supply the \`--${name}' option for this command`
const pair = (one: string, other: string): string => `you have to specify \`--${one}' and \`--${other}'`

t.test('a list takes every condition, alone and together', async (t) => {
  const conditions = 'src dst reply-src reply-dst protonum timeout status mark id family zone orig-zone reply-zone output netns'
  for (const name of ['', ...conditions.split(' '), conditions]) t.equal(verdict('list', name), undefined, name)
  t.equal(verdict('list', 'sport dport reply-port-src reply-port-dst state', 'tcp'), undefined)
})

t.test('what a command cannot use is illegal', async (t) => {
  const cases: [command: CommandName, names: string][] = [
    ['flush', 'zero'],
    ['flush', 'output quiet'],
    ['count', 'src'],
    ['count', 'family'],
    ['statistics', 'protonum'],
    ['version', 'src'],
    ['version', 'netns'],
    ['help', 'mark'],
    ['get', 'protonum timeout'],
    ['get', 'protonum status'],
    ['get', 'protonum mark'],
    ['create', 'protonum timeout id'],
    ['create', 'protonum timeout zero'],
    ['add', 'protonum timeout zero'],
    ['delete', 'zero'],
    ['update', 'zero'],
  ]
  for (const [command, names] of cases) t.equal(verdict(command, names), illegal(names.replace(/.* /, '')), `${command} ${names}`)
  t.equal(verdict('flush', 'family netns src mark zone explain'), undefined)
  t.equal(verdict('help', 'protonum'), undefined)
  t.equal(verdict('help', 'protonum sport', 'tcp'), illegal('sport'))
})

t.test('what a new entry needs must be there', async (t) => {
  for (const command of ['create', 'add'] as const) {
    t.equal(verdict(command, ''), missing('protonum'), command)
    t.equal(verdict(command, 'protonum'), missing('timeout'))
    t.equal(verdict(command, 'protonum timeout'), pair('src', 'dst'))
    t.equal(verdict(command, 'protonum timeout src dst'), undefined, 'of a protocol without options that is all')
    t.equal(verdict(command, 'protonum timeout src dst sport dport', 'udp'), undefined)
    t.equal(verdict(command, 'protonum timeout src dst sport dport', 'tcp'), missing('state'))
    t.equal(verdict(command, 'protonum timeout src dst sport dport state', 'tcp'), undefined)
    t.equal(verdict(command, 'protonum timeout src dst', 'icmp'), missing('icmp-type'))
    t.equal(verdict(command, 'protonum timeout src dst icmp-type', 'icmp'), missing('icmp-code'))
    t.equal(verdict(command, 'protonum timeout src dst icmp-type icmp-code', 'icmp'), undefined, 'the id may be left out')
  }
})

t.test('an entry that is asked for is named by a whole tuple', async (t) => {
  t.equal(verdict('get', ''), missing('protonum'))
  t.equal(verdict('get', 'protonum src dst'), undefined)
  t.equal(verdict('get', 'protonum src dst', 'tcp'), pair('sport', 'dport'))
  t.equal(verdict('get', 'protonum src dst sport dport', 'tcp'), undefined)
  t.equal(verdict('get', 'protonum src dst icmp-type', 'icmp'), missing('icmp-code'))
  t.equal(verdict('get', 'protonum src dst id zone output', 'udp'), pair('sport', 'dport'))
})

t.test('addresses and ports come in pairs, of one direction or both', async (t) => {
  t.equal(verdict('create', 'protonum timeout src', 'udp'), pair('src', 'dst'))
  t.equal(verdict('create', 'protonum timeout dst', 'udp'), pair('src', 'dst'))
  t.equal(verdict('create', 'protonum timeout reply-src', 'udp'), pair('reply-src', 'reply-dst'))
  t.equal(verdict('create', 'protonum timeout src dst reply-src', 'udp'), pair('reply-src', 'reply-dst'))
  t.equal(verdict('create', 'protonum timeout src dst sport', 'udp'), pair('sport', 'dport'))
  t.equal(verdict('create', 'protonum timeout src dst reply-port-dst', 'udp'), pair('reply-port-src', 'reply-port-dst'))
  t.equal(verdict('create', 'protonum timeout sport dport', 'udp'), pair('src', 'dst'), 'ports do not stand for addresses')
  t.equal(verdict('create', 'protonum timeout reply-src reply-dst reply-port-src reply-port-dst', 'udp'), undefined)
  t.equal(verdict('create', 'protonum timeout src dst reply-src reply-dst sport dport', 'udp'), undefined)
  t.equal(verdict('list', 'src reply-dst', 'udp'), undefined, 'a condition needs no other')
})

t.test('counters are not zeroed where not all are shown', async (t) => {
  t.equal(verdict('list', 'zero'), undefined)
  t.equal(verdict('list', 'zero output'), undefined)
  t.equal(verdict('list', 'zero family'), undefined, 'the kernel itself leaves out the other family')
  for (const name of ['src', 'protonum', 'mark', 'status', 'zone', 'id', 'timeout', 'src-nat', 'dst-nat', 'any-nat'])
    t.match(verdict('list', `zero ${name}`), /^Can't use -z with filtering parameters/, name)
})

t.test('any translation is not asked for beside a certain one', async (t) => {
  t.equal(verdict('list', 'src-nat dst-nat'), undefined)
  for (const name of ['src-nat', 'dst-nat'])
    t.equal(verdict('list', `any-nat ${name}`), "cannot specify `--src-nat' or `--dst-nat' with `--any-nat'")
})

t.test('the first that is wrong is told, in the order of the options', async (t) => {
  t.equal(verdict('count', 'zone mark src'), illegal('src'))
  t.equal(verdict('create', 'output', 'tcp'), missing('protonum'))
})

t.test('what a new expectation needs must be there, and a list of them takes conditions', async (t) => {
  const ofNew = 'src dst protonum timeout tuple-src tuple-dst mask-src mask-dst'
  const ports = 'sport dport mask-port-src mask-port-dst tuple-port-src tuple-port-dst'
  t.equal(verdict('create', `${ofNew} ${ports}`, 'tcp', 'expect'), undefined)
  for (const name of `${ofNew} ${ports}`.split(' ')) {
    const others = `${ofNew} ${ports}`.split(' ').filter((one) => one !== name)
    t.equal(verdict('create', others.join(' '), 'tcp', 'expect'), missing(name))
  }
  t.equal(verdict('list', 'src dst protonum sport dport family zone output', 'tcp', 'expect'), undefined)
  t.equal(verdict('list', 'mark', undefined, 'expect'), illegal('mark'))
  t.equal(verdict('delete', '', undefined, 'expect'), missing('src'))
})
