import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import t from 'tap'
import { parseIPv4, parseIPv6, printIPv4, printIPv6 } from '../../src/schema/addresses.ts'
import { Text } from '../../src/schema/text.ts'
import { hex, unhex } from '../bytes.ts'
import { forAll, Random } from '../random.ts'

/** Some bytes in front and a buffer that is too small show that `at` counts and the text grows. */
function printed(print: typeof printIPv4, address: Uint8Array): string {
  const text = new Text(1)
  print(text, Uint8Array.of(9, 9, 9, ...address, 9), 3)
  return text.toString()
}

const parsed = (bytes: Uint8Array | undefined): string => (bytes === undefined ? 'none' : hex(bytes))

t.test('printIPv4() writes four decimal numbers', (t) => {
  t.equal(printed(printIPv4, Uint8Array.of(0, 9, 10, 99)), '0.9.10.99')
  t.equal(printed(printIPv4, Uint8Array.of(100, 109, 200, 255)), '100.109.200.255')
  for (let octet = 0; octet < 256; octet++) {
    const text = printed(printIPv4, Uint8Array.of(octet, 1, octet, 0))
    if (text !== `${octet}.1.${octet}.0`) t.equal(text, `${octet}.1.${octet}.0`)
  }
  t.end()
})

const NTOP: Readonly<Record<string, string>> = {
  '0000 0000 0000 0000 0000 0000 0000 0000': '::',
  '0000 0000 0000 0000 0000 0000 0000 0001': '::1',
  '0001 0000 0000 0000 0000 0000 0000 0000': '1::',
  '0000 0000 0000 0000 0000 ffff 0102 0304': '::ffff:1.2.3.4',
  '0000 0000 0000 0000 0000 ffff 0000 0000': '::ffff:0.0.0.0',
  '0000 0000 0000 0000 0000 0000 0102 0304': '::1.2.3.4',
  '0000 0000 0000 0000 0000 0000 0001 0000': '::0.1.0.0',
  '0000 0000 0000 0000 0000 0000 0000 ffff': '::ffff',
  '0000 0000 0000 0000 0000 fffe 0102 0304': '::fffe:102:304',
  '0000 0000 0000 0000 ffff 0000 0102 0304': '::ffff:0:102:304',
  '0001 0000 0000 0002 0000 0000 0000 0003': '1:0:0:2::3',
  '0001 0000 0000 0000 0002 0000 0000 0003': '1::2:0:0:3',
  '0001 0000 0000 0002 0000 0000 0003 0004': '1::2:0:0:3:4',
  '0001 0000 0002 0003 0004 0005 0006 0007': '1:0:2:3:4:5:6:7',
  '0000 0001 0002 0003 0004 0005 0006 0007': '0:1:2:3:4:5:6:7',
  '0001 0002 0003 0004 0005 0006 0007 0000': '1:2:3:4:5:6:7:0',
  '0001 0002 0003 0004 0005 0006 0000 0000': '1:2:3:4:5:6::',
  '0000 0000 0003 0004 0005 0006 0007 0008': '::3:4:5:6:7:8',
  '0001 0000 0003 0000 0005 0000 0007 0000': '1:0:3:0:5:0:7:0',
  'fe80 0000 0000 0000 0000 0000 0000 0000': 'fe80::',
  'fe80 0000 0000 0000 0202 b3ff fe1e 8329': 'fe80::202:b3ff:fe1e:8329',
  '2001 0db8 0000 0000 0000 0000 0000 0001': '2001:db8::1',
  '2001 0db8 0000 0001 0001 0001 0001 0001': '2001:db8:0:1:1:1:1:1',
  'ffff ffff ffff ffff ffff ffff ffff ffff': 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
}

t.test('printIPv6() writes the shortest form', (t) => {
  for (const [bytes, text] of Object.entries(NTOP)) t.equal(printed(printIPv6, unhex(bytes)), text)
  t.end()
})

/** Groups that are often 0 or 1, 0xffff at times, so that runs of all lengths come. */
function likelyIPv6(random: Random): Uint8Array {
  const group = (): number => random.pick([0, 0, 0, 1, 0xff, 0xffff, random.below(65536)])
  return Uint8Array.from(Array.from({ length: 8 }, group).flatMap((value) => [value >> 8, value & 255]))
}

t.test('what is printed is parsed to the same bytes', (t) => {
  forAll(t, 20000, 2, (random) => {
    const v4 = random.bytes(4)
    if (parsed(parseIPv4(printed(printIPv4, v4))) !== hex(v4)) throw new Error(printed(printIPv4, v4))
    const v6 = likelyIPv6(random)
    if (parsed(parseIPv6(printed(printIPv6, v6))) !== hex(v6)) throw new Error(printed(printIPv6, v6))
  })
  t.end()
})

/** What inet_aton(3) of glibc makes of it. */
const ATON: Readonly<Record<string, string>> = {
  '1.2.3.4': '01020304',
  '0.0.0.0': '00000000',
  '255.255.255.255': 'ffffffff',
  '1': '00000001',
  '0': '00000000',
  '1.2': '01000002',
  '1.2.3': '01020003',
  '1.2.65535': '0102ffff',
  '1.16777215': '01ffffff',
  '4294967295': 'ffffffff',
  '0x01020304': '01020304',
  '0X7f.1': '7f000001',
  '010.0.0.1': '08000001',
  '0377.00.000.0000001': 'ff000001',
  '1.2.3.256': 'none',
  '256.1': 'none',
  '1.2.65536': 'none',
  '1.16777216': 'none',
  '4294967296': 'none',
  '0x100000000': 'none',
  '08': 'none',
  '1.2.3.09': 'none',
  '0x': 'none',
  '0xg': 'none',
  '1.2.3.4.5': 'none',
  '1.2.3.4.': 'none',
  '1.2.3.': 'none',
  '1..2': 'none',
  '.1': 'none',
  '.': 'none',
  '': 'none',
  a: 'none',
  '1.2.3.4a': 'none',
  ' 1.2.3.4': 'none',
  '+1': 'none',
  '-1': 'none',
  '1e1': 'none',
  '1.2.3.-4': 'none',
  '::1': 'none',
}

t.test('parseIPv4() takes what inet_aton(3) takes', (t) => {
  for (const [text, bytes] of Object.entries(ATON)) t.equal(parsed(parseIPv4(text)), bytes, text)
  t.end()
})

t.test('parseIPv4() wants no white space, unlike inet_aton(3)', (t) => {
  for (const text of ['1.2.3.4 ', '1.2.3.4\n', '1.2.3.4 and more']) t.equal(parsed(parseIPv4(text)), 'none')
  t.end()
})

/** What inet_pton(3) makes of it for AF_INET6. */
const PTON: Readonly<Record<string, string>> = {
  '::': '00000000000000000000000000000000',
  '::1': '00000000000000000000000000000001',
  '1::': '00010000000000000000000000000000',
  '1:2:3:4:5:6:7:8': '00010002000300040005000600070008',
  '1:2:3:4:5:6:7::': '00010002000300040005000600070000',
  '::2:3:4:5:6:7:8': '00000002000300040005000600070008',
  '1::8': '00010000000000000000000000000008',
  '2001:DB8::aBcD': '20010db800000000000000000000abcd',
  '0001:0002::': '00010002000000000000000000000000',
  '::ffff:1.2.3.4': '00000000000000000000ffff01020304',
  '::1.2.3.4': '00000000000000000000000001020304',
  '1:2:3:4:5:6:1.2.3.4': '00010002000300040005000601020304',
  '1:2:3:4:5::1.2.3.4': '00010002000300040005000001020304',
  '64:ff9b::255.255.255.255': '0064ff9b0000000000000000ffffffff',
  '': 'none',
  ':': 'none',
  ':::': 'none',
  '::1::': 'none',
  '1::2::3': 'none',
  ':1': 'none',
  '1:': 'none',
  '1:::2': 'none',
  ':1:2:3:4:5:6:7': 'none',
  ':1:2:3:4:5:6:7:8': 'none',
  '1:2:3:4:5:6:7:': 'none',
  '1:2:3:4:5:6:7:8:': 'none',
  '1:2:3:4:5:6:7': 'none',
  '1:2:3:4:5:6:7:8:9': 'none',
  '1:2:3:4:5:6:7:8::': 'none',
  '::1:2:3:4:5:6:7:8': 'none',
  '1:2:3:4::5:6:7:8': 'none',
  '12345::': 'none',
  '00001::': 'none',
  'g::': 'none',
  '::-1': 'none',
  '::0x1': 'none',
  '::1/64': 'none',
  '::1%lo': 'none',
  ' ::1': 'none',
  '::1 ': 'none',
  '1.2.3.4': 'none',
  '::1.2.3': 'none',
  '::1.2.3.4.5': 'none',
  '::1.2.3.256': 'none',
  '::1.2.3.04': 'none',
  '::1.2.3.4:5': 'none',
  '::1.2.3.4.': 'none',
  '1.2.3.4::': 'none',
  '::0x1.2.3.4': 'none',
  '1:2:3:4:5:6:7:1.2.3.4': 'none',
  '1:2:3:4:5:6::1.2.3.4': 'none',
}

t.test('parseIPv6() takes what inet_pton(3) takes', (t) => {
  for (const [text, bytes] of Object.entries(PTON)) t.equal(parsed(parseIPv6(text)), bytes, text)
  t.end()
})

/** A text with one or two characters less, more or exchanged. */
function almost(random: Random, text: string): string {
  const characters = [...text]
  for (let times = random.below(3); times > 0; times--) {
    characters.splice(
      random.below(characters.length + 1),
      random.below(2),
      ...(random.oneIn(3) ? [] : [random.pick([':', '.', '0', '1', 'f', 'g'])]),
    )
  }
  return characters.join('')
}

const SCRIPT = `
import json, socket, sys
def parse(convert, text):
    try: return convert(text).hex()
    except (OSError, UnicodeError): return 'none'
asked = json.load(sys.stdin)
json.dump({
    'ntop': [socket.inet_ntop(socket.AF_INET6, bytes.fromhex(one)) for one in asked['ntop']],
    'aton': [parse(socket.inet_aton, one) for one in asked['aton']],
    'pton': [parse(lambda text: socket.inet_pton(socket.AF_INET6, text), one) for one in asked['pton']],
}, sys.stdout)
`

type Vectors = Record<'ntop' | 'aton' | 'pton', string[]>

const PYTHON = '/usr/bin/python3'
const skip = existsSync(PYTHON) ? false : `there is no ${PYTHON} to ask`

/** The C library's own answers. */
function askLibrary(asked: Vectors): Vectors {
  const { stdout } = spawnSync(PYTHON, ['-I', '-c', SCRIPT], { input: JSON.stringify(asked), encoding: 'utf8', maxBuffer: 1e8 })
  return JSON.parse(stdout)
}

/** Something like an address: pieces of addresses, in any order. */
function likelyText(random: Random, pieces: readonly string[]): string {
  return Array.from({ length: random.below(9) + 1 }, () => random.pick(pieces)).join('')
}

t.test('the C library agrees', { skip }, (t) => {
  const random = new Random(3)
  const asked: Vectors = {
    ntop: [...Object.keys(NTOP).map((bytes) => hex(unhex(bytes))), ...Array.from({ length: 5000 }, () => hex(likelyIPv6(random)))],
    aton: [
      ...Object.keys(ATON),
      ...Array.from({ length: 5000 }, () =>
        likelyText(random, ['.', '.', '.', '0', '1', '9', '08', '010', '0x', '255', '256', '65536', 'f']),
      ),
      ...Array.from({ length: 5000 }, () => Array.from({ length: random.below(5) + 1 }, () => random.u32() >>> random.below(32)).join('.')),
    ],
    pton: [
      ...Object.keys(PTON),
      ...Array.from({ length: 5000 }, () => likelyText(random, [':', '::', '1:2:', '3', 'abcd', '0123', '.5', '1.2.3.4', '4:5:6:7:8'])),
      ...Array.from({ length: 5000 }, () => almost(random, printed(printIPv6, likelyIPv6(random)))),
    ],
  }
  const answers = askLibrary(asked)
  const ours: Vectors = {
    ntop: asked.ntop.map((bytes) => printed(printIPv6, unhex(bytes))),
    aton: asked.aton.map((text) => parsed(parseIPv4(text))),
    pton: asked.pton.map((text) => parsed(parseIPv6(text))),
  }
  for (const name of ['ntop', 'aton', 'pton'] as const) {
    t.equal(answers[name].length, asked[name].length)
    const different = asked[name].flatMap((one, i) => (answers[name][i] === ours[name][i] ? [] : [[one, answers[name][i], ours[name][i]]]))
    t.strictSame(different.slice(0, 10), [], `inet_${name}() of ${asked[name].length}`)
  }
  const good = (name: 'aton' | 'pton'): number => answers[name].filter((bytes) => bytes !== 'none').length
  t.ok(good('aton') > 500 && good('pton') > 500, 'and many of them are addresses')
  t.end()
})
