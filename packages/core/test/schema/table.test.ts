import t from 'tap'
import { ipv4, ipv6, u8, u16 } from '../../src/schema/kinds.ts'
import { always, attribute, type Decoded, type Encodable, fromKernel, nest, perFamily, whole, within } from '../../src/schema/table.ts'

t.test('within() puts rows one step further down', (t) => {
  const inner = nest(4, 'INNER', { deep: attribute(5, 'DEEP', u8) })
  const rows = within(1, 'OUTER', {
    port: attribute(2, 'PORT', u16),
    all: whole(u8),
    inner,
    source: perFamily(attribute(3, 'V4', ipv4), attribute(6, 'V6', ipv6)),
  })
  const outer = { id: 1, name: 'OUTER' }
  t.strictSame(rows.port.path, [outer, { id: 2, name: 'PORT' }])
  t.strictSame(rows.all.path, [outer])
  t.strictSame(rows.inner.path, [outer, { id: 4, name: 'INNER' }])
  t.equal(rows.inner.table, inner.table, 'what is in a nest stays where it is')
  t.strictSame(
    rows.source.alternatives.map(({ path }) => path),
    [
      [outer, { id: 3, name: 'V4' }],
      [outer, { id: 6, name: 'V6' }],
    ],
  )
  t.strictSame(
    within(9, 'TOP', rows).port.path.map(({ id }) => id),
    [9, 1, 2],
  )
  t.end()
})

t.test('always() and fromKernel() mark a row and leave the original as it is', (t) => {
  const row = attribute(1, 'ROW', u8)
  t.strictSame(always(fromKernel(row)), { ...row, always: true, fromKernel: true })
  t.notOk('always' in row || 'fromKernel' in row)
  t.end()
})

t.test('the types of values follow from the rows', (t) => {
  const table = {
    there: always(attribute(1, 'THERE', u8)),
    perhaps: attribute(2, 'PERHAPS', u16),
    told: fromKernel(attribute(3, 'TOLD', u16)),
    source: perFamily(attribute(4, 'V4', ipv4), attribute(5, 'V6', ipv6)),
    inner: nest(6, 'INNER', { told: fromKernel(attribute(1, 'DEEP', u8)), sent: attribute(2, 'SENT', u8) }),
  }
  const decoded: Decoded<typeof table> = { there: 1, told: 2, source: '::1', inner: { told: 3 } }
  const sent: Encodable<typeof table> = { perhaps: 2, inner: { sent: 3 } }
  // @ts-expect-error what is always there is not optional
  const lacking: Decoded<typeof table> = { perhaps: 1 }
  // @ts-expect-error what only the kernel tells is not sent
  const telling: Encodable<typeof table> = { told: 1 }
  // @ts-expect-error nor is it within a nest
  const deep: Encodable<typeof table> = { inner: { told: 1 } }
  // @ts-expect-error a number is no address
  const wrong: Encodable<typeof table> = { source: 1 }
  t.strictSame([decoded, sent, lacking, telling, deep, wrong].length, 6)
  t.end()
})
