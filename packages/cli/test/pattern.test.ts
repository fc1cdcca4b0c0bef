import t from 'tap'
import { openConntrack } from '@conntrack/core'
import { patternOf } from '../src/pattern.ts'
import { understand } from '../src/understand.ts'
import { formats, protocols } from './program.ts'

const { flows } = openConntrack({ protocols })

/** What comes of a line, the slow way. */
function attributes(words: readonly string[]): Uint8Array | undefined {
  const intent = understand(words, protocols, formats)
  return intent.kind === 'job' ? flows.prepare(intent.job.query.values as never).attributes : undefined
}

const bytes = (line: string): Uint8Array => new TextEncoder().encode(line)
const learned = (line: string) => patternOf(line.split(' '), attributes(line.split(' ')) as Uint8Array, attributes)

/** Whether a pattern gives of a line what comes of it; `false` where it says that it is not like that. */
function applies(line: string, other: string): boolean {
  const found = learned(line).apply(bytes(`#${other}#`), 1, 1 + bytes(other).length)
  if (found === undefined) return false
  const wanted = attributes(other.split(' '))
  if (Buffer.compare(found, wanted as Uint8Array) !== 0) throw new Error(`${other}: ${Buffer.from(found).toString('hex')}`)
  return true
}

const TCP = '-A -t 499 -u SEEN_REPLY,ASSURED -s 1.1.1.1 -d 2.2.2.2 -r 2.2.2.2 -q 1.1.1.1 -p tcp --sport 10 --dport 20 --state ESTABLISHED'

t.test('a line like one before differs in numbers and addresses alone', async (t) => {
  for (const [line, other] of [
    [TCP, TCP.replace('499', '86400').replace('-s 1.1.1.1', '-s 255.10.0.99').replace('--sport 10', '--sport 65535').replace('20', '0')],
    ['-I -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1 --dport 2 -t 9', '-I -p udp -s 10.9.8.7 -d 1.2.3.4 --sport 1000 --dport 53 -t 0'],
    ['-A -s fd00::1 -d fd00::2 -p udp --sport 1 --dport 2 -t 9', '-A -s 2001:db8::7:1 -d :: -p udp --sport 3 --dport 4 -t 10'],
    [
      '-A -m 5 -w 3 -s 1.1.1.1 -d 2.2.2.2 -p gre --srckey 1 --dstkey 2 -t 9',
      '-A -m 4294967295 -w 7 -s 1.1.1.2 -d 2.2.2.1 -p gre --srckey 9 --dstkey 65535 -t 9',
    ],
    [
      '-A -s 1.1.1.1 -d 2.2.2.2 -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 7 -t 9',
      '-A -s 1.1.1.3 -d 2.2.2.4 -p icmp --icmp-type 8 --icmp-code 3 --icmp-id 8 -t 9',
    ],
    [
      '-A -t 9 -s 1.1.1.1 -d 2.2.2.2 -p sctp --sport 1 --dport 2 --state ESTABLISHED --orig-vtag 1 --reply-vtag 2',
      '-A -t 9 -s 1.1.1.1 -d 2.2.2.2 -p sctp --sport 1 --dport 2 --state ESTABLISHED --orig-vtag 4294967295 --reply-vtag 77',
    ],
  ])
    t.equal(applies(line, other), true, other)
})

t.test('what is not like it, or in doubt, is left to those who understand it', async (t) => {
  for (const other of [
    TCP.replace('ESTABLISHED', 'CLOSE'),
    TCP.replace(',ASSURED', ''),
    TCP.replace('--sport 10', '--sport 65536'),
    TCP.replace('--sport 10', '--sport 010'),
    TCP.replace('--sport 10', '--sport http'),
    TCP.replace('--sport 10', '--sport'),
    TCP.replace('499', '4294967296'),
    TCP.replace('499', '-1'),
    TCP.replace('499', '9'.repeat(30)),
    TCP.replace('-s 1.1.1.1', '-s 1.1.1'),
    TCP.replace('-s 1.1.1.1', '-s 1.1.1.1.1'),
    TCP.replace('-s 1.1.1.1', '-s 1.1.1.'),
    TCP.replace('-s 1.1.1.1', '-s 1.1..1'),
    TCP.replace('-s 1.1.1.1', '-s 256.1.1.1'),
    TCP.replace('-s 1.1.1.1', '-s 01.1.1.1'),
    TCP.replace('-s 1.1.1.1', '-s fd00::1'),
    `${TCP} `,
    `${TCP} x`,
    `${TCP}\r`,
    ` ${TCP}`,
    TCP.slice(0, -1),
    '',
  ])
    t.equal(learned(TCP).apply(bytes(other), 0, bytes(other).length), undefined, other)
})

t.test('a saved line with a translation has ports above 255 that cannot be put in its place', async (t) => {
  const line =
    '-A -t 299 -s 10.0.0.1 -d 10.0.0.2 -g 192.0.2.7 -q 10.0.0.1 -p tcp --sport 1000 --dport 80 --reply-port-src 80 --reply-port-dst 1000 --state NONE'
  t.ok(applies(line, line.replace('299', '300').replace('192.0.2.7', '192.0.2.8')))
  t.notOk(applies(line, line.replace('--sport 1000', '--sport 1001')), 'the kernel is told of another port by a range of its own')
})

t.test('a type whose opposite is another is no number to be put in its place', async (t) => {
  const line = '-A -s 1.1.1.1 -d 2.2.2.2 -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 7 -t 9'
  t.equal(applies(line, line.replace('type 8', 'type 13')), false)
})
