import t from 'tap'
import { findAttribute, isSamePayload, mergeAttributes, overlayAttributes } from '../../src/schema/attributes.ts'

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const attributes = (hex: string) => ({ bytes: bytes(hex), at: 0, end: bytes(hex).length })

t.test('findAttribute() finds the first of a type, nested or not', (t) => {
  const all = bytes('0500 0100 aa000000  0800 0280 04000100  0500 0100 bb')
  t.equal(findAttribute(all, 0, all.length, 1), 4)
  t.equal(findAttribute(all, 8, all.length, 1), 20)
  t.equal(findAttribute(all, 0, all.length, 2), 12)
  t.equal(findAttribute(all, 0, all.length, 3), 0)
  t.equal(findAttribute(bytes('0100 0100 aaaaaaaa'), 0, 8, 2), 0, 'a length that cannot be ends the search')
  t.end()
})

t.test('isSamePayload() compares length and bytes', (t) => {
  const one = bytes('0600 0100 aabb')
  t.ok(isSamePayload(one, 4, bytes('0600 0100 aabb'), 4))
  t.notOk(isSamePayload(one, 4, bytes('0600 0100 aabc'), 4))
  t.notOk(isSamePayload(one, 4, bytes('0500 0100 aa00'), 4))
  t.end()
})

t.test('mergeAttributes() takes the later, and what it lacks from the earlier', (t) => {
  const merged = mergeAttributes(
    bytes('ffffffff'),
    attributes('0800 0100 11111111 0800 0300 33333333'),
    attributes('0800 0200 22222222 0600 0100 aabb'),
  )
  t.equal(
    Buffer.from(merged).toString('hex'),
    Buffer.from(bytes('ffffffff 0800 0200 22222222 0600 0100 aabb0000 0800 0300 33333333')).toString('hex'),
  )
  t.end()
})

t.test('overlayAttributes() puts the later in the places of the earlier, and says where one has none', (t) => {
  const overlaid = (earlier: string, later: string): [boolean, string] => {
    const one = attributes(earlier)
    return [overlayAttributes(one, attributes(later)), Buffer.from(one.bytes).toString('hex')]
  }
  const hex = (text: string): string => text.replaceAll(' ', '')
  t.strictSame(
    overlaid('0800 0100 11111111 0600 0200 aaaa0000 0800 0300 33333333', '0800 0300 44444444 0600 0200 bbbb'),
    [true, hex('0800 0100 11111111 0600 0200 bbbb0000 0800 0300 44444444')],
    'in any order',
  )
  t.equal(overlaid('0800 0100 11111111', '0800 0200 22222222')[0], false, 'one that is not there')
  t.equal(overlaid('0800 0100 11111111', '0600 0100 aabb')[0], false, 'one of another length')
  t.equal(overlaid('0800 0100 11111111', '0200 0100 22222222')[0], false, 'one whose length cannot be')
  t.strictSame(overlaid('0800 0100 11111111', ''), [true, hex('0800 0100 11111111')])
  t.end()
})
