import t from 'tap'
import { NetlinkError } from '../../src/errors.ts'
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST } from '../../src/transport/message.ts'
import { unhex } from '../bytes.ts'
import { scriptedConntrack } from '../scripted-conntrack.ts'
import { ack, done, error, message } from '../scripted-kernel.ts'

/** CTA_STATS_GLOBAL_ENTRIES 3, CTA_STATS_GLOBAL_MAX_ENTRIES 262144. */
const GLOBAL = '0800010000000003 0800020000040000'

t.test('count() is the number of entries that the kernel tells', (t) => {
  const { flows, asked } = scriptedConntrack([], ({ sequence }) => [
    message({ type: 0x0105, sequence, flags: 0, body: unhex(GLOBAL) }),
    ack(sequence),
  ])
  t.equal(flows.count(), 3)
  t.strictSame(
    asked.map(({ type, flags, body }) => [type, flags, body.length]),
    [[0x0105, NLM_F_REQUEST | NLM_F_ACK, 0]],
  )
  t.equal(scriptedConntrack([], ({ sequence }) => [ack(sequence)]).flows.count(), 0)
  t.throws(
    () => scriptedConntrack([], ({ sequence }) => [error(sequence, 1)]).flows.count(),
    new NetlinkError('IPCTNL_MSG_CT_GET_STATS', 1),
  )
  t.end()
})

t.test('statistics() tells of the table and of each CPU', (t) => {
  const cpu = (sequence: number, resource: number, body: string) => message({ type: 0x0104, sequence, resource, body: unhex(body) })
  const answer: Parameters<typeof scriptedConntrack>[1] = ({ sequence, type }) =>
    type === 0x0105
      ? [message({ type: 0x0105, sequence, flags: 0, body: unhex(GLOBAL) }), ack(sequence)]
      : [
          cpu(sequence, 0, '0800020000000007 08000f0000000001'), // CTA_STATS_FOUND 7, CTA_STATS_CHAIN_TOOLONG 1
          cpu(sequence, 258, '0800ff00000000ff 08000c00ffffffff'), // an unknown one, CTA_STATS_ERROR 2^32-1
          done(sequence),
        ]
  const { flows, asked } = scriptedConntrack([], answer)
  const cpus = [
    { cpu: 0, found: 7, chainTooLong: 1 },
    { cpu: 258, error: 4294967295 },
  ]
  t.strictSame(flows.statistics(), { entries: 3, maximum: 262144, cpus })
  t.strictSame(flows.cpuStatistics(), cpus)
  t.strictSame(
    asked.map(({ type, flags }) => [type, flags]),
    [
      [0x0105, NLM_F_REQUEST | NLM_F_ACK],
      [0x0104, NLM_F_REQUEST | NLM_F_ACK | NLM_F_DUMP],
      [0x0104, NLM_F_REQUEST | NLM_F_ACK | NLM_F_DUMP],
    ],
  )
  t.end()
})

t.test('an old kernel does not tell the limit', (t) => {
  const { flows } = scriptedConntrack([], ({ sequence, type }) =>
    type === 0x0105 ? [message({ type: 0x0105, sequence, flags: 0, body: unhex('0800010000000003') }), ack(sequence)] : [done(sequence)],
  )
  t.strictSame(flows.statistics(), { entries: 3, cpus: [] })
  t.end()
})

t.test('the CPUs count expectations too', (t) => {
  const { expectations, asked } = scriptedConntrack([], ({ sequence }) => [
    message({ type: 0x0203, sequence, resource: 1, body: unhex('0800010000000001 0800020000000002 0800030000000003') }),
    done(sequence),
  ])
  t.strictSame(expectations.cpuStatistics(), [{ cpu: 1, new: 1, create: 2, delete: 3 }])
  t.strictSame(
    asked.map(({ type, flags }) => [type, flags]),
    [[0x0203, NLM_F_REQUEST | NLM_F_ACK | NLM_F_DUMP]],
  )
  t.end()
})
