import t from 'tap'
import { expectationLine, expectationXml } from '../src/index.ts'
import { printedExpectation } from './printed.ts'

const ends = (source: string, destination: string, sourcePort: number, destinationPort: number, protocolNumber = 6) => ({
  source,
  destination,
  protocolNumber,
  sourcePort,
  destinationPort,
})

/** An FTP data connection, as the helper expects it. */
const FTP = {
  tuple: ends('10.9.0.1', '10.9.0.2', 0, 50001),
  mask: ends('255.255.255.255', '255.255.255.255', 0, 65535),
  master: ends('10.9.0.1', '10.9.0.2', 40021, 21),
  timeout: 296,
  class: 0,
  helper: 'ftp',
  flags: [],
}

t.test('an expectation is shown as conntrack(8) shows it', (t) => {
  t.equal(
    printedExpectation(expectationLine(), FTP),
    '296 proto=6 src=10.9.0.1 dst=10.9.0.2 sport=0 dport=50001 mask-src=255.255.255.255 mask-dst=255.255.255.255 sport=0 dport=65535 ' +
      'master-src=10.9.0.1 master-dst=10.9.0.2 sport=40021 dport=21 class=0 helper=ftp\n',
  )
  t.end()
})

t.test('zone and flags have their place, and what was not sent is not shown', (t) => {
  const tail = (more: object): string => printedExpectation(expectationLine(), { ...FTP, ...more }).replace(/^.* dport=21 ?/, '')
  t.equal(tail({ zone: 5, flags: ['PERMANENT', 'INACTIVE', 'USERSPACE'] }), 'zone=5 PERMANENT,INACTIVE,USERSPACE class=0 helper=ftp\n')
  t.equal(tail({ flags: ['INACTIVE'] }), 'INACTIVE class=0 helper=ftp\n')
  t.equal(tail({ helper: undefined, class: undefined, id: 7, function: 'x' }), '\n')
  t.match(printedExpectation(expectationLine(), { ...FTP, timeout: undefined }), /^proto=6 src=/)
  t.end()
})

t.test('a message without attributes is an empty line, and takes nothing from the line before', (t) => {
  t.equal(printedExpectation(expectationLine(), {}), '\n')
  t.end()
})

t.test('an expectation of another protocol and family', (t) => {
  const six = {
    tuple: ends('fd00::1', 'fd00::2', 1, 2, 17),
    mask: ends('ffff::', 'ffff::', 3, 4, 17),
    master: ends('fd00::3', 'fd00::4', 5, 6, 17),
  }
  t.equal(
    printedExpectation(expectationLine(), six, 'udp', 10),
    'proto=17 src=fd00::1 dst=fd00::2 sport=1 dport=2 mask-src=ffff:: mask-dst=ffff:: sport=3 dport=4 master-src=fd00::3 master-dst=fd00::4 sport=5 dport=6\n',
  )
  t.end()
})

t.test('in XML it is an element on a line', (t) => {
  t.equal(
    printedExpectation(expectationXml(), FTP),
    '<flow><layer3 protonum="2" protoname="ipv4"><expected><src>10.9.0.1</src><dst>10.9.0.2</dst></expected>' +
      '<mask><src>255.255.255.255</src><dst>255.255.255.255</dst></mask><master><src>10.9.0.1</src><dst>10.9.0.2</dst></master></layer3>' +
      '<layer4 protonum="6" protoname="tcp"><expected><sport>0</sport><dport>50001</dport></expected><mask><sport>0</sport><dport>65535</dport></mask>' +
      '<master><sport>40021</sport><dport>21</dport></master></layer4>' +
      '<meta><helper-name>ftp</helper-name><timeout>296</timeout><class>0</class></meta></flow>\n',
  )
  t.match(
    printedExpectation(expectationXml(), { ...FTP, zone: 5, flags: ['PERMANENT', 'USERSPACE'], helper: 'a<b' }),
    '<helper-name>a&lt;b</helper-name><timeout>296</timeout><class>0</class><zone>5</zone><permanent/><userspace/></meta>',
  )
  const { head, tail } = expectationXml()
  t.equal(`${head}${tail}`, '<?xml version="1.0" encoding="utf-8"?>\n<expect>\n</expect>\n')
  t.end()
})
