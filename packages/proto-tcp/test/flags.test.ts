import t from 'tap'
import { Text } from '../../core/src/schema/text.ts'
import { hex } from '../../core/test/bytes.ts'
import { readHeader, skipHeaders as skip } from '../../core/test/kernel-headers.ts'
import { forAll } from '../../core/test/random.ts'
import { windowFlags } from '../src/flags.ts'

const text = (write: (text: Text) => void): string => {
  const text = new Text(0)
  write(text)
  return text.toString()
}

t.test("the flags have the kernel's names and numbers", { skip }, (t) => {
  const { defines } = readHeader('nf_conntrack_tcp.h')
  const flags = [...defines].map(([name, bit]) => [name.replace(/^IP_CT_(TCP_|EXP_)(FLAG_)?/, ''), bit] as const)
  t.equal(flags.length, 8)
  for (const [name, bit] of flags) t.strictSame(windowFlags.read(Uint8Array.of(bit, 0), 0, 2), { flags: [name], mask: [] })
  t.end()
})

t.test('flags and mask are a byte each', (t) => {
  const target = new Uint8Array(4)
  t.equal(windowFlags.write(target, 1, { flags: ['SACK_PERM', 'BE_LIBERAL'], mask: ['CLOSE_INIT'] }), 2)
  t.equal(hex(target), '000a0400')
  t.strictSame(windowFlags.read(target, 1, 2), { flags: ['SACK_PERM', 'BE_LIBERAL'], mask: ['CLOSE_INIT'] })
  forAll(t, 500, 9, (random) => {
    const bytes = random.bytes(2)
    const again = new Uint8Array(2)
    windowFlags.write(again, 0, windowFlags.read(bytes, 0, 2))
    if (hex(again) !== hex(bytes)) throw new Error(`${hex(bytes)} comes back as ${hex(again)}`)
  })
  t.throws(() => windowFlags.write(target, 0, { flags: ['FIN' as never], mask: [] }), RangeError)
  t.end()
})

t.test('they are printed, parsed and put into JSON', (t) => {
  const bytes = Uint8Array.of(9, 0x0a, 0x04, 9)
  t.equal(
    text((text) => windowFlags.print(text, bytes, 1, 2)),
    'SACK_PERM,BE_LIBERAL/CLOSE_INIT',
  )
  t.strictSame(JSON.parse(text((text) => windowFlags.json(text, bytes, 1, 2))), {
    flags: ['SACK_PERM', 'BE_LIBERAL'],
    mask: ['CLOSE_INIT'],
  })
  t.strictSame(windowFlags.parse('SACK_PERM/SACK_PERM,CLOSE_INIT'), { flags: ['SACK_PERM'], mask: ['SACK_PERM', 'CLOSE_INIT'] })
  t.strictSame(windowFlags.parse('SACK_PERM'), { flags: ['SACK_PERM'], mask: ['SACK_PERM'] }, 'without a mask, of the flags themselves')
  t.strictSame(windowFlags.parse('/SACK_PERM'), { flags: [], mask: ['SACK_PERM'] }, 'none of those under the mask')
  for (const wrong of ['FIN', '', 'SACK_PERM/BE_LIBERAL/FIN']) t.throws(() => windowFlags.parse(wrong), RangeError, wrong)
  t.end()
})

t.test('as a condition, flags under the mask count, and the mask that the kernel tells does not', (t) => {
  t.strictSame(windowFlags.condition?.('SACK_PERM'), {
    value: { flags: ['SACK_PERM'], mask: [] },
    mask: { flags: ['SACK_PERM'], mask: [] },
  })
  t.strictSame(windowFlags.condition?.('SACK_PERM,CLOSE_INIT/SACK_PERM,BE_LIBERAL'), {
    value: { flags: ['SACK_PERM'], mask: [] },
    mask: { flags: ['SACK_PERM', 'BE_LIBERAL'], mask: [] },
  })
  t.end()
})
