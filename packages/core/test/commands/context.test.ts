import t from 'tap'
import { openConntrack } from '../../src/conntrack.ts'
import { attribute, protocol, u32, within } from '../../src/plugin.ts'
import { datagram, stream } from '../protocols.ts'

const open = (protocols: Parameters<typeof openConntrack>[0]['protocols']) => () => openConntrack({ protocols })

t.test('protocols of one name are refused', (t) => {
  t.throws(open([stream, datagram, stream]), /^a protocol is given twice: /)
  t.throws(open([{ ...stream, name: 'unknown' }]), RangeError, 'and unknown is the name of all others')
  t.doesNotThrow(open([stream, { ...stream, name: 'twin' }]))
  t.doesNotThrow(open([]))
  t.end()
})

t.test('protocols that disagree about the size of an attribute are refused', (t) => {
  const other = protocol({
    ...datagram,
    name: 'other',
    protoinfo: within(1, 'CTA_PROTOINFO_TCP', { wide: attribute(1, 'CTA_PROTOINFO_TCP_STATE', u32) }),
  })
  t.throws(open([stream, other]), new RangeError('CTA_PROTOINFO_TCP_STATE is declared with 1 and with 4 bytes'))
  t.end()
})

t.test('no socket is opened before it is needed, and two sets of protocols can be there at once', (t) => {
  const socket = (): never => {
    throw new Error('opened')
  }
  using one = openConntrack({ protocols: [stream], socket })
  using other = openConntrack({ protocols: [datagram], socket })
  t.throws(() => one.flows.count(), /opened/)
  t.throws(() => other.flows.list({ protocol: 'stream' as never }), new RangeError("protocol 'stream' is not installed"))
  t.throws(() => [...other.flows.list({ protocol: 'datagram' })], /opened/)
  t.end()
})
