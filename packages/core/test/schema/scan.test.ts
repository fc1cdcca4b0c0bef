import t from 'tap'
import { MalformedMessageError } from '../../src/errors.ts'
import { bytes, string, u8, u32, u64 } from '../../src/schema/kinds.ts'
import { type Layout, layout } from '../../src/schema/layout.ts'
import { payloadLength, scan } from '../../src/schema/scan.ts'
import { attribute as row, nest, type Table } from '../../src/schema/table.ts'
import { attribute, concat, nested, unhex } from '../bytes.ts'
import { entryOf, flowLayout, messageOf } from '../entries.ts'
import { datagram, echo, keyed, stream } from '../protocols.ts'
import { forAll, type Random } from '../random.ts'
import { realDestroy, realFlows } from '../real-flows.ts'
import { realFlow } from '../real-message.ts'

const TABLE = {
  number: row(1, 'NUMBER', u32),
  name: row(2, 'NAME', string),
  inner: nest(3, 'INNER', { small: row(1, 'SMALL', u8), big: row(2, 'BIG', u64) }),
  blob: row(300, 'BLOB', bytes),
} as const satisfies Table
const LAYOUT = layout([{ name: 'only', number: 0, table: TABLE }])

/** The offsets that a scan notes, from the message's own start, by field. */
function offsets(body: Uint8Array): Record<string, number> {
  const { at } = messageOf(body)
  const entry = entryOf(LAYOUT, body)
  const noted = ['number', 'name', 'inner.small', 'inner.big', 'blob'].map((path) => [path, entry.offset(path)] as const)
  return Object.fromEntries(noted.flatMap(([path, offset]) => (offset === 0 ? [] : [[path, offset - at]])))
}

t.test('scan() notes where the payload of each attribute begins', (t) => {
  const body = concat(
    attribute(1, unhex('00000007')), // at 0
    attribute(2, unhex('66747000')), // at 8
    nested(3, attribute(1, [5]), attribute(2, unhex('0000000000000009'))), // at 16
    attribute(300, [1, 2, 3]), // at 40
  )
  t.strictSame(offsets(body), { number: 4, name: 12, 'inner.small': 24, 'inner.big': 32, blob: 44 })
  t.strictSame(offsets(new Uint8Array(0)), {})
  t.end()
})

t.test('scan() skips attributes that it does not know', (t) => {
  const body = concat(
    attribute(4, unhex('00000001')), // at 0
    nested(0x3fff, attribute(1, unhex('00000002'))), // at 8
    attribute(0, []), // at 20
    nested(3, attribute(9, [1]), nested(1000, attribute(2, unhex('0000000000000001'))), attribute(1, [5])), // at 24, 28, 36 and 52
    attribute(301, [1]), // at 60
    attribute(1, unhex('00000003')), // at 68
  )
  t.strictSame(offsets(body), { 'inner.small': 56, number: 72 })
  t.end()
})

t.test('an attribute that is too short for its kind counts as absent', (t) => {
  t.strictSame(offsets(attribute(1, unhex('000007'))), {})
  t.strictSame(offsets(attribute(1, [])), {})
  t.strictSame(offsets(nested(3, attribute(1, []), attribute(2, unhex('00000000000000')))), {})
  t.strictSame(offsets(concat(attribute(1, unhex('00000007')), attribute(1, [8]))), { number: 4 }, 'and does not hide a right one')
  t.strictSame(offsets(attribute(1, unhex('0000000700000008'))), { number: 4 }, 'one that is too long is read as far as it is known')
  t.strictSame(offsets(concat(attribute(2, []), attribute(300, []))), { name: 4, blob: 8 }, 'strings and bytes may be empty')
  t.end()
})

t.test('NLA_F_NESTED and NLA_F_NET_BYTEORDER make no difference', (t) => {
  for (const flag of [0, 0x4000, 0x8000, 0xc000]) {
    t.strictSame(offsets(concat(attribute(1 | flag, unhex('00000007')), attribute(3 | flag, attribute(1 | flag, [5])))), {
      number: 4,
      'inner.small': 16,
    })
  }
  t.end()
})

t.test('the last attribute may be unaligned', (t) => {
  t.strictSame(offsets(concat(attribute(1, unhex('00000007')), unhex('0700 2c01 010203'))), { number: 4, blob: 12 })
  t.strictSame(offsets(unhex('0d00 0380 0500 0100 05 000000 ff')), { 'inner.small': 8 }, 'within a nest too')
  t.end()
})

t.test('up to three bytes behind the last attribute are nothing', (t) => {
  for (const rest of ['ff', 'ffff', 'ffffff']) t.strictSame(offsets(concat(attribute(1, unhex('00000007')), unhex(rest))), { number: 4 })
  t.end()
})

t.test('a length that cannot be is a MalformedMessageError with the offset of the attribute', (t) => {
  const { at } = messageOf(new Uint8Array(0))
  const good = attribute(1, unhex('00000007'))
  for (const [title, body, offset] of [
    ['zero', concat(good, unhex('0000 0100 00000007')), 8],
    ['less than the header', concat(good, unhex('0300 0100 00000007')), 8],
    ['more than is left', concat(good, unhex('0900 0100 00000007')), 8],
    ['much more than is left', unhex('ffff 0100 00000007'), 0],
    ['of an attribute that is unknown', unhex('0900 ff00 00000007'), 0],
    ['past the end of its nest', concat(attribute(3, unhex('0600 0100 05')), good), 4],
    ['zero in a nest', attribute(3, attribute(9, [1]), unhex('0000 0100')), 12],
  ] as const) {
    t.throws(() => offsets(body), new MalformedMessageError('attribute length', at + offset), title)
  }
  t.end()
})

t.test('payloadLength() is what the header says, without the header', (t) => {
  const { bytes, at } = messageOf(concat(attribute(1, []), attribute(300, new Uint8Array(300))))
  t.equal(payloadLength(bytes, at + 4), 0)
  t.equal(payloadLength(bytes, at + 8), 300)
  t.end()
})

const FLOWS = flowLayout([stream, datagram, echo, keyed])

t.test('a message of kernel 6.1 is scanned, its *_PAD attributes are skipped', (t) => {
  const entry = entryOf(FLOWS, realFlow, 10)
  t.equal(entry.shape.variant.name, 'unknown')
  t.match(entry.decode(), {
    original: { source: 'fd00:9::1', destination: 'fd00:9::2', protocolNumber: 33 },
    timeout: 43195,
    status: ['SEEN_REPLY', 'ASSURED', 'CONFIRMED'],
    originalCounters: { packets: 3n, bytes: 276n },
    replyCounters: { packets: 2n, bytes: 192n },
    use: 1,
    id: 0x2ff4ac50,
  })
  t.end()
})

const REAL = [realFlow, realDestroy, ...realFlows.map(({ body }) => body)]

/** The same message, damaged: bits and bytes changed, pieces cut out or doubled, the end cut off. */
function damaged(random: Random, body: Uint8Array): Uint8Array {
  let result: Uint8Array = Uint8Array.from(body)
  for (let times = random.below(4); times >= 0; times--) {
    const at = random.below(result.length)
    const to = at + random.below(result.length - at)
    const damage = random.below(5)
    if (damage === 0) result[at] = random.pick([0, 1, 2, 3, 4, 5, 8, 0x80, 0xff, random.below(256)])
    if (damage === 1) result[at] ^= 1 << random.below(8)
    if (damage === 2) result = concat(result.subarray(0, at), result.subarray(to))
    if (damage === 3) result = concat(result.subarray(0, to), result.subarray(at))
    if (damage === 4) result = result.slice(0, to)
    if (result.length === 0) return result
  }
  return result
}

/** Attributes that are well-formed on the outside, of types that are mostly known. */
function likely(random: Random): Uint8Array {
  const depth = (left: number): Uint8Array =>
    concat(
      ...Array.from({ length: random.below(5) }, () =>
        attribute(
          random.below(30) | (random.below(4) << 14),
          left > 0 && random.oneIn(2) ? depth(left - 1) : random.bytes(random.below(18)),
        ),
      ),
    )
  return depth(3)
}

/** Scans a body and reads all that was found. Throws when anything outside of it was noted. */
function check({ root, slotCount }: Layout, body: Uint8Array): 'malformed' | 'scanned' {
  const slots = new Int32Array(slotCount)
  const { bytes, at, end } = messageOf(body)
  try {
    scan(bytes, at, end, root, slots)
  } catch (error) {
    if (!(error instanceof MalformedMessageError)) throw error
    if (error.offset >= at && error.offset <= end - 4) return 'malformed'
    throw new Error(`an error outside of ${at} to ${end}`, { cause: error })
  }
  for (const slot of slots) {
    if (slot !== 0 && (slot < at + 4 || slot + payloadLength(bytes, slot) > end)) throw new Error(`${slot} is outside of ${at} to ${end}`)
  }
  const walk = ({ slot, minimum, children }: Layout['root']): void => {
    if (slots[slot] !== 0 && payloadLength(bytes, slots[slot]) < minimum) throw new Error(`slot ${slot} has less than ${minimum} bytes`)
    for (const child of children) if (child !== undefined) walk(child)
  }
  walk(root)
  entryOf(FLOWS, body).decode()
  return 'scanned'
}

t.test('nothing outside of the message is ever noted', (t) => {
  const outcomes = { malformed: 0, scanned: 0 }
  forAll(t, 20000, 7, (random) => {
    const body = random.pick([
      () => damaged(random, random.pick(REAL)),
      () => likely(random),
      () => damaged(random, likely(random)),
      () => random.bytes(random.below(60)),
    ])()
    outcomes[check(FLOWS, body)]++
  })
  t.ok(outcomes.malformed > 2000 && outcomes.scanned > 2000, JSON.stringify(outcomes))
  t.end()
})

t.test('a message may end anywhere', (t) => {
  for (const body of REAL) {
    for (let length = 0; length < body.length; length++) check(FLOWS, body.subarray(0, length))
    t.equal(check(FLOWS, body), 'scanned')
  }
  t.end()
})
