// runtimes: node
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import t from 'tap'
import { printedExpectation, printedFlow } from '../packages/formatters/test/printed.ts'
import { expectationXml, xml } from '../packages/formatters/src/index.ts'
import { namespace, needsRoot, OURS } from './support/namespace.ts'

const missing: string | false = existsSync('/usr/bin/xmllint') ? false : 'there is no xmllint to read with'

/** What a parser has against a text, or nothing. */
const wrong = (text: string): string => spawnSync('xmllint', ['--noout', '-'], { input: text, encoding: 'utf8' }).stderr
/** The value of an XPath expression. */
const xpath = (text: string, expression: string): string =>
  execFileSync('xmllint', ['--xpath', expression, '-'], { input: text, encoding: 'utf8' }).trim()

const FOUR = '-s 10.0.0.1 -d 10.0.0.2 -t 3000'
const PORTS = '--sport 1000 --dport 80'
const FLOWS = [
  `${FOUR} -p tcp ${PORTS} --state ESTABLISHED -u SEEN_REPLY,ASSURED -m 7`,
  `${FOUR} -p tcp --sport 40021 --dport 21 --state ESTABLISHED --helper ftp`,
  `-s fd00::1 -d fd00::2 -t 3000 -p udp ${PORTS} --orig-zone 5`,
  `${FOUR} -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 77`,
  `${FOUR} -p sctp ${PORTS} --state COOKIE_WAIT --orig-vtag 1 --reply-vtag 2`,
  `${FOUR} -p gre --srckey 1 --dstkey 0xabc`,
  `${FOUR} -p 253`,
]
const EXPECTATION =
  `-I expect ${FOUR} -p tcp --sport 40021 --dport 21 --tuple-src 10.0.0.1 --tuple-dst 10.0.0.2 --tuple-port-src 0 --tuple-port-dst 50001 ` +
  '--mask-src 255.255.255.255 --mask-dst 255.255.255.255 --mask-port-src 0 --mask-port-dst 65535'

t.test('whatever is listed, shown, changed or deleted is one document', { skip: needsRoot || missing }, async (t) => {
  using netns = namespace()
  const shown = (line: string, count: number): string => {
    const { stdout, stderr } = netns.run(OURS, line.split(' '))
    t.equal(wrong(stdout), '', `${line}\n${stderr}`)
    t.equal(xpath(stdout, 'count(/*/flow)'), String(count), line)
    return stdout
  }
  shown('-L -o xml', 0)
  shown('-L expect -o xml', 0)
  shown('-L dying -o xml', 0)
  shown('-D -p tcp -o xml', 0)
  shown('-U -p tcp -m 1 -o xml', 0)
  for (const flow of FLOWS) shown(`-I ${flow} -o xml`, 1)
  shown(`${EXPECTATION} -o xml`, 1)
  shown('-L expect -o xml', 1)
  const all = shown('-L -o xml', FLOWS.length)
  for (const words of ['xml,extended', 'xml,id', 'xml,ktimestamp', 'ktimestamp,xml,id,extended,labels,userspace'])
    shown(`-L -o ${words}`, FLOWS.length)

  t.equal(xpath(all, 'string(//flow[.//layer4/@protoname="sctp"]/meta[@direction="independent"]/state)'), 'COOKIE_WAIT')
  t.equal(xpath(all, 'string(//flow[.//layer4/@protoname="icmp"]/meta[@direction="reply"]/layer4/type)'), '0')
  t.equal(xpath(all, 'string(//flow[.//layer4/@protoname="gre"]/meta[@direction="original"]/layer4/dstkey)'), '0xabc')
  t.equal(xpath(all, 'count(//flow[.//layer4/@protonum="253"])'), '1')
  t.equal(xpath(all, 'string(//flow/helper)'), 'ftp')

  shown(`-G -p tcp -s 10.0.0.1 -d 10.0.0.2 ${PORTS} -o xml`, 1)
  shown('-U -p sctp -m 3 -o xml', 1)
  shown('-D -p gre -o xml', 1)
  shown('-D expect -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 0 --dport 50001 -o xml', 1)
  t.equal(netns.run(OURS, `-G -p udp -s 10.9.9.9 -d 10.0.0.2 ${PORTS} -o xml`.split(' ')).stdout, '', 'an error is no document')
})

t.test('so is what a file of command lines shows', { skip: needsRoot || missing }, async (t) => {
  using netns = namespace()
  const lines = `-I ${FOUR} -p udp ${PORTS}\n-U -p udp -m 7\n-D -p udp\n`
  const { stdout, stderr } = netns.run(OURS, ['-R', '-', '-o', 'xml'], {}, lines)
  t.equal(wrong(stdout), '', stderr)
  t.equal(xpath(stdout, 'count(/conntrack/flow/meta/mark[.=7])'), '2')
  t.equal(netns.run(OURS, ['-R', '-', '--output=csv'], {}, lines).stdout.trimEnd().split('\r\n').length, 3, 'one header')
  t.match(netns.run(OURS, ['-R', '-', '-o', 'json'], {}, '-D -p foo').stderr, /^\{"version":1,"error":\{"message":"stdin:1:/)
})

t.test('names from outside cannot break it', { skip: missing }, async (t) => {
  const ends = { source: '10.0.0.1', destination: '10.0.0.2', protocolNumber: 6 }
  for (const name of ['</flow>', '<a b="', '&amp;', ']]>', '\u0001\u0008\u000b\u001b\u007f\u009b', '\ufffe\uffff', '\t\n\r', 'é€𝄞', '']) {
    const flow = printedFlow(xml(), { helper: { name }, securityContext: { name } })
    const expectation = printedExpectation(expectationXml(), { tuple: ends, mask: ends, master: ends, helper: name })
    t.equal(wrong(xml().head + flow + xml().tail), '', JSON.stringify(name))
    t.equal(wrong(expectationXml().head + expectation + expectationXml().tail), '', JSON.stringify(name))
    t.notMatch(flow.trimEnd(), /[\0-\x1f\x7f-\x9f]/)
  }
})
