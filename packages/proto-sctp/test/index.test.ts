import t from 'tap'
import { readHeader, skipHeaders as skip } from '../../core/test/kernel-headers.ts'
import { conforms } from '../../core/test/protocol-conformance.ts'
import { sctp } from '../src/index.ts'

conforms(t, sctp, {
  protoinfo: 'ctattr_protoinfo_sctp',
  opposites: [
    [
      { sourcePort: 36413, destinationPort: 36412 },
      { sourcePort: 36412, destinationPort: 36413 },
    ],
  ],
})

t.test("the states have the kernel's names and numbers", { skip }, (t) => {
  const states = [...(readHeader('nf_conntrack_sctp.h').enums.get('sctp_conntrack') ?? [])].filter(([name]) => !name.endsWith('_MAX'))
  t.equal(states.length, 10)
  const { kind } = sctp.protoinfo.state
  for (const [name, number] of states) {
    const state = name.replace('SCTP_CONNTRACK_', '')
    t.equal(kind.read(Uint8Array.of(number), 0, 1), state)
    t.equal(kind.parse(state), state)
  }
  t.equal(kind.read(Uint8Array.of(states.length), 0, 1), String(states.length), 'and there is no other')
  t.end()
})

t.test('both verification tags and the state are compulsory for a new flow', (t) => {
  const required = sctp.options.filter(({ use }) => use.create === 'required').map(({ sets }) => sets)
  t.strictSame(required, ['state', 'verificationTagOriginal', 'verificationTagReply'])
  t.end()
})
