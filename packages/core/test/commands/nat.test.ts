import t from 'tap'
import { hex } from '../bytes.ts'
import { back, tuple } from '../sample-flows.ts'
import { scriptedConntrack, sent } from '../scripted-conntrack.ts'

/** What is told the kernel to make a flow of protocol `stream` from 10.0.0.1 port 1024 to 10.0.0.2 port 443. */
function created(more: object): Record<string, unknown> {
  const { flows, asked } = scriptedConntrack([])
  flows.create({ protocol: 'stream', original: tuple(1024), timeout: 1, ...more } as never)
  const { original, reply, sourceNat, destinationNat } = sent(asked[0])
  return { original, reply, sourceNat, destinationNat }
}

const numbered = (direction: object): object => ({ ...direction, protocolNumber: 6 })
const untranslated = { original: numbered(tuple(1024)), reply: numbered(back(1024)) }

t.test('a flow without translation is as it is given', (t) => {
  const reply = { ...back(5000), source: '10.9.9.9' }
  t.strictSame(created({ reply }), {
    original: numbered(tuple(1024)),
    reply: numbered(reply),
    sourceNat: undefined,
    destinationNat: undefined,
  })
  t.end()
})

t.test('a translation is told as a range, beside the reply direction that there would be without', (t) => {
  t.strictSame(created({ sourceNat: { minimum: '192.0.2.1' } }), {
    ...untranslated,
    sourceNat: { minimum: '192.0.2.1' },
    destinationNat: undefined,
  })
  t.strictSame(created({ destinationNat: { minimum: '192.0.2.2', maximum: '192.0.2.9', minimumPort: 8000, maximumPort: 8999 } }), {
    ...untranslated,
    sourceNat: undefined,
    destinationNat: { minimum: '192.0.2.2', maximum: '192.0.2.9', minimumPort: 8000, maximumPort: 8999 },
  })
  t.end()
})

t.test('ports that the reply direction shows become those of the ranges', (t) => {
  const reply = { sourcePort: 8080, destinationPort: 5000 }
  t.strictSame(created({ reply, sourceNat: { minimum: '192.0.2.1' }, destinationNat: { minimum: '192.0.2.2' } }), {
    ...untranslated,
    sourceNat: { minimum: '192.0.2.1', minimumPort: 5000 },
    destinationNat: { minimum: '192.0.2.2', minimumPort: 8080 },
  })
  t.strictSame(
    created({ reply, sourceNat: { minimum: '192.0.2.1' } }).destinationNat,
    { minimum: '10.0.0.2', minimumPort: 8080 },
    'where no address is given, it stays',
  )
  t.strictSame(created({ reply, sourceNat: { minimum: '192.0.2.1', minimumPort: 7 } }).sourceNat, { minimum: '192.0.2.1', minimumPort: 7 })
  t.strictSame(
    created({ reply: { sourcePort: 443, destinationPort: 1024 }, sourceNat: { minimum: '192.0.2.1' } }),
    { ...untranslated, sourceNat: { minimum: '192.0.2.1' }, destinationNat: undefined },
    'a port that is as before is none',
  )
  t.end()
})

t.test('a range is an attribute of its family', (t) => {
  const bytes = (original: object, sourceNat: object): string => {
    const { flows, asked } = scriptedConntrack([])
    flows.create({ protocol: 'datagram', original, timeout: 1, sourceNat } as never)
    return hex(asked[0].body)
  }
  // CTA_NAT_SRC: CTA_NAT_V4_MINIP, CTA_NAT_PROTO with CTA_PROTONAT_PORT_MIN 5000
  t.ok(bytes(tuple(1), { minimum: '192.0.2.1', minimumPort: 5000 }).endsWith('1800068008000100c00002010c0003800600010013880000'))
  // CTA_NAT_SRC: CTA_NAT_V6_MINIP
  t.ok(bytes({ source: 'fd00::1', destination: 'fd00::2' }, { minimum: 'fd00::9' }).endsWith(`1800068014000400fd${'0'.repeat(29)}9`))
  t.end()
})

t.test('a flow as it was listed is made again with its translation, which its status tells', (t) => {
  const reply = { source: '192.0.2.2', destination: '192.0.2.1', sourcePort: 8443, destinationPort: 4000 }
  const status = ['CONFIRMED', 'SRC_NAT', 'DST_NAT', 'SRC_NAT_DONE', 'DST_NAT_DONE']
  t.strictSame(created({ reply, status }), {
    ...untranslated,
    sourceNat: { minimum: '192.0.2.1', minimumPort: 4000 },
    destinationNat: { minimum: '192.0.2.2', minimumPort: 8443 },
  })
  t.strictSame(created({ reply: { ...back(1024), destination: '192.0.2.1' }, status: ['SRC_NAT'] }), {
    ...untranslated,
    sourceNat: { minimum: '192.0.2.1' },
    destinationNat: undefined,
  })
  t.end()
})
