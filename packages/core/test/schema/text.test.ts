import t from 'tap'
import { Text, word } from '../../src/schema/text.ts'
import { forAll } from '../random.ts'

/** What a text has after this was written to it, in a buffer that is too small for it. */
function written(write: (text: Text) => void): string {
  const text = new Text(1)
  write(text)
  return text.toString()
}

t.test('decimal() writes numbers from 0 to 2^32-1', (t) => {
  for (const number of [0, 1, 9, 10, 11, 99, 100, 999, 1000, 65535, 999999999, 1e9, 2 ** 31, 2 ** 32 - 1]) {
    t.equal(
      written((text) => text.decimal(number)),
      String(number),
    )
  }
  forAll(t, 20000, 1, (random) => {
    const number = random.u32() >>> random.below(32)
    const text = written((text) => text.decimal(number))
    if (text !== String(number)) throw new Error(`${number} is written as ${text}`)
  })
  t.end()
})

t.test('decimal64() writes numbers from 0 to 2^64-1, given as two halves', (t) => {
  for (const [high, low, digits] of [
    [0, 0, '0'],
    [0, 4294967295, '4294967295'],
    [1, 0, '4294967296'],
    [0x2386f2, 0x6fc10000, '10000000000000000'],
    [0x7fffffff, 0xffffffff, '9223372036854775807'],
    [0xffffffff, 0xffffffff, '18446744073709551615'],
  ] as const) {
    t.equal(
      written((text) => text.decimal64(high, low)),
      digits,
    )
  }
  t.end()
})

t.test('hex() writes as few digits as there are, in lower case', (t) => {
  for (const number of [0, 1, 0xf, 0x10, 0xff, 0x100, 0xabcd, 0xfffff, 0x12345678, 0xffffffff]) {
    t.equal(
      written((text) => text.hex(number)),
      number.toString(16),
    )
  }
  t.end()
})

t.test('hexBytes() writes two digits for each byte', (t) => {
  t.equal(
    written((text) => text.hexBytes(Uint8Array.of(0xee, 0, 1, 0xab, 0xff, 0xee), 1, 4)),
    '0001abff',
  )
  t.equal(
    written((text) => text.hexBytes(Uint8Array.of(1), 1, 0)),
    '',
  )
  t.end()
})

t.test('string() writes UTF-8', (t) => {
  const text = new Text(1)
  text.string('aé€𝄞')
  t.equal(Buffer.from(text.view()).toString('hex'), '61c3a9e282acf09d849e')
  t.equal(text.length, 10)
  t.equal(text.toString(), 'aé€𝄞')
  text.clear()
  text.string('\ufeffa')
  t.equal(text.toString(), '\ufeffa', 'and U+FEFF is a character like others')
  t.end()
})

t.test('json() writes a string that JSON.parse() reads', (t) => {
  for (const value of ['', 'ftp', '"', '\\', '\n\t\0\u001f\u007f', '\u2028', '𝄞', '\ud800', '{"a":1}']) {
    const text = written((text) => text.json(value))
    t.equal(JSON.parse(text), value)
    // oxlint-disable-next-line no-control-regex
    t.notMatch(text, /[\0-\u001f]/)
  }
  t.end()
})

t.test('word() and byte() write what was encoded before', (t) => {
  t.equal(
    written((text) => {
      text.word(word('sport='))
      text.byte(0x38)
      text.word(word(''))
      text.word(word('€ '))
    }),
    'sport=8€ ',
  )
  t.end()
})

t.test('the buffer grows wherever its end is', (t) => {
  const write = (text: Text): void => {
    text.string('a€')
    text.decimal(4294967295)
    text.word(word('sport='))
    text.byte(0x20)
    text.hex(0xabcdef)
    text.decimal64(0xffffffff, 0xffffffff)
    text.hexBytes(Uint8Array.of(1, 2), 0, 2)
    text.json('x')
    text.decimal(7)
  }
  const expected = 'a€4294967295sport= abcdef184467440737095516150102"x"7'
  for (let capacity = 0; capacity <= 64; capacity++) {
    const text = new Text(capacity)
    write(text)
    if (text.toString() !== expected) t.equal(text.toString(), expected, `from ${capacity} bytes on`)
  }
  const text = new Text(0)
  for (let i = 0; i < 10000; i++) write(text)
  t.equal(text.toString(), expected.repeat(10000))
  t.ok(text.bytes.length < 4 * text.length, 'and not beyond need')
  t.end()
})

t.test('trim() takes back a byte, clear() all', (t) => {
  const text = new Text()
  text.string('use=1 ')
  text.trim()
  t.equal(text.toString(), 'use=1')
  text.clear()
  t.equal(text.length, 0)
  t.strictSame([...text.view()], [])
  text.decimal(8)
  t.equal(text.toString(), '8', 'and it can be written to again')
  t.end()
})
