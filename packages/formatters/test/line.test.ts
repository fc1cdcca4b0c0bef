import t from 'tap'
import { protocol } from '../../core/src/plugin.ts'
import { attribute, nested } from '../../core/test/bytes.ts'
import { realDestroy, realFlows } from '../../core/test/real-flows.ts'
import { realFlow } from '../../core/test/real-message.ts'
import { line } from '../src/index.ts'
import { printed, printedFlow } from './printed.ts'

const printedLine = (flow: Parameters<typeof printedFlow>[1] = {}, options: Parameters<typeof line>[0] = {}): string =>
  printedFlow(line(options), flow)

const ports = { original: { sourcePort: 1000, destinationPort: 53 }, reply: { sourcePort: 53, destinationPort: 1000 } }
const THERE = 'src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=53'
const BACK = 'src=10.0.0.2 dst=10.0.0.1 sport=53 dport=1000'

t.test('a flow that a kernel listed is shown as conntrack(8) shows it', (t) => {
  const protocols = new Set<string>()
  for (const { body, family, line: expected } of realFlows) {
    t.equal(printed(line({ extended: true, id: true }), body, family).replace(/ delta-time=\d+/, ''), `${expected}\n`)
    const usual = expected.replace(/^ipv[46] +\d+ /, '').replace(/ id=\d+$/, '')
    t.equal(printed(line(), body, family).replace(/ delta-time=\d+/, ''), `${usual}\n`)
    protocols.add(usual.split(' ')[0])
  }
  t.equal(protocols.size, 9, 'of every protocol')
  t.end()
})

t.test('the end of a TCP connection has its state, counters and age', (t) => {
  t.equal(
    printed(line({ id: true }), realDestroy),
    'tcp      6 118 TIME_WAIT src=127.0.0.1 dst=127.0.0.1 sport=40021 dport=7001 packets=5 bytes=268 ' +
      'src=127.0.0.1 dst=127.0.0.1 sport=7001 dport=40021 packets=3 bytes=171 [ASSURED] delta-time=1 id=23728786\n',
  )
  t.end()
})

t.test('DCCP as kernel 6.1 tracked it', (t) => {
  t.equal(
    printed(line({ extended: true }), realFlow, 10),
    'ipv6     10 dccp     33 43195 OPEN src=fd00:9::1 dst=fd00:9::2 sport=5004 dport=5003 packets=3 bytes=276 ' +
      'src=fd00:9::2 dst=fd00:9::1 sport=5003 dport=5004 packets=2 bytes=192 [ASSURED] mark=0 use=1\n',
  )
  t.end()
})

t.test('every part has its place', (t) => {
  const everything = {
    protocol: 'tcp',
    original: { sourcePort: 1000, destinationPort: 53, zone: 1 },
    reply: { sourcePort: 53, destinationPort: 1000, zone: 2 },
    zone: 3,
    timeout: 300,
    state: 'ESTABLISHED',
    status: ['ASSURED'],
    mark: 4294967295,
    secmark: 5,
    securityContext: { name: 'system_u:object_r:x' },
    originalCounters: { packets: 18446744073709551615n, bytes: 4294967296n },
    replyCounters: { packets: 1n, bytes: 2n },
    timestamp: { start: 1_000_000_000n, stop: 61_000_000_000n },
    helper: { name: 'ftp' },
    labels: Uint8Array.of(1, 0, 0, 0),
    id: 4294967295,
    use: 2,
  }
  t.equal(
    printedLine(everything, { extended: true, id: true }),
    'ipv4     2 tcp      6 300 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=53 zone-orig=1 packets=18446744073709551615 bytes=4294967296 ' +
      '[UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=53 dport=1000 zone-reply=2 packets=1 bytes=2 [ASSURED] mark=4294967295 secmark=5 ' +
      'secctx=system_u:object_r:x zone=3 delta-time=60 helper=ftp use=2 id=4294967295\n',
  )
  t.end()
})

t.test('what the kernel does not send is not shown', (t) => {
  t.equal(printedLine(ports), `udp      17 ${THERE} ${BACK}\n`, 'not even whether it was replied to')
  t.equal(printedLine({ protocol: 'tcp', ...ports }), `tcp      6 ${THERE} ${BACK}\n`, 'of an offloaded flow neither timeout nor state')
  t.equal(
    printedLine({ ...ports, mark: 0, zone: 0, use: 0, timeout: 0 }),
    `udp      17 0 ${THERE} ${BACK} mark=0 zone=0 use=0\n`,
    'but 0 is',
  )
  t.equal(printedLine({ ...ports, originalCounters: { packets: 1n } }), `udp      17 ${THERE} packets=1 ${BACK}\n`)
  t.equal(printedLine({ ...ports, id: 7 }), `udp      17 ${THERE} ${BACK}\n`, 'the id only when asked for')
  t.equal(printedLine(ports, { id: true, kernelTimestamp: true }), `udp      17 ${THERE} ${BACK}\n`)
  t.end()
})

t.test('the status tells whether it was replied to, and who keeps it', (t) => {
  for (const [status, unreplied, fate] of [
    [[], '[UNREPLIED] ', ''],
    [['CONFIRMED'], '[UNREPLIED] ', ''],
    [['SEEN_REPLY'], '', ''],
    [['ASSURED'], '[UNREPLIED] ', ' [ASSURED]'],
    [['SEEN_REPLY', 'ASSURED'], '', ' [ASSURED]'],
    [['SEEN_REPLY', 'OFFLOAD'], '', ' [OFFLOAD]'],
    [['SEEN_REPLY', 'ASSURED', 'OFFLOAD'], '', ' [OFFLOAD]'],
    [['SEEN_REPLY', 'ASSURED', 'OFFLOAD', 'HW_OFFLOAD'], '', ' [HW_OFFLOAD]'],
    [['SEEN_REPLY', 'HW_OFFLOAD'], '', ' [HW_OFFLOAD]'],
    [['SEEN_REPLY', 'HELPER', 'DST_NAT_DONE', 'SEQ_ADJUST', 'bit18', 'bit31'], '', ''],
  ] as const) {
    t.equal(printedLine({ ...ports, status }), `udp      17 ${THERE} ${unreplied}${BACK}${fate}\n`, status.join())
  }
  t.end()
})

t.test('each protocol has its words', (t) => {
  const both = (layer4: object): object => ({ original: layer4, reply: layer4 })
  const twice = (head: string, words: string): string => `${head} src=10.0.0.1 dst=10.0.0.2 ${words} src=10.0.0.2 dst=10.0.0.1 ${words}\n`
  const port = { sourcePort: 1, destinationPort: 65535 }
  for (const [protocol, layer4, fields, expected] of [
    ['tcp', port, { state: 'SYN_SENT2' }, twice('tcp      6 SYN_SENT2', 'sport=1 dport=65535')],
    ['tcp', port, { state: '10' }, twice('tcp      6 NONE', 'sport=1 dport=65535')], // as conntrack(8) does
    ['udp', port, {}, twice('udp      17', 'sport=1 dport=65535')],
    ['udplite', port, {}, twice('udplite  136', 'sport=1 dport=65535')],
    ['sctp', port, { state: 'HEARTBEAT_SENT' }, twice('sctp     132 HEARTBEAT_SENT', 'sport=1 dport=65535')],
    ['dccp', port, { state: 'TIMEWAIT', role: 'server' }, twice('dccp     33 TIMEWAIT', 'sport=1 dport=65535')],
    ['dccp', {}, {}, twice('dccp     33', 'sport=0 dport=0')],
    ['icmp', { type: 8, code: 0, id: 7 }, {}, twice('icmp     1', 'type=8 code=0 id=7')],
    ['icmpv6', { type: 255, code: 1, id: 65535 }, {}, twice('icmpv6   58', 'type=255 code=1 id=65535')],
    ['icmp', {}, {}, twice('icmp     1', 'type=0 code=0 id=0')],
    ['gre', { sourceKey: 16, destinationKey: 65535 }, {}, twice('gre      47', 'srckey=0x10 dstkey=0xffff')],
    ['gre', {}, {}, twice('gre      47', 'srckey=0x0 dstkey=0x0')],
  ] as const) {
    t.equal(printedLine({ protocol, ...both(layer4), ...fields }), expected, protocol)
  }
  t.end()
})

t.test('a protocol that is not known is shown by its number', (t) => {
  const original = { protocolNumber: 99 }
  t.equal(printedLine({ protocol: 'unknown', original, timeout: 5 }), 'unknown  99 5 src=10.0.0.1 dst=10.0.0.2 src=10.0.0.2 dst=10.0.0.1\n')
  t.equal(printedLine({ protocol: 'unknown' }), 'unknown  0 src=10.0.0.1 dst=10.0.0.2 src=10.0.0.2 dst=10.0.0.1\n')
  t.equal(
    printed(line(), realFlow, 10, []).replace(/ packets=.*\n/, ''),
    'unknown  33 43195 src=fd00:9::1 dst=fd00:9::2',
    'and without what only it knows',
  )
  t.end()
})

t.test('a name of more than eight letters has a blank behind it', (t) => {
  const own = (name: string) => protocol({ name, number: 200, tuple: {}, protoinfo: {}, labels: {}, options: [], opposite: () => ({}) })
  const body = nested(1, nested(2, attribute(1, [200])))
  t.equal(printed(line(), body, 2, [own('eightabc')]), 'eightabc 200\n')
  t.equal(printed(line(), body, 2, [own('ninelette')]), 'ninelette 200\n')
  t.equal(printed(line(), body, 2, [own('x')]), 'x        200\n')
  t.end()
})

t.test('the family in front is the one of the message', (t) => {
  const head = (family: number): string => printed(line({ extended: true }), realFlows[0].body, family).slice(0, 24)
  t.equal(head(2), 'ipv4     2 gre      47 2')
  t.equal(head(10), 'ipv6     10 gre      47 ')
  t.equal(head(7), 'unknown  7 gre      47 2')
  t.match(printedLine({ family: 'ipv6' }), / src=fd00::1 dst=fd00::2 sport=0 dport=0 src=fd00::2 dst=fd00::1 /)
  t.end()
})
