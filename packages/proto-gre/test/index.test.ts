import t from 'tap'
import { attribute, concat, nested, unhex } from '../../core/test/bytes.ts'
import { entryOf, flowLayout } from '../../core/test/entries.ts'
import { conforms } from '../../core/test/protocol-conformance.ts'
import { gre } from '../src/index.ts'

conforms(t, gre, {
  opposites: [
    [
      { sourceKey: 0, destinationKey: 0x1234 },
      { sourceKey: 0x1234, destinationKey: 0 },
    ],
  ],
})

t.test('GRE has two keys of 16 bits where others have ports', (t) => {
  const tuple = (source: string, destination: string): Uint8Array =>
    nested(2, attribute(1, [47]), attribute(2, unhex(source)), attribute(3, unhex(destination)))
  const entry = entryOf(flowLayout([gre]), concat(nested(1, tuple('0000', '1234')), nested(2, tuple('1234', '0000'))))
  t.strictSame(entry.decode(), {
    original: { protocolNumber: 47, sourceKey: 0, destinationKey: 0x1234 },
    reply: { protocolNumber: 47, sourceKey: 0x1234, destinationKey: 0 },
  })
  t.end()
})
