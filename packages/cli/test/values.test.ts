import { flowRow } from '@conntrack/core/plugin'
import { tcp } from '@conntrack/proto-tcp'
import t from 'tap'
import { parseCondition, parseMasked, parseNewStatus, parseStatus, parseValue, splitTarget } from '../src/values.ts'

const port = flowRow(tcp, 'original.sourcePort')
const address = flowRow(tcp, 'original.source')
const mark = flowRow(tcp, 'mark')
const state = flowRow(tcp, 'state')
const condition = (argument: string, row = port): unknown => parseCondition(argument, row, 'tcp', row === mark)

t.test('status bits are named in any case and may be shortened', async (t) => {
  const cases: [argument: string, all: string[], none: string[]][] = [
    ['ASSURED', ['ASSURED'], []],
    ['assured', ['ASSURED'], []],
    ['A', ['ASSURED'], []],
    ['SEEN', ['SEEN_REPLY'], []],
    ['F', ['FIXED_TIMEOUT'], []],
    ['E', ['EXPECTED'], []],
    ['OFF', ['OFFLOAD'], []],
    ['HW', ['HW_OFFLOAD'], []],
    ['ASSURED,SEEN_REPLY', ['ASSURED', 'SEEN_REPLY'], []],
    ['ASSURED,ASSURED', ['ASSURED'], []],
    ['SRC_NAT', ['SRC_NAT'], []],
    ['D', ['DST_NAT'], []],
    ['CONFIRMED', ['CONFIRMED'], []],
    ['HELPER', ['HELPER'], []],
  ]
  for (const [argument, all, none] of cases) t.strictSame(parseStatus(argument), { all, none }, argument)
})

t.test('status bits may have to be absent', async (t) => {
  t.strictSame(parseStatus('!ASSURED'), { all: [], none: ['ASSURED'] })
  t.strictSame(parseStatus('!a,see'), { all: ['SEEN_REPLY'], none: ['ASSURED'] })
  t.strictSame(parseStatus('UNREPLIED'), { all: [], none: ['SEEN_REPLY'] })
  t.strictSame(parseStatus('unr'), { all: [], none: ['SEEN_REPLY'] })
  t.strictSame(parseStatus('UNREPLIED,ASSURED'), { all: ['ASSURED'], none: ['SEEN_REPLY'] })
  t.strictSame(parseStatus('UNSET'), { all: [], none: ['EXPECTED', 'SEEN_REPLY', 'ASSURED', 'FIXED_TIMEOUT'] })
  t.strictSame(parseStatus('U'), parseStatus('UNSET'))
})

t.test('a status that is none is an error', async (t) => {
  for (const argument of ['FOO', '', ',', 'ASSURED,', '!', '!FOO', 'ASSUREDLY', 'ASSURED SEEN_REPLY'])
    t.throws(() => parseStatus(argument), { name: 'RangeError', message: /^expected status bits such as/ }, argument)
})

t.test('a new status has bits that can be set', async (t) => {
  t.strictSame(parseNewStatus('ASSURED,SEEN'), ['ASSURED', 'SEEN_REPLY'])
  t.strictSame(parseNewStatus('UNSET'), [])
  t.strictSame(parseNewStatus('fixed'), ['FIXED_TIMEOUT'])
  t.throws(() => parseNewStatus('!ASSURED'), /cleared/)
  t.throws(() => parseNewStatus('UNREPLIED'), /cleared/)
  t.throws(() => parseNewStatus('SRC_NAT'), /SRC_NAT is set by the kernel alone/)
  t.throws(() => parseNewStatus('CONFIRMED'), /CONFIRMED is set by the kernel alone/)
})

t.test('a value is read as its kind does', async (t) => {
  t.equal(parseValue('80', port), 80)
  t.equal(parseValue('0x50', port), 80)
  t.equal(parseValue('0', port), 0)
  t.equal(parseValue('65535', port), 65535)
  for (const argument of ['65536', '-1', '', ' 80', '80 ', '8o', '1.5', '1e3', 'Infinity', 'NaN', '+80'])
    t.throws(() => parseValue(argument, port), { name: 'RangeError', message: /0 to 65535/ }, JSON.stringify(argument))
  t.equal(parseValue('4294967295', mark), 4294967295)
  t.equal(parseValue('0xffffffff', mark), 4294967295)
  for (const argument of ['4294967296', '0x100000000', '-1', 'foo', '0x', '1/'])
    t.throws(() => parseValue(argument, mark), { name: 'RangeError', message: /0 to 4294967295/ }, argument)
  t.equal(parseValue('ESTABLISHED', state), 'ESTABLISHED')
  t.equal(parseValue('LISTEN', state), 'SYN_SENT2')
  t.throws(() => parseValue('established', state), /expected one of NONE, SYN_SENT/)
})

t.test('a port may be the name of a service of the protocol', async (t) => {
  t.equal(parseValue('https', port, 'tcp'), 443)
  t.equal(parseValue('domain', port, 'udp'), 53)
  t.throws(() => parseValue('no-such-service', port, 'tcp'), RangeError)
  t.throws(() => parseValue('https', mark, 'tcp'), RangeError, 'nothing else may')
})

t.test('an address is of either family, and in the forms that inet_aton(3) knows', async (t) => {
  const cases: [argument: string, value: string][] = [
    ['1.2.3.4', '1.2.3.4'],
    ['::1', '::1'],
    ['FD00:0:0::1', 'fd00::1'],
    ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
    ['1', '0.0.0.1'],
    ['1.2.3', '1.2.0.3'],
    ['0x01020304', '1.2.3.4'],
    ['010.0.0.1', '8.0.0.1'],
  ]
  for (const [argument, value] of cases) t.equal(parseValue(argument, address), value, argument)
  for (const argument of ['foo', '', '1.2.3.4.5', '256.1.1.1', '1.2.3.', '1::2::3', ':::', 'g::1', 'localhost', '1.2.3.4 ', '[::1]'])
    t.throws(() => parseValue(argument, address), { name: 'RangeError', message: 'expected an IP address' }, argument)
})

t.test('a condition may be a network', async (t) => {
  t.equal(condition('10.0.0.0/8', address), '10.0.0.0/8')
  t.equal(condition('10.1.2.3/0', address), '10.1.2.3/0')
  t.equal(condition('fd00::/16', address), 'fd00::/16')
  t.equal(condition('::1/128', address), '::1/128')
  for (const argument of ['1.2.3.4/33', '1.2.3.4/-1', '1.2.3.4/x', '1.2.3.4/', '::1/129', '1.2.3.4/8/8', '1.2.3.4/255.0.0.0'])
    t.throws(() => condition(argument, address), /expected a netmask length from 0 to (32|128)/, argument)
  t.throws(() => condition('foo/8', address), /expected an IP address/)
})

t.test('a condition may be a mark under a mask', async (t) => {
  t.equal(condition('5', mark), 5)
  t.strictSame(condition('5/0xff', mark), { value: 5, mask: 255 })
  t.strictSame(condition('0/0', mark), { value: 0, mask: 0 })
  for (const argument of ['1/', '/1', '1/2/3', '1/x', '1/0x100000000']) t.throws(() => condition(argument, mark), RangeError, argument)
  t.strictSame(parseMasked('7', mark), { value: 7, mask: undefined })
  t.throws(() => condition('80/0xff', port), RangeError, 'a port has no mask')
})

t.test('a condition may be a range, several, or not', async (t) => {
  t.strictSame(condition('8000-8080'), { from: 8000, to: 8080 })
  t.strictSame(condition('80,443'), { oneOf: [80, 443] })
  t.strictSame(condition('80,8000-8080,https'), { oneOf: [80, { from: 8000, to: 8080 }, 443] })
  t.strictSame(condition('!80'), { not: 80 })
  t.strictSame(condition('!80,443'), { not: { oneOf: [80, 443] } })
  t.strictSame(condition('10.0.0.1-10.0.0.9', address), { from: '10.0.0.1', to: '10.0.0.9' })
  t.strictSame(condition('10.0.0.0/8,fd00::/8', address), { oneOf: ['10.0.0.0/8', 'fd00::/8'] })
  t.strictSame(condition('!1/0xff', mark), { not: { value: 1, mask: 255 } })
  t.throws(() => condition('9-8'), /the range ends before it begins/)
  for (const argument of ['', '!', '80,', ',80', '80-', '-80', '1-2-3', '!,']) t.throws(() => condition(argument), RangeError, argument)
})

t.test('what is translated to is an address, a port, or both', async (t) => {
  t.strictSame(splitTarget('1.1.1.1'), { address: '1.1.1.1', port: undefined })
  t.strictSame(splitTarget('1.1.1.1:80'), { address: '1.1.1.1', port: '80' })
  t.strictSame(splitTarget(':80'), { address: undefined, port: '80' })
  t.strictSame(splitTarget('fd00::1'), { address: 'fd00::1', port: undefined })
  t.strictSame(splitTarget('[fd00::1]:80'), { address: 'fd00::1', port: '80' })
  t.throws(() => splitTarget('1.1.1.1:'), /No port specified/)
  t.throws(() => splitTarget('[]:80'), /No IPv6 address specified/)
  t.throws(() => splitTarget('[::1'), /No closing '\]'/)
  t.throws(() => splitTarget('[::1]80'), /expected `:' and a port/)
})
