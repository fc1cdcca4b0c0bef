import t from 'tap'
import { UsageError } from '../src/failure.ts'
import { understand } from '../src/understand.ts'
import { formats, protocols, words } from './program.ts'

/** What a command line says of flows. */
function asked(line: string) {
  const intent = understand(words(line), protocols, formats)
  if (intent.kind !== 'job') throw new Error(`${line} is no job`)
  return intent.job.query
}

function refusal(line: string): string {
  try {
    asked(line)
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  throw new Error(`${line} is understood`)
}

type Fields = Record<string, unknown>

t.test('an option of a list is a condition on the field it is about', async (t) => {
  const cases: [line: string, conditions: Fields][] = [
    ['-L', {}],
    ['-L -s 1.1.1.1', { original: { source: '1.1.1.1' }, family: 'ipv4' }],
    ['-L -d fd00::/8', { original: { destination: 'fd00::/8' }, family: 'ipv6' }],
    ['-L -r 1.1.1.1 -q 2.2.2.2', { reply: { source: '1.1.1.1', destination: '2.2.2.2' }, family: 'ipv4' }],
    ['-L -f ipv6', { family: 'ipv6' }],
    ['-L -p tcp', { protocol: 'tcp' }],
    ['-L -p TCP', { protocol: 'tcp' }],
    ['-L -p 6', { protocol: 'tcp' }],
    ['-L -p 0x11', { protocol: 'udp' }],
    ['-L -p ipv6-icmp', { protocol: 'icmpv6' }],
    ['-L -p 50', { original: { protocolNumber: 50 } }],
    ['-L -p igmp', { original: { protocolNumber: 2 } }],
    ['-L -p tcp --sport 80 --dport 443', { protocol: 'tcp', original: { sourcePort: 80, destinationPort: 443 } }],
    ['-L --dport https -p tcp', { protocol: 'tcp', original: { destinationPort: 443 } }],
    ['-L -p udp --orig-port-src 53', { protocol: 'udp', original: { sourcePort: 53 } }],
    ['-L -p udp --reply-port-src 53 --reply-port-dst 54', { protocol: 'udp', reply: { sourcePort: 53, destinationPort: 54 } }],
    ['-L -p tcp --state ESTABLISHED', { protocol: 'tcp', state: 'ESTABLISHED' }],
    ['-L -p tcp --state LISTEN', { protocol: 'tcp', state: 'SYN_SENT2' }],
    ['-L -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 7', { protocol: 'icmp', original: { type: 8, code: 0, id: 7 } }],
    ['-L -p gre --srckey 0x10', { protocol: 'gre', original: { sourceKey: 16 } }],
    ['-L -p sctp --orig-vtag 7', { protocol: 'sctp', verificationTagOriginal: 7 }],
    ['-L -m 5', { mark: 5 }],
    ['-L -m 0x10/0xff', { mark: { value: 16, mask: 255 } }],
    ['-L -t 60', { timeout: 60 }],
    ['-L -i 7', { id: 7 }],
    ['-L -w 5', { zone: 5 }],
    ['-L --orig-zone 5', { original: { zone: 5 } }],
    ['-L --reply-zone 5', { reply: { zone: 5 } }],
    ['-L -u ASSURED', { status: { all: ['ASSURED'], none: [] } }],
    ['-L -u ASSURED -u !SEEN_REPLY', { status: { all: ['ASSURED'], none: ['SEEN_REPLY'] } }],
    ['-L -n', { sourceNat: true }],
    ['-L -g 1.1.1.1:80', { destinationNat: { address: '1.1.1.1', port: 80 }, family: 'ipv4' }],
    ['-L -j :80', { anyNat: { port: 80 } }],
    ['-L -n [fd00::1]:80', { sourceNat: { address: 'fd00::1', port: 80 }, family: 'ipv6' }],
    ['-L -s 10.0.0.0/8,fd00::/8', { original: { source: { oneOf: ['10.0.0.0/8', 'fd00::/8'] } } }],
    ['-D -p tcp --dport !443', { protocol: 'tcp', original: { destinationPort: { not: 443 } } }],
    ['-F -f ipv6', { family: 'ipv6' }],
    ['-L -c 5', { secmark: 5 }],
    ['-L -p tcp,udp', { protocol: ['tcp', 'udp'] }],
    ['-L -p 6,tcp', { protocol: 'tcp' }],
    ['-L -p tcp,udp --dport 80', { protocol: ['tcp', 'udp'], original: { destinationPort: 80 } }],
    ['-L -p tcp,sctp --state ESTABLISHED', { protocol: ['tcp', 'sctp'], state: 'ESTABLISHED' }],
    ['-L -p tcp,50', { original: { protocolNumber: { oneOf: [6, 50] } } }],
    ['-L -p 50,51', { original: { protocolNumber: { oneOf: [50, 51] } } }],
    ['-L -p !tcp', { original: { protocolNumber: { not: 6 } } }],
    ['-L -p !tcp,udp,50', { original: { protocolNumber: { not: { oneOf: [6, 17, 50] } } } }],
    ['-L -p 017', { original: { protocolNumber: 15 } }],
  ]
  for (const [line, conditions] of cases) t.strictSame(asked(line), { conditions, values: {} }, line)
})

t.test('what an update gives is a value, and what it finds is a condition', async (t) => {
  const { conditions, values } = asked('-U -p tcp -s 1.1.1.1 --dport 80 -w 1 -i 5 -m 0x10/0xf0 -t 60 -u ASSURED --state CLOSE')
  t.strictSame(conditions, { original: { source: '1.1.1.1', destinationPort: 80 }, zone: 1, id: 5, family: 'ipv4', protocol: 'tcp' })
  t.strictSame(values, { mark: 16, markMask: 240, timeout: 60, status: ['ASSURED'], state: 'CLOSE' })
  t.strictSame(asked('-U -u A -u SEEN').values, { status: ['ASSURED', 'SEEN_REPLY'] })
})

t.test('a new entry is all values', async (t) => {
  for (const command of ['-I', '-A']) {
    t.strictSame(asked(`${command} -p udp -s 1.1.1.1 -d 2.2.2.2 --sport 1 --dport 2 -t 60 -m 7 -w 3 -u SEEN_REPLY`), {
      conditions: {},
      values: {
        original: { source: '1.1.1.1', destination: '2.2.2.2', sourcePort: 1, destinationPort: 2 },
        timeout: 60,
        mark: 7,
        zone: 3,
        status: ['SEEN_REPLY'],
        family: 'ipv4',
        protocol: 'udp',
      },
    })
  }
  const { values } = asked('-I -p 50 -s ::1 -d ::2 -t 1')
  t.strictSame(values, {
    original: { source: '::1', destination: '::2', protocolNumber: 50 },
    timeout: 1,
    family: 'ipv6',
    protocol: 'unknown',
  })
  t.strictSame(asked('-I -p udp -s 1.1.1.1 -d 2.2.2.2 --sport 1 --dport 2 -t 1 -n 3.3.3.3:9 -g 4.4.4.4').values, {
    original: { source: '1.1.1.1', destination: '2.2.2.2', sourcePort: 1, destinationPort: 2 },
    timeout: 1,
    sourceNat: { minimum: '3.3.3.3', minimumPort: 9 },
    destinationNat: { minimum: '4.4.4.4' },
    family: 'ipv4',
    protocol: 'udp',
  })
})

t.test('a field that is an object has an argument of parts', async (t) => {
  const synproxy = { initialSequence: 1, initialTimestamp: 2, timestampOffset: 0xffffffff }
  t.strictSame(asked('-L --synproxy 1:2:0xffffffff').conditions, { synproxy })
  t.strictSame(asked('-U -m 1 --orig-seqadj 1:2:3').values, {
    mark: 1,
    originalSequenceAdjustment: { correctionPosition: 1, offsetBefore: 2, offsetAfter: 3 },
  })
  for (const wrong of ['1', '1:2', '1:2:3:4', '1:2:x', '::', '4294967296:0:0'])
    t.match(refusal(`-L --synproxy ${wrong}`), `\`${wrong}' for option \`--synproxy'`)
})

t.test("`!' before the value of any condition negates it", async (t) => {
  const cases: [line: string, conditions: Fields][] = [
    ['-L -n !', { sourceNat: { not: true } }],
    ['-L --dst-nat=!', { destinationNat: { not: true } }],
    ['-D -j !1.1.1.1:80', { anyNat: { not: { address: '1.1.1.1', port: 80 } } }],
    ['-L -n !:80', { sourceNat: { not: { port: 80 } } }],
    ['-L -f !ipv4', { family: 'ipv6' }],
    ['-F -f !ipv6', { family: 'ipv4' }],
    ['-L -s !1.1.1.1', { original: { source: { not: '1.1.1.1' } } }],
    ['-L -s !1.1.1.1 -d ::1', { original: { source: { not: '1.1.1.1' }, destination: '::1' }, family: 'ipv6' }],
    ['-L -s !1.1.1.1 --mask-src 255.0.0.0', { original: { source: { not: { value: '1.0.0.0', mask: '255.0.0.0' } } } }],
    ['-L -m !1/3', { mark: { not: { value: 1, mask: 3 } } }],
    ['-L -u !ASSURED', { status: { all: [], none: ['ASSURED'] } }],
    ['-L --synproxy !1:2:3', { synproxy: { not: { initialSequence: 1, initialTimestamp: 2, timestampOffset: 3 } } }],
    ['-L expect -t !60', { timeout: { not: 60 } }],
  ]
  for (const [line, conditions] of cases) t.strictSame(asked(line), { conditions, values: {} }, line)
  for (const line of ['-L -n !!', '-L -s !!1.1.1.1', '-L -f !!ipv4', '-L -f !', '-L --synproxy !!1:2:3', '-L -m !'])
    t.match(refusal(line), /^invalid value `!/, line)
  const made = '-p udp -s 1.1.1.1 -d 2.2.2.2 --sport 1 --dport 2'
  for (const value of ['-f !ipv4', '-n !1.1.1.1', '--synproxy !1:2:3', '-m !1', '-w !1'])
    t.match(refusal(`-I ${made} -t 1 ${value}`), /^invalid value `!/, 'a value is none')
  t.match(refusal('-L -s 1.1.1.1 --mask-src !255.0.0.0'), "`!' stands before that of `--src'")
  t.match(refusal('-L -s 1.1.1.1 --mask-src ffff::'), "mismatched address family: `--src 1.1.1.1' and `--mask-src ffff::'")
})

t.test('conditions on expectations are on what is expected, or where that has options of its own, on the master', async (t) => {
  const cases: [line: string, conditions: Fields][] = [
    ['-s 1.1.1.1', { tuple: { source: '1.1.1.1' }, family: 'ipv4' }],
    ['-p tcp --dport 80', { tuple: { destinationPort: 80 }, protocol: 'tcp' }],
    ['--tuple-src 10.0.0.0/8 -s !1.1.1.1', { tuple: { source: '10.0.0.0/8' }, master: { source: { not: '1.1.1.1' } }, family: 'ipv4' }],
    [
      '-p tcp --sport 21 --tuple-port-dst 1-9',
      { master: { sourcePort: 21 }, tuple: { destinationPort: { from: 1, to: 9 } }, protocol: 'tcp' },
    ],
    ['--mask-src 255.0.0.0 -w !1', { mask: { source: '255.0.0.0' }, zone: { not: 1 } }],
    ['--helper !ftp -i 7 -t 1-60', { helper: { not: 'ftp' }, id: 7, timeout: { from: 1, to: 60 } }],
    ['-p icmp --icmp-type 8', { tuple: { type: 8 }, protocol: 'icmp' }],
  ]
  for (const command of ['-L', '-E', '-C', '-F'])
    for (const [line, conditions] of cases)
      t.strictSame(asked(`${command} expect ${line}`), { conditions, values: {} }, `${command} ${line}`)
  t.strictSame(asked('-D expect -p tcp -s 1.1.1.1 -d 2.2.2.2 --sport 1 --dport 2 --mask-port-dst 65535 --helper ftp'), {
    conditions: { mask: { destinationPort: 65535 }, helper: 'ftp' },
    values: {
      tuple: { source: '1.1.1.1', destination: '2.2.2.2', sourcePort: 1, destinationPort: 2 },
      family: 'ipv4',
      protocol: 'tcp',
    },
  })
})

t.test('an entry that is asked for is named by values, and its id is a condition', async (t) => {
  t.strictSame(asked('-G -p icmp -s 1.1.1.1 -d 2.2.2.2 --icmp-type 8 --icmp-code 0 -i 5 -w 1'), {
    conditions: { id: 5 },
    values: {
      original: { source: '1.1.1.1', destination: '2.2.2.2', type: 8, code: 0 },
      zone: 1,
      family: 'ipv4',
      protocol: 'icmp',
    },
  })
})

t.test('what is wrong is told with the option as it was written, and its value', async (t) => {
  const cases: [line: string, message: RegExp][] = [
    ['-L -s foo', /^invalid value `foo' for option `-s': expected an IP address$/],
    ['-L --orig-src foo', /^invalid value `foo' for option `--orig-src': /],
    ['-L --reply-s=foo', /^invalid value `foo' for option `--reply-s': /],
    ['-L -sfoo', /^invalid value `foo' for option `-s': /],
    ["-L -s ''", /^invalid value `' for option `-s': /],
    ['-L -p tcp --dport 65536', /^invalid value `65536' for option `--dport': expected a number from 0 to 65535$/],
    ['-L -f ipv4foo', /^invalid value `ipv4foo' for option `-f': expected ipv4 or ipv6$/],
    ['-L -p foo', /^`foo' unsupported protocol for option `-p'$/],
    ['-L --proto 256', /^`256' unsupported protocol for option `--proto'$/],
    ['-L -p -1', /^`-1' unsupported protocol for option `-p'$/],
    ['-I -p udp -s 1.1.1.0/24 -d 2.2.2.2 -t 1 --sport 1 --dport 2', /^invalid value `1.1.1.0\/24' for option `-s': .* not a network$/],
    ['-I -p udp -s 1.1.1.1 -d 2.2.2.2 -t 1 --sport 1 --dport 2 -m 1/2', /^invalid value `1\/2' for option `-m': .* without a mask$/],
    ['-I -p udp -s 1.1.1.1 -d 2.2.2.2 -t 1 --sport 1 --dport 2 -n :5', /^invalid value `:5' for option `-n': .* needs the address/],
    ['-U -u UNREPLIED', /^invalid value `UNREPLIED' for option `-u': /],
    ['-L -p tcp --sport 1-x', /^invalid value `1-x' for option `--sport': /],
  ]
  for (const [line, message] of cases) t.match(refusal(line), message, line)
})

t.test('addresses of two families are told with the options that have them', async (t) => {
  t.equal(refusal('-L -s 1.1.1.1 -d ::1'), "mismatched address family: `-s 1.1.1.1' and `-d ::1'")
  t.equal(refusal('-L -f ipv6 --src 1.1.1.1'), "mismatched address family: `-f ipv6' and `--src 1.1.1.1'")
  t.equal(refusal('-L -s ::1 -n 1.1.1.1:80'), "mismatched address family: `-s ::1' and `-n 1.1.1.1:80'")
  t.equal(refusal('-L -f ipv4 -f ipv6'), "mismatched address family: `-f ipv4' and `-f ipv6'")
})

t.test('what can be said once is an error the second time', async (t) => {
  t.equal(refusal('-L -s 1.1.1.1 --orig-src 2.2.2.2'), "option `--orig-src' is given twice")
  t.equal(refusal('-L -p tcp --proto udp'), "option `--proto' is given twice")
  t.equal(refusal('-L -m 1 -m 2'), "option `-m' is given twice")
  t.strictSame(asked('-L -f ipv4 -f ipv4').conditions, { family: 'ipv4' })
  t.equal(refusal('-L --netns a --netns b'), "option `--netns' is given twice")
  t.equal(refusal('-L --labelmap a --labelmap b'), "option `--labelmap' is given twice")
  t.match(refusal('-L --labelmap /nonexistent'), /^no names of labels: .*\/nonexistent/, 'a file is read where no label is shown')
})
