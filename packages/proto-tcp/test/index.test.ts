import t from 'tap'
import { openConntrack } from '../../core/src/conntrack.ts'
import { entryOf, flowLayout } from '../../core/test/entries.ts'
import { readHeader, skipHeaders as skip } from '../../core/test/kernel-headers.ts'
import { conforms } from '../../core/test/protocol-conformance.ts'
import { realDestroy, realFlows } from '../../core/test/real-flows.ts'
import { ack, done, message, scriptedKernel } from '../../core/test/scripted-kernel.ts'
import { tcp } from '../src/index.ts'

conforms(t, tcp, {
  protoinfo: 'ctattr_protoinfo_tcp',
  opposites: [
    [
      { sourcePort: 1024, destinationPort: 80 },
      { sourcePort: 80, destinationPort: 1024 },
    ],
  ],
})

t.test("the states have the kernel's names and numbers", { skip }, (t) => {
  const header = readHeader('nf_conntrack_tcp.h').enums.get('tcp_conntrack')
  const count = header?.get('TCP_CONNTRACK_MAX') ?? 0
  const states = [...(header ?? [])].filter(([, number]) => number < count)
  t.equal(states.length, 10)
  const { kind } = tcp.protoinfo.state
  for (const [name, number] of states) {
    // The header has SYN_SENT2 as another name of LISTEN, which there is no more.
    const state = name === 'TCP_CONNTRACK_LISTEN' ? 'SYN_SENT2' : name.replace('TCP_CONNTRACK_', '')
    t.equal(kind.read(Uint8Array.of(number), 0, 1), state)
    t.equal(kind.parse(state), state)
  }
  t.equal(kind.parse('LISTEN'), 'SYN_SENT2')
  t.equal(kind.read(Uint8Array.of(count), 0, 1), String(count), 'and there is no other')
  t.end()
})

t.test('a connection as kernel 6.18 told it', (t) => {
  const { body, family } = realFlows.find(({ line }) => line.startsWith('ipv6     10 tcp')) ?? realFlows[0]
  const flags = ['WINDOW_SCALE', 'SACK_PERM', 'MAXACK_SET']
  t.strictSame(entryOf(flowLayout([tcp]), body, family).decode(), {
    original: { source: 'fd00:9::1', destination: 'fd00:9::2', protocolNumber: 6, sourcePort: 8004, destinationPort: 8003 },
    reply: { source: 'fd00:9::2', destination: 'fd00:9::1', protocolNumber: 6, sourcePort: 8003, destinationPort: 8004 },
    timeout: 431998,
    state: 'ESTABLISHED',
    windowScaleOriginal: 10,
    windowScaleReply: 10,
    flagsOriginal: { flags, mask: [] },
    flagsReply: { flags, mask: [] },
    status: ['SEEN_REPLY', 'ASSURED', 'CONFIRMED'],
    mark: 0,
    originalCounters: { packets: 4n, bytes: 300n },
    replyCounters: { packets: 3n, bytes: 228n },
    id: 3886120874,
    use: 1,
  })
  t.end()
})

t.test('of a connection that ends, the kernel tells only the state', (t) => {
  const flow = entryOf(flowLayout([tcp]), realDestroy).decode()
  t.match(flow, { state: 'TIME_WAIT', timeout: 118, timestamp: { start: 1795495746483095252n, stop: 1795495747497280901n } })
  t.strictSame(
    Object.keys(flow).filter((field) => field in tcp.protoinfo),
    ['state'],
  )
  t.end()
})

t.test('complete() tells the kernel not to judge by windows that it has not seen', (t) => {
  const flags = (flow: Parameters<NonNullable<typeof tcp.complete>>[0]) => {
    const { flagsOriginal, flagsReply, ...rest } = tcp.complete?.(flow) ?? {}
    return [flagsOriginal?.flags, flagsOriginal?.mask, flagsReply?.flags, flagsReply?.mask, rest]
  }
  const liberal = ['SACK_PERM', 'BE_LIBERAL']
  const closing = ['SACK_PERM', 'BE_LIBERAL', 'CLOSE_INIT']
  for (const state of ['NONE', 'SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK'] as const)
    t.strictSame(flags({ state }), [liberal, liberal, liberal, liberal, { state }], state)
  for (const state of ['TIME_WAIT', 'CLOSE', 'SYN_SENT2'] as const)
    t.strictSame(flags({ state }), [closing, closing, closing, closing, { state }], state)
  t.strictSame(flags({}), [liberal, liberal, liberal, liberal, {}])
  t.end()
})

t.test('complete() leaves alone what is given', (t) => {
  const flagsOriginal = { flags: ['MAXACK_SET'], mask: ['MAXACK_SET', 'BE_LIBERAL'] } as const
  const completed = tcp.complete?.({ state: 'ESTABLISHED', flagsOriginal })
  t.strictSame(completed?.flagsOriginal, flagsOriginal)
  t.strictSame(completed?.flagsReply?.flags, ['SACK_PERM', 'BE_LIBERAL'])
  t.strictSame(tcp.complete?.({ windowScaleOriginal: 7, flagsOriginal })?.flagsOriginal, {
    flags: ['MAXACK_SET', 'WINDOW_SCALE'],
    mask: ['MAXACK_SET', 'BE_LIBERAL', 'WINDOW_SCALE'],
  })
  t.strictSame(tcp.complete?.({ flagsOriginal: undefined })?.flagsOriginal?.flags, ['SACK_PERM', 'BE_LIBERAL'], 'undefined is not given')
  t.end()
})

t.test('complete() tells the kernel to take window scales, which come in twos', (t) => {
  const completed = tcp.complete?.({ windowScaleReply: 7 })
  t.match(completed, { windowScaleOriginal: 0, windowScaleReply: 7 })
  t.strictSame(completed?.flagsReply?.flags, ['SACK_PERM', 'BE_LIBERAL', 'WINDOW_SCALE'])
  t.strictSame(completed?.flagsOriginal, completed?.flagsReply)
  t.strictSame(completed?.flagsReply?.mask, completed?.flagsReply?.flags)
  t.end()
})

t.test('amend() sends with one window scale the other as it is, and nothing with anything else', (t) => {
  const current = { state: 'ESTABLISHED', windowScaleOriginal: 3, windowScaleReply: 4 } as const
  const windowScale = { flags: ['WINDOW_SCALE'], mask: ['WINDOW_SCALE'] } as const
  t.strictSame(tcp.amend?.({ windowScaleReply: 7 }, current), {
    windowScaleOriginal: 3,
    windowScaleReply: 7,
    flagsOriginal: windowScale,
    flagsReply: windowScale,
  })
  t.strictSame(tcp.amend?.({ state: 'CLOSE' }, current), { state: 'CLOSE' })
  t.end()
})

t.test('the flags of a flow that was listed have no mask, and would change nothing', (t) => {
  const listed = { flags: ['WINDOW_SCALE', 'SACK_PERM', 'MAXACK_SET'], mask: [] } as const
  const { flagsOriginal, flagsReply } = tcp.complete?.({ flagsOriginal: listed, flagsReply: listed }) ?? {}
  t.strictSame(flagsOriginal, { flags: ['SACK_PERM', 'BE_LIBERAL'], mask: ['SACK_PERM', 'BE_LIBERAL'] })
  t.strictSame(flagsReply, flagsOriginal)
  t.end()
})

t.test('the flags of a live connection can be changed', (t) => {
  const { body, family } = realFlows.find(({ line }) => line.startsWith('ipv4     2 tcp')) ?? realFlows[0]
  const writes: Record<string, unknown>[] = []
  const socket = scriptedKernel(({ sequence, type, body: sent }) => {
    if (type === 0x0101) return [message({ type: 0x0100, sequence, family, body }), done(sequence)]
    writes.push(entryOf(flowLayout([tcp]), sent).decode())
    return [ack(sequence)]
  })
  using ct = openConntrack({ protocols: [tcp], socket })
  const flagsOriginal = { flags: ['BE_LIBERAL'], mask: ['BE_LIBERAL'] } as const
  t.strictSame(ct.flows.update({}, { protocol: 'tcp', flagsOriginal }), { matched: 1, updated: 1 })
  t.match(writes, [{ original: { protocolNumber: 6 }, flagsOriginal }])
  t.strictSame(Object.keys(writes[0]).sort(), ['flagsOriginal', 'original', 'reply'])
  t.end()
})
