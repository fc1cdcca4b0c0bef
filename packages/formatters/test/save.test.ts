import t from 'tap'
import { realFlows } from '../../core/test/real-flows.ts'
import { save } from '../src/index.ts'
import { printed, printedFlow } from './printed.ts'

const ports = (sourcePort: number, destinationPort: number) => ({
  original: { source: '1.1.1.1', destination: '2.2.2.2', sourcePort, destinationPort },
  reply: { source: '2.2.2.2', destination: '1.1.1.1', sourcePort: destinationPort, destinationPort: sourcePort },
})
const ENDS = '-s 1.1.1.1 -d 2.2.2.2 -r 2.2.2.2 -q 1.1.1.1'

t.test('a flow is saved as conntrack(8) saves it', (t) => {
  t.equal(
    printedFlow(save(), {
      protocol: 'tcp',
      ...ports(10, 20),
      timeout: 499,
      status: ['SEEN_REPLY', 'ASSURED', 'CONFIRMED'],
      state: 'ESTABLISHED',
    }),
    `-A -t 499 -u SEEN_REPLY,ASSURED ${ENDS} -p tcp --sport 10 --dport 20 --reply-port-src 20 --reply-port-dst 10 --state ESTABLISHED\n`,
  )
  t.equal(
    printedFlow(save(), {
      protocol: 'icmpv6',
      family: 'ipv6',
      original: { type: 128, code: 0, id: 77 },
      reply: { type: 129, code: 0, id: 77 },
      timeout: 59,
      status: ['CONFIRMED'],
    }),
    '-A -t 59 -u UNSET -s fd00::1 -d fd00::2 -r fd00::2 -q fd00::1 -p icmpv6 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 77\n',
  )
  t.equal(
    printedFlow(save(), { ...ports(5, 6), timeout: 59, status: [], zone: 12 }),
    `-A -t 59 -u UNSET -w 12 ${ENDS} -p udp --sport 5 --dport 6 --reply-port-src 6 --reply-port-dst 5\n`,
  )
  t.end()
})

t.test('the name of a helper is one word, whatever is in it', (t) => {
  for (const [name, saved] of [
    ['ftp', 'ftp'],
    ['a b', '"a b"'],
    ['say "hello"', '"say \\"hello\\""'],
    ['back\\slash', '"back\\\\slash"'],
    ['#', '"#"'],
    ['', '""'],
    ["it's", "it's"],
    ['a\u001b[2J\n', '"a\\u001b[2J\\u000a"'],
  ] as const)
    t.match(printedFlow(save(), { ...ports(5, 6), helper: { name } }), ` --helper ${saved} -s `)
  t.end()
})

t.test('mark, helper and zones are saved as well', (t) => {
  const { original, reply } = ports(5, 6)
  t.equal(
    printedFlow(save(), { original: { ...original, zone: 1 }, reply: { ...reply, zone: 2 }, mark: 7, helper: { name: 'ftp' } }),
    `-A -m 7 --orig-zone 1 --reply-zone 2 --helper ftp ${ENDS} -p udp --sport 5 --dport 6 --reply-port-src 6 --reply-port-dst 5\n`,
  )
  t.notMatch(printedFlow(save(), { ...ports(5, 6), mark: 0 }), / -m /, 'a mark of 0 is what a new flow has')
  t.end()
})

t.test('what the kernel takes together is one option', (t) => {
  const adjustment = { correctionPosition: 1, offsetBefore: 0, offsetAfter: 4294967295 }
  const synproxy = { initialSequence: 7, initialTimestamp: 8, timestampOffset: 9 }
  t.match(
    printedFlow(save(), { originalSequenceAdjustment: adjustment, replySequenceAdjustment: adjustment, synproxy }),
    ' --orig-seqadj 1:0:4294967295 --reply-seqadj 1:0:4294967295 --synproxy 7:8:9 ',
  )
  const none = { initialSequence: 0, initialTimestamp: 0, timestampOffset: 0 }
  t.notMatch(printedFlow(save(), { synproxy: none }), 'synproxy', 'where all are 0 there is nothing to restore')
  t.end()
})

t.test('only the status that a user can set is saved', (t) => {
  const status = (bits: readonly string[]): string | undefined => / -u (\S+) /.exec(printedFlow(save(), { status: bits }))?.[1]
  t.equal(status(['EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED', 'FIXED_TIMEOUT', 'OFFLOAD']), 'SEEN_REPLY,ASSURED,FIXED_TIMEOUT')
  t.equal(status(['CONFIRMED', 'SRC_NAT']), 'UNSET')
  t.notMatch(printedFlow(save()), / -u /)
  t.end()
})

t.test('a translated address is what it is translated to', (t) => {
  const flow = (from: string, fromPort: number, to: string, toPort: number, status = ['SRC_NAT_DONE', 'DST_NAT_DONE']): string =>
    printedFlow(save(), {
      ...ports(11, 20),
      reply: { source: from, destination: to, sourcePort: fromPort, destinationPort: toPort },
      status,
    }).replace(/^.*-s 1.1.1.1 -d 2.2.2.2 | -p .*\n/g, '')
  t.equal(flow('4.4.4.4', 20, '3.3.3.3', 11), '-g 4.4.4.4 -n 3.3.3.3')
  t.equal(flow('4.4.4.4', 20, '1.1.1.1', 11), '-g 4.4.4.4 -q 1.1.1.1')
  t.equal(flow('2.2.2.2', 20, '3.3.3.3', 11), '-r 2.2.2.2 -n 3.3.3.3')
  t.equal(flow('2.2.2.2', 88, '1.1.1.1', 11), '-g 2.2.2.2 -q 1.1.1.1', 'where its port alone is translated, too')
  t.equal(flow('2.2.2.2', 20, '1.1.1.1', 99), '-r 2.2.2.2 -n 1.1.1.1')
  t.equal(flow('2.2.2.2', 20, '1.1.1.1', 11), '-r 2.2.2.2 -q 1.1.1.1')
  t.equal(flow('4.4.4.4', 20, '3.3.3.3', 11, []), '-r 4.4.4.4 -q 3.3.3.3', 'without the bits there is no translation')
  t.end()
})

t.test('numbers are decimal, and what was not sent is left out', (t) => {
  t.match(printedFlow(save(), { protocol: 'gre', original: { sourceKey: 16, destinationKey: 32 } }), / -p gre --srckey 16 --dstkey 32\n$/)
  t.match(printedFlow(save(), { protocol: 'unknown', original: { protocolNumber: 99 } }), / -p 99\n$/)
  t.match(printedFlow(save(), { protocol: 'dccp', original: {}, reply: {} }), / -p unknown:33\n$/)
  t.match(
    printedFlow(save(), { protocol: 'sctp', state: 'CLOSED', verificationTagOriginal: 1, verificationTagReply: 4294967295 }),
    / -p sctp --state CLOSED --orig-vtag 1 --reply-vtag 4294967295\n$/,
  )
  t.match(printedFlow(save(), { protocol: 'dccp', state: 'OPEN', role: 'server' }), / -p dccp --state OPEN --role server\n$/)
  t.end()
})

t.test('the command in front is what was asked for', (t) => {
  for (const command of ['-A', '-U', '-D'] as const) t.match(printedFlow(save(command)), new RegExp(`^${command} -s 10\\.0\\.0\\.1 -d `))
  t.match(printedFlow(save()), /^-A /)
  t.end()
})

t.test('every flow of a kernel is one line of options', (t) => {
  for (const { body, family, line } of realFlows) t.match(printed(save(), body, family), /^-A( --?[a-z][a-z0-9-]* \S+)+\n$/, line)
  t.end()
})
