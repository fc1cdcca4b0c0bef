// runtimes: node
import { join } from 'node:path'
import t from 'tap'
import { hoversOf } from './hovers/hovers.ts'
import { root } from './support/program.ts'

/** Characters that fit into an editor's box without scrolling. A list of all states or bits may take them. */
const SHORT = 260
/** Tuples have the fields of all protocols that are meant, which may be more than TypeScript shows. */
const TUPLES = new Set(['original', 'reply', 'master', 'tuple', 'mask'])

const PROGRAM = `
import { openConntrack } from '@conntrack/core'
import { createKernel } from '@conntrack/core/testing'
import { json } from '@conntrack/formatters'
import { dccp } from '@conntrack/proto-dccp'
import { gre } from '@conntrack/proto-gre'
import { icmp, icmpv6 } from '@conntrack/proto-icmp'
import { sctp } from '@conntrack/proto-sctp'
import { tcp } from '@conntrack/proto-tcp'
import { udp, udplite } from '@conntrack/proto-udp'

const ct = ‹openConntrack›({ ‹protocols›: [‹tcp›, ‹udp›, ‹icmp›], ‹netns›: 'blue', ‹receiveBuffer›: 1 })
const { ‹flows›, ‹expectations› } = ct
for (const flow of ct.flows.‹list›({ ‹protocol›: 'tcp', original: { ‹source›: '10.0.0.0/8', ‹destinationPort›: 443 }, ‹mark›: 1, ‹state›: 'CLOSE', ‹sourceNat›: true })) {
  const { ‹protocol›, ‹family›, ‹original›, ‹reply›, ‹status›, ‹mark›, ‹zone›, ‹timeout›, ‹originalCounters›, ‹timestamp›, ‹labels›, ‹helper›, ‹id›, ‹use›, ‹master› } = flow
  console.log(flow.original.‹source›, flow.original.‹destination›, flow.originalCounters?.‹bytes›, flow.replyCounters?.‹packets›, flow.timestamp?.‹start›)
  if (flow.protocol === 'tcp') console.log(flow.‹state›, flow.‹windowScaleOriginal›, flow.‹flagsReply›, flow.reply.‹sourcePort›)
  if (flow.protocol === 'icmp') console.log(flow.original.‹type›, flow.original.‹code›, flow.original.‹id›)
}
flows.‹create›({ protocol: 'udp', original: { source: 'a', destination: 'b', ‹sourcePort›: 1, destinationPort: 2 }, ‹timeout›: 60 })
flows.‹update›({}, { protocol: 'udp', ‹mark›: 1, ‹markMask›: 0xf })
flows.‹delete›({}); flows.‹flush›(); flows.‹count›(); flows.‹get›; flows.‹explain›({}); flows.‹createAll›([]); flows.‹statistics›()
flows.‹watch›({ ‹events›: ['new'], ‹filter›: {}, ‹resync›: true, ‹reliable›: true, ‹queue›: 1, ‹onFull›: 'coalesce' }); flows.‹mirror›({ ‹compareEvery›: 1 })
expectations.‹list›(); expectations.‹create›; for (const { ‹tuple›, ‹mask›, ‹class›: kind } of expectations.list()) console.log(tuple, mask, kind)
flows.list().‹print›(‹json›(), () => {}); flows.list().‹forEach›(() => {}); flows.list().‹interrupted›
const kernel = ‹createKernel›({ protocols: [‹sctp›, ‹dccp›, ‹gre›, ‹icmpv6›, ‹udplite›], ‹maximum›: 5 }); kernel.‹advance›(1); kernel.‹refuse›; kernel.‹lose›()
`

t.test('what an editor shows is short, and says what a thing is', async (t) => {
  const { hovers, complaints } = hoversOf(PROGRAM, join(root, 'tests'))
  t.strictSame(complaints, [])
  t.ok(hovers.length > 80)
  for (const { word, text, documentation } of hovers) {
    t.match(text, word, `${word} is shown`)
    t.ok(documentation.length > 8, `${word} is documented: ${text}`)
    t.ok(text.length <= SHORT || TUPLES.has(word), `${word} takes ${text.length} characters: ${text}`)
  }
})

t.test('protocols go by their names, and not by all that they have', async (t) => {
  const { hovers } = hoversOf(
    `import { openConntrack } from '@conntrack/core'
     import { tcp } from '@conntrack/proto-tcp'
     import { udp } from '@conntrack/proto-udp'
     const ‹ct› = openConntrack({ protocols: [tcp, udp] })
     for (const ‹flow› of ct.flows.‹list›()) console.log(flow)`,
    join(root, 'tests'),
  )
  t.strictSame(
    hovers.map(({ text }) => text),
    [
      'const ct: Conntrack<Tcp | Udp>',
      'const flow: Flow<Tcp | Udp>',
      '(method) Flows<Tcp | Udp>.list(filter?: FlowFilter<Tcp | Udp> | undefined, options?: ListOptions): Listing<Flow<Tcp | Udp>>',
    ],
  )
})
