import t from 'tap'
import { bytes, hex16, ipv4, ipv6, port, string, u8, u16, u32 } from '../../src/schema/kinds.ts'
import { layout } from '../../src/schema/layout.ts'
import { always, attribute, nest, perFamily, whole, within } from '../../src/schema/table.ts'

const number = attribute(1, 'NUMBER', u8)
const ports = { name: 'ports', number: 6, table: { number, ...within(2, 'BODY', { port: attribute(1, 'PORT', port) }) } }
const keys = { name: 'keys', number: 47, table: { number, ...within(2, 'BODY', { key: attribute(1, 'PORT', hex16) }) } }
const other = { name: 'other', number: -1, table: { number, ...within(2, 'BODY', { body: whole(bytes) }) } }

t.test('attributes of one number have one slot, and a name and a kind in each table', (t) => {
  const { shapes, slotCount } = layout([ports, keys, other])
  const place = (index: number, path: string) => shapes[index].fields.get(path)?.places[0]
  t.equal(place(0, 'port')?.slot, place(1, 'key')?.slot)
  t.equal(place(0, 'port')?.kind, port)
  t.equal(place(1, 'key')?.kind, hex16)
  t.equal(place(0, 'key'), undefined)
  t.equal(place(0, 'number')?.slot, place(2, 'number')?.slot)
  t.equal(slotCount, 4, 'the root, NUMBER, BODY and PORT')
  const slots = new Set([place(0, 'number'), place(2, 'body'), place(0, 'port')].map((one) => one?.slot))
  t.equal(slots.size, 3)
  t.notOk(slots.has(0), 'no attribute has slot 0')
  t.end()
})

t.test('a protocol number gives its shape, the last one where none has it', (t) => {
  const tables = layout([ports, keys, other], 'number')
  const { shapes, selector } = tables
  t.equal(tables.shape(6).variant, ports)
  t.equal(tables.shape(47).variant, keys)
  for (const unknown of [0, 7, 255, 256, -1]) t.equal(tables.shape(unknown).variant, other, String(unknown))
  t.strictSame(
    shapes.map(({ index }) => index),
    [0, 1, 2],
  )
  t.equal(selector, shapes[0].fields.get('number')?.places[0].slot)
  t.equal(layout([ports]).selector, 0, 'a table alone needs no selector')
  t.equal(layout([ports]).shape(99).variant, ports)
  t.end()
})

t.test('of two variants of one number the first is taken', (t) => {
  const twin = { ...ports, name: 'twin' }
  t.equal(layout([ports, twin, other]).shape(6).variant, ports)
  t.end()
})

t.test('tables that disagree about the size of an attribute are refused', (t) => {
  const table = (kind: typeof u16) => ({ name: 'one', number: 1, table: within(2, 'BODY', { port: attribute(1, 'PORT', kind) }) })
  t.throws(() => layout([ports, table(u32)]), new RangeError('PORT is declared with 2 and with 4 bytes'))
  t.throws(() => layout([table(u32), ports]), new RangeError('PORT is declared with 4 and with 2 bytes'))
  t.doesNotThrow(() => layout([ports, table(u16)]))
  t.end()
})

t.test('the scan tree says how many bytes an attribute must have', (t) => {
  const { root } = layout([
    {
      name: 'a',
      number: 1,
      table: {
        blob: attribute(1, 'BLOB', bytes),
        text: attribute(2, 'TEXT', string),
        inner: nest(3, 'INNER', { u: attribute(7, 'U', u32) }),
      },
    },
    { name: 'b', number: 2, table: { four: attribute(1, 'BLOB', u32) } },
  ])
  const { children } = root
  t.strictSame([children[1].minimum, children[2].minimum, children[3].minimum, children[3].children[7].minimum], [4, 0, 0, 4])
  t.strictSame(children[3].children[7].step, { id: 7, name: 'U' })
  t.equal(children[4], undefined)
  t.end()
})

t.test('members are the rows of a table in its order, fields their leaves by path', (t) => {
  const table = {
    source: always(perFamily(attribute(1, 'V4', ipv4), attribute(3, 'V6', ipv6))),
    inner: always(nest(4, 'INNER', { port: attribute(1, 'PORT', port), more: nest(2, 'MORE', { u: attribute(1, 'U', u8) }) })),
    mark: attribute(2, 'MARK', u32),
  }
  const [shape] = layout([{ name: 'one', number: 0, table }]).shapes
  t.match(shape.members, [
    {
      name: 'source',
      always: true,
      places: [
        { name: 'V4', kind: ipv4 },
        { name: 'V6', kind: ipv6 },
      ],
      slot: 0,
      members: undefined,
    },
    {
      name: 'inner',
      always: true,
      places: [],
      members: [
        { name: 'port', places: [{ name: 'PORT' }] },
        { name: 'more', always: false, members: [{ name: 'u' }] },
      ],
    },
    { name: 'mark', always: false, members: undefined },
  ])
  t.strictSame([...shape.fields.keys()], ['source', 'inner.port', 'inner.more.u', 'mark'])
  t.ok(shape.members[1].slot > 0, 'a nest has its own slot')
  t.end()
})
