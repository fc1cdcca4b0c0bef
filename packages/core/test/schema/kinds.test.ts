import t from 'tap'
import {
  bits,
  bytes,
  decimal,
  enumeration,
  hex16,
  hostU32,
  ipv4,
  ipv6,
  type Kind,
  parseNumber,
  port,
  seconds,
  string,
  u8,
  u16,
  u32,
  u64,
} from '../../src/schema/kinds.ts'
import { Text } from '../../src/schema/text.ts'
import { hex, unhex } from '../bytes.ts'
import { forAll } from '../random.ts'

const colour = enumeration('colour', ['RED', 'GREEN', 'BLUE'], { ROT: 'RED' })
const flags = bits('flags', 2, ['A', 'B', 'C'])
const word = bits('word', 4, ['LOW'])

const FIXED: readonly Kind<unknown>[] = [u8, u16, u32, hostU32, u64, port, seconds, hex16, ipv4, ipv6, colour, flags, word]

const text = (write: (text: Text) => void): string => {
  const text = new Text(0)
  write(text)
  return text.toString()
}

/** The payload stands between others, so that a wrong offset or length shows. */
const framed = (payload: Uint8Array): Uint8Array => Uint8Array.of(0xa5, 0xa5, 0xa5, ...payload, 0xa5, 0xa5)
const AT = 3

function read<T>(kind: Kind<T>, payload: Uint8Array): T {
  return kind.read(framed(payload), AT, payload.length)
}

function write<T>(kind: Kind<T>, value: T): Uint8Array {
  const size = kind.size ?? kind.lengthOf?.(value) ?? 0
  const target = new Uint8Array(AT + size + 2).fill(0xa5)
  const length = kind.write(target, AT, value)
  if (target[AT - 1] !== 0xa5 || target[AT + size] !== 0xa5) throw new Error(`${kind.name} writes outside of what it asked for`)
  return target.subarray(AT, AT + length)
}

const print = <T>(kind: Kind<T>, payload: Uint8Array): string => text((text) => kind.print(text, framed(payload), AT, payload.length))
const json = <T>(kind: Kind<T>, payload: Uint8Array): string => text((text) => kind.json(text, framed(payload), AT, payload.length))

/** What JSON makes of a value: a bigint is a string of digits, and bytes are one of hexadecimal digits. */
function asJson(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  return value instanceof Uint8Array ? hex(value) : value
}

/** One row: the kind, the value, its bytes, how a line shows it; JSON where that is not the value itself. */
const EXAMPLES: readonly (readonly [kind: Kind<unknown>, value: unknown, bytes: string, print: string])[] = [
  [u8, 0, '00', '0'],
  [u8, 255, 'ff', '255'],
  [u16, 443, '01bb', '443'],
  [u16, 65535, 'ffff', '65535'],
  [u32, 1, '00000001', '1'],
  [u32, 4294967295, 'ffffffff', '4294967295'],
  [u32, 2147483648, '80000000', '2147483648'],
  [hostU32, 0x01020304, '04030201', '16909060'],
  [hostU32, 0xfffffffe, 'feffffff', '4294967294'],
  [u64, 0n, '0000000000000000', '0'],
  [u64, 0x0102030405060708n, '0102030405060708', '72623859790382856'],
  [u64, 18446744073709551615n, 'ffffffffffffffff', '18446744073709551615'],
  [port, 80, '0050', '80'],
  [seconds, 432000, '00069780', '432000'],
  [hex16, 16, '0010', '0x10'],
  [hex16, 0, '0000', '0x0'],
  [hex16, 65535, 'ffff', '0xffff'],
  [ipv4, '10.0.0.255', '0a0000ff', '10.0.0.255'],
  [ipv6, 'fd00::1', 'fd000000000000000000000000000001', 'fd00::1'],
  [ipv6, '::ffff:10.0.0.1', '00000000000000000000ffff0a000001', '::ffff:10.0.0.1'],
  [colour, 'BLUE', '02', 'BLUE'],
  [flags, [], '0000', ''],
  [flags, ['A', 'C'], '0005', 'A,C'],
  [flags, ['B', 'bit8', 'bit15'], '8102', 'B,bit8,bit15'],
  [word, ['LOW', 'bit31'], '80000001', 'LOW,bit31'],
  [string, 'ftp', '66747000', 'ftp'],
  [string, '', '00', ''],
  [string, 'h"é€', '6822c3a9e282ac00', 'h"é€'],
  [bytes, Uint8Array.of(0, 1, 0xab), '0001ab', '0001ab'],
  [bytes, Uint8Array.of(), '', ''],
]

t.test('a value is written, read, printed and put into JSON', (t) => {
  for (const [kind, value, payload, line] of EXAMPLES) {
    const title = `${kind.name} ${line}`
    t.equal(hex(write(kind, value)), payload, `${title}: write`)
    t.strictSame(read(kind, unhex(payload)), value, `${title}: read`)
    t.equal(print(kind, unhex(payload)), line, `${title}: print`)
    t.strictSame(JSON.parse(json(kind, unhex(payload))), asJson(value), `${title}: json`)
  }
  t.end()
})

t.test('whatever the bytes are, reading and writing gives them back', (t) => {
  for (const kind of FIXED) {
    forAll(t, 2000, 4, (random) => {
      const payload = random.bytes(kind.size as number)
      const value = read(kind, payload)
      const back = hex(write(kind, value))
      if (back !== hex(payload)) throw new Error(`${kind.name}: ${hex(payload)} comes back as ${back}`)
      const parsed = JSON.parse(json(kind, payload))
      if (JSON.stringify(parsed) !== JSON.stringify(asJson(value))) throw new Error(`${kind.name}: JSON of ${hex(payload)} is ${parsed}`)
    })
  }
  t.end()
})

t.test('what is printed can be given as an argument', (t) => {
  for (const kind of FIXED.filter(({ name }) => !['colour', 'flags', 'word'].includes(name))) {
    forAll(t, 500, 5, (random) => {
      const payload = random.bytes(kind.size as number)
      const line = print(kind, payload)
      const back = hex(write(kind, kind.parse(line)))
      if (back !== hex(payload)) throw new Error(`${kind.name}: ${line} is parsed to ${back}`)
    })
  }
  for (const [kind, line] of [
    [colour, 'GREEN'],
    [flags, 'A,C'],
    [flags, 'bit9'],
    [string, 'ftp'],
    [bytes, '00ff'],
    [bytes, ''],
  ] as (readonly [Kind<unknown>, string])[]) {
    t.equal(print(kind, write(kind, kind.parse(line))), line)
  }
  t.end()
})

t.test('size says what a payload needs; only strings and bytes are of any length', (t) => {
  const sizes = Object.fromEntries([...FIXED, string, bytes].map(({ name, size }) => [name, size]))
  t.strictSame(sizes, {
    u8: 1,
    u16: 2,
    u32: 4,
    hostU32: 4,
    u64: 8,
    port: 2,
    seconds: 4,
    hex16: 2,
    ipv4: 4,
    ipv6: 16,
    colour: 1,
    flags: 2,
    word: 4,
    string: undefined,
    bytes: undefined,
  })
  t.end()
})

t.test('what does not fit is a RangeError', (t) => {
  const wrong: readonly (readonly [Kind<unknown>, readonly unknown[]])[] = [
    [u8, [-1, 256, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null]],
    [u16, [-1, 65536, 0.1, '80']],
    [port, [70000, -1]],
    [hex16, [0x10000]],
    [u32, [-1, 2 ** 32, 1.5]],
    [hostU32, [-1, 2 ** 32]],
    [seconds, [-1, 2 ** 32]],
    [u64, [-1n, 2n ** 64n]],
    [ipv4, ['', '1.2.3.256', '::1', '1.2.3.4/8', 'localhost']],
    [ipv6, ['', '1.2.3.4', ':::', '::1/64']],
    [colour, ['PINK', '', '256', '-1', 'red', 'toString']],
    [flags, [['D'], ['bit16'], ['bit'], ['a'], ['toString']]],
    [word, [['bit32']]],
    [string, ['a\0b']],
  ]
  for (const [kind, values] of wrong)
    for (const value of values) t.throws(() => write(kind, value), RangeError, `${kind.name} ${String(value)}`)
  t.end()
})

t.test('a name that is none says which there are', (t) => {
  t.throws(() => write(colour, 'PINK' as never), new RangeError("'PINK' is not one of RED, GREEN, BLUE"))
  t.throws(() => write(colour, '256'), new RangeError('256 is not a whole number from 0 to 255'))
  t.throws(() => write(flags, ['A', 'PINK'] as never), new RangeError("'PINK' is not one of A, B, C"))
  t.end()
})

t.test('an argument is read as strtoul() does with base 0', (t) => {
  for (const [argument, number] of [
    ['0', 0],
    ['7', 7],
    ['4294967295', 4294967295],
    ['0x0', 0],
    ['0xfFfFfFfF', 4294967295],
    ['0X10', 16],
    ['010', 8],
    ['0377', 255],
    ['00', 0],
  ] as const) {
    t.equal(parseNumber(argument, 4294967295), number, argument)
  }
  for (const argument of [
    '',
    ' 1',
    '1 ',
    '-1',
    '+1',
    '1.0',
    '1e3',
    '0x',
    '0xg',
    '08',
    'a',
    '4294967296',
    '0b1',
    '1_000',
    '0x100000000',
    'Infinity',
  ]) {
    t.throws(() => parseNumber(argument, 4294967295), new RangeError('expected a number from 0 to 4294967295'), argument)
  }
  t.end()
})

t.test('every kind says what it would have taken as an argument', (t) => {
  for (const [kind, argument, message] of [
    [u8, '256', 'expected a number from 0 to 255'],
    [u16, '65536', 'expected a number from 0 to 65535'],
    [port, 'http', 'expected a number from 0 to 65535'],
    [port, '65536', 'expected a number from 0 to 65535'],
    [u32, '0x100000000', 'expected a number from 0 to 4294967295'],
    [seconds, '-1', 'expected a number from 0 to 4294967295'],
    [u64, '18446744073709551616', 'expected a number from 0 to 18446744073709551615'],
    [u64, '', 'expected a number from 0 to 18446744073709551615'],
    [u64, '-1', 'expected a number from 0 to 18446744073709551615'],
    [hex16, '0x10000', 'expected a number from 0 to 65535'],
    [ipv4, '::1', 'expected an ipv4 address'],
    [ipv6, '1.2.3.4', 'expected an ipv6 address'],
    [colour, 'red', 'expected one of RED, GREEN, BLUE, ROT'],
    [colour, '1', 'expected one of RED, GREEN, BLUE, ROT'],
    [colour, 'constructor', 'expected one of RED, GREEN, BLUE, ROT'],
    [flags, 'A,', "'' is not one of A, B, C"],
    [flags, 'A,D', "'D' is not one of A, B, C"],
    [bytes, '0', 'expected pairs of hexadecimal digits'],
    [bytes, '0g', 'expected pairs of hexadecimal digits'],
  ] as const) {
    t.throws(() => kind.parse(argument), new RangeError(message), `${kind.name} ${argument}`)
  }
  t.end()
})

t.test('an argument for a port or a duration is decimal, whatever zeros it begins with', (t) => {
  for (const kind of [port, seconds, decimal(u8)]) {
    t.equal(kind.parse('010'), 10)
    t.equal(kind.parse('0'), 0)
    t.equal(kind.parse('000'), 0)
    t.equal(kind.parse('0000000080'), 80)
    t.equal(kind.parse('0x50'), 80)
    t.equal(kind.parse('09'), 9)
  }
  t.equal(u16.parse('010'), 8, 'unlike other numbers')
  t.throws(() => decimal(u8).parse('0256'), RangeError)
  t.end()
})

t.test('an argument for an address may be in any form, and is read as its canonical one', (t) => {
  t.equal(ipv4.parse('0x0a000001'), '10.0.0.1')
  t.equal(ipv4.parse('1.2'), '1.0.0.2')
  t.equal(ipv6.parse('FD00:0:0::0001'), 'fd00::1')
  t.end()
})

t.test('a number without a name is told by an enumeration, and shown as the first name', (t) => {
  t.equal(read(colour, unhex('4d')), '77')
  t.equal(hex(write(colour, '77')), '4d')
  t.equal(hex(write(colour, '1')), '01')
  t.equal(print(colour, unhex('4d')), 'RED')
  t.equal(json(colour, unhex('4d')), '"77"')
  t.equal(colour.parse('ROT'), 'RED', 'an argument may be an alias')
  t.end()
})

t.test('a list of bits is frozen and shared between reads', (t) => {
  const value = read(flags, unhex('0005'))
  t.ok(Object.isFrozen(value))
  t.equal(read(flags, unhex('0005')), value)
  t.not(read(flags, unhex('0004')), value)
  t.equal(hex(write(flags, ['C', 'A', 'A', 'bit0'])), '0005', 'order and repetition do not matter')
  t.end()
})

t.test('a string ends at its NUL or at its attribute', (t) => {
  t.equal(read(string, unhex('667470')), 'ftp')
  t.equal(read(string, unhex('66747000')), 'ftp')
  t.equal(read(string, unhex('667400ff00')), 'ft')
  t.equal(read(string, unhex('')), '')
  t.equal(print(string, unhex('66740070')), 'ft')
  t.equal(json(string, unhex('22005c')), '"\\""')
  t.equal(read(string, unhex('ff41')), '\ufffdA', 'what is no UTF-8 is replaced')
  t.end()
})

t.test('any text comes back as it was', (t) => {
  forAll(t, 1000, 6, (random) => {
    const value = String.fromCodePoint(
      ...Array.from({ length: random.below(20) }, () =>
        random.pick([0x22, 0x41, 0x7f, 0xe9, 0x20ac, 0xfeff, 0x1d11e, 1 + random.below(0xd7ff)]),
      ),
    )
    const payload = write(string, value)
    if (read(string, payload) !== value) throw new Error(JSON.stringify(value))
    if (JSON.parse(json(string, payload)) !== value) throw new Error(`JSON of ${JSON.stringify(value)}`)
  })
  t.end()
})

t.test('bytes and strings are copies', (t) => {
  const buffer = framed(unhex('0102'))
  const value = bytes.read(buffer, AT, 2)
  const name = string.read(buffer, AT, 2)
  const kept = read(ipv6, unhex('fd000000000000000000000000000001'))
  buffer.fill(0xee)
  read(ipv6, unhex('fd000000000000000000000000000002'))
  t.strictSame([...value], [1, 2])
  t.equal(name, '\u0001\u0002')
  t.equal(kept, 'fd00::1')
  t.end()
})
