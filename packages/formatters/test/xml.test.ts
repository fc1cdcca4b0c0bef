import t from 'tap'
import { attribute, nested } from '../../core/test/bytes.ts'
import { forAll } from '../../core/test/random.ts'
import { randomFields } from '../../core/test/random-flow.ts'
import { realDestroy, realFlows } from '../../core/test/real-flows.ts'
import { flowVariants } from '../../core/src/tables/protocol.ts'
import { xml } from '../src/index.ts'
import { PROTOCOLS, printed, printedFlow, stopClock } from './printed.ts'

/** Throws where a text is no sequence of well-formed elements, and gives the path of each text in them: `flow/meta/use`. */
function texts(document: string): [path: string, text: string][] {
  const found: [string, string][] = []
  const open: string[] = []
  let at = 0
  for (const match of document.matchAll(/<(\/?)([a-z][a-z0-9-]*)((?: [a-z]+="[^"<&]*")*)(\/?)>/g)) {
    const [tag, isEnd, name, , isEmpty] = match
    const text = document.slice(at, match.index)
    // oxlint-disable-next-line no-control-regex
    if (/[<>\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|&(?!(lt|gt|amp|quot);)/.test(text))
      throw new Error(`'${text}' in ${open.join('/')}`)
    if (text.trim() !== '') found.push([open.join('/'), text])
    if (isEnd && open.pop() !== name) throw new Error(`${tag} ends another element`)
    if (!isEnd && !isEmpty) open.push(name)
    if (isEmpty) found.push([[...open, name].join('/'), ''])
    at = match.index + tag.length
  }
  if (open.length > 0 || document.slice(at).trim() !== '') throw new Error(`${open.join('/')} is open, ${document.slice(at)} is left`)
  return found
}

t.test('a flow is an element on a line', (t) => {
  stopClock(t, 90_000_000_000n)
  const flow = {
    protocol: 'tcp',
    original: { sourcePort: 1000, destinationPort: 80, zone: 1 },
    reply: { sourcePort: 80, destinationPort: 1000, zone: 2 },
    zone: 3,
    timeout: 300,
    state: 'ESTABLISHED',
    status: ['ASSURED'],
    mark: 7,
    secmark: 5,
    securityContext: { name: 'c' },
    originalCounters: { packets: 18446744073709551615n, bytes: 120n },
    replyCounters: { packets: 1n, bytes: 60n },
    timestamp: { start: 30_000_000_000n },
    helper: { name: 'ftp' },
    id: 829941459,
    use: 2,
  }
  t.equal(
    printedFlow(xml(), flow),
    '<flow><meta direction="original"><layer3 protonum="2" protoname="ipv4"><src>10.0.0.1</src><dst>10.0.0.2</dst></layer3>' +
      '<layer4 protonum="6" protoname="tcp"><sport>1000</sport><dport>80</dport></layer4><zone>1</zone>' +
      '<counters><packets>18446744073709551615</packets><bytes>120</bytes></counters></meta>' +
      '<meta direction="reply"><layer3 protonum="2" protoname="ipv4"><src>10.0.0.2</src><dst>10.0.0.1</dst></layer3>' +
      '<layer4 protonum="6" protoname="tcp"><sport>80</sport><dport>1000</dport></layer4><zone>2</zone>' +
      '<counters><packets>1</packets><bytes>60</bytes></counters></meta>' +
      '<meta direction="independent"><state>ESTABLISHED</state><timeout>300</timeout><mark>7</mark><secmark>5</secmark><secctx>c</secctx>' +
      '<zone>3</zone><use>2</use><id>829941459</id><assured/><unreplied/><deltatime>60</deltatime></meta><helper>ftp</helper></flow>\n',
  )
  t.end()
})

t.test('the document is whole, however many flows there are', (t) => {
  const { head, tail } = xml()
  t.equal(`${head}${tail}`, '<?xml version="1.0" encoding="utf-8"?>\n<conntrack>\n</conntrack>\n')
  t.doesNotThrow(() =>
    texts(`${head}${realFlows.map(({ body, family }) => printed(xml(), body, family)).join('')}${tail}`.replace(/<\?.*\?>/, '')),
  )
  t.end()
})

t.test('what the kernel does not send is not there', (t) => {
  const direction = (side: string, source: string, destination: string): string =>
    `<meta direction="${side}"><layer3 protonum="2" protoname="ipv4"><src>${source}</src><dst>${destination}</dst></layer3><layer4 protonum="17" protoname="udp"></layer4></meta>`
  t.equal(
    printedFlow(xml()),
    `<flow>${direction('original', '10.0.0.1', '10.0.0.2')}${direction('reply', '10.0.0.2', '10.0.0.1')}<meta direction="independent"></meta></flow>\n`,
  )
  t.end()
})

t.test('states, roles of addresses and words are those of the protocol', (t) => {
  const has = (flow: Parameters<typeof printedFlow>[1], ...parts: readonly string[]): void => {
    for (const part of parts) t.ok(printedFlow(xml(), flow).includes(part), part)
  }
  has({ protocol: 'sctp', state: 'COOKIE_WAIT' }, '<state>COOKIE_WAIT</state>', 'protonum="132" protoname="sctp"')
  has({ protocol: 'dccp', state: 'PARTOPEN' }, '<state>PARTOPEN</state>')
  has({ protocol: 'icmp', original: { type: 8, code: 0, id: 7 } }, '<type>8</type><code>0</code><id>7</id>')
  has({ protocol: 'gre', original: { sourceKey: 16, destinationKey: 0 } }, '<srckey>0x10</srckey><dstkey>0x0</dstkey>')
  has({ family: 'ipv6' }, '<layer3 protonum="10" protoname="ipv6"><src>fd00::1</src>')
  has({ protocol: 'unknown', original: { protocolNumber: 99 } }, '<layer4 protonum="99" protoname="unknown"></layer4>')
  t.match(printed(xml(), realDestroy), '<state>TIME_WAIT</state><timeout>118</timeout><id>23728786</id><assured/><deltatime>1</deltatime>')
  t.end()
})

t.test('names are escaped, and what XML cannot hold is replaced', (t) => {
  const name = (given: string): string | undefined =>
    texts(printedFlow(xml(), { helper: { name: given } })).find(([path]) => path === 'flow/helper')?.[1]
  t.equal(name('<a href="x">&amp;</a>'), '&lt;a href=&quot;x&quot;&gt;&amp;amp;&lt;/a&gt;')
  t.equal(name('a\u0001b\u001f\uffff'), 'a\ufffdb\ufffd\ufffd')
  t.equal(name('é€𝄞'), 'é€𝄞')
  t.doesNotThrow(() => texts(printed(xml(), nested(19, attribute(1, [0x3c, 0xff, 0x26, 0])))))
  t.end()
})

t.test('whatever a kernel may send is well-formed', (t) => {
  for (const { name, number, table } of flowVariants(PROTOCOLS).slice(0, -1)) {
    forAll(t, 50, number, (random) => {
      texts(printedFlow(xml({ kernelTimestamp: true }), { protocol: name, ...randomFields(random, table, 'ipv4') }))
    })
  }
  t.end()
})
