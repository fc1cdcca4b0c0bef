import { openConntrack } from '@conntrack/core'
import t from 'tap'
import { error, scriptedKernel } from '../../core/test/scripted-kernel.ts'
import { installed } from '../src/installed.ts'
import { createCli } from '../src/main.ts'
import { kept, words } from './program.ts'

// Every message that conntrack(8) is known to have: ours has the same status, and names at least what is wrong.

/** Runs a command line against a kernel that answers everything with an error. */
async function run(line: string, errno: number): Promise<{ readonly status: number; readonly stderr: string }> {
  const { io, stderr } = kept()
  const open = () => openConntrack({ protocols: installed.protocols, socket: scriptedKernel(({ sequence }) => [error(sequence, errno)]) })
  const status = await createCli({ ...installed, open })(words(line), io)
  return { status, stderr: stderr() }
}

const NEW = '-s 1.1.1.1 -d 2.2.2.2 -p udp --sport 1 --dport 2'
const [EPERM, ENOENT, EBUSY, EEXIST, EINVAL, EOPNOTSUPP, ETIME] = [1, 2, 16, 17, 22, 95, 62]

t.test('wrong usage is status 2, and the message names option and value', async (t) => {
  const cases: [line: string, ...wanted: string[]][] = [
    ['-X', 'unknown option `-X'],
    ['--bogus', 'unknown option `--bogus'],
    ['-L -D', 'Invalid commands combination'],
    ['-L foo', 'unknown type `foo'],
    ['-D dying', '-D', 'dying'],
    ['-U expect', '-U', 'expect'],
    ['-A expect', '-A', 'expect'],
    ['-L -s', 'option `-s', 'requires an argument'],
    ['-L --mark', 'option `--mark', 'requires an argument'],
    ['-L -s foo', '`foo', '`-s', 'IP address'],
    ['-L -s 1.2.3.4.5', '`1.2.3.4.5', '`-s', 'IP address'],
    ['-L -s 1.2.3.4/33', '`1.2.3.4/33', 'netmask'],
    ['-L -s 1.2.3.4/-1', '`1.2.3.4/-1', 'netmask'],
    ['-L -s 1.2.3.4/x', '`1.2.3.4/x', 'netmask'],
    ['-L -s 1.1.1.1 -d ::1', 'mismatched address family', '1.1.1.1', '::1'],
    ['-L -f ipv6 -s 1.1.1.1', 'mismatched address family', 'ipv6', '1.1.1.1'],
    ['-L -f foo', '`foo', '`-f'],
    ['-L -p foo', '`foo', 'unsupported protocol'],
    ['-L -p 256', '`256', 'unsupported protocol'],
    ['-L -p -1', '`-1', 'unsupported protocol'],
    ['-L -p tcp --state FOO', '`FOO', '--state', 'ESTABLISHED'],
    ['-L -p sctp --state FOO', '`FOO', '--state', 'COOKIE_WAIT'],
    ['-L -p dccp --state FOO', '`FOO', '--state', 'PARTOPEN'],
    ['-L -p dccp --role foo', '`foo', '--role', 'client'],
    ['-L -u FOO', '`FOO', '`-u', 'ASSURED'],
    ['-L -u ,', '`,', '`-u'],
    ['-L -u ASSURED,', '`ASSURED,', '`-u'],
    ['-L -o nope', '`nope', '`-o', 'xml'],
    ['-L -m foo', '`foo', '`-m'],
    ['-L -m 0x100000000', '`0x100000000', '`-m', '4294967295'],
    ['-L -m -1', '`-1', '`-m'],
    ['-L -w 65536', '`65536', '`-w', '65535'],
    ['-L --orig-zone foo', '`foo', '`--orig-zone'],
    ['-L -c foo', '`foo', '`-c'],
    ['-L -i foo', '`foo', '`-i'],
    ['-L -l foo', "unknown label 'foo'", '`-l', '/etc/xtables/connlabel.conf'],
    ['-L -n 1.1.1.1:', "No port specified after `:'", '`-n'],
    ['-L -n 1.1.1.1:65536', '`1.1.1.1:65536', '65535'],
    ['-L -n []:80', 'No IPv6 address specified', '`-n'],
    ['-L -n [::1', "No closing ']' around IPv6 address", '`-n'],
    ['-L -n -j', '`--src-nat', '`--any-nat'],
    ['-L --mask-src 255.0.0.0', '--mask-src', '--src'],
    ['-L -z -p tcp', '-z', 'filtering'],
    ['-I', 'You need to supply', '`--protonum'],
    ['-I -s 1.1.1.1 -p udp -t 1 --sport 1 --dport 2', "`--src' and `--dst'"],
    ['-I -s 1.1.1.1 -d 2.2.2.2 -p tcp --sport 1 --state NONE -t 1', "`--sport' and `--dport'"],
    ['-I -s 1.1.1.1 -d 2.2.2.2 -p tcp --reply-port-src 1 --state NONE -t 1', "`--reply-port-src' and `--reply-port-dst'"],
    ['-I -p udp', 'You need to supply', '`--timeout'],
    ['-F -X', 'unknown option `-X'],
    ['-V -s 1.1.1.1', 'Illegal option `--src', 'this command'],
    ['-R', '`-R', 'argument'],
    ['-L -R f', '`-L', '-R FILE'],
    ['-R /nonexistent', '/nonexistent', 'reading'],
    ['-s 1.1.1.1', '`-s', 'command'],
  ]
  for (const [line, ...wanted] of cases) {
    const { status, stderr } = await run(line, EINVAL)
    t.equal(status, 2, line)
    t.ok(
      wanted.every((words) => stderr.includes(words)),
      `${line}: ${stderr}`,
    )
  }
})

t.test('what the kernel refuses is status 1, and the message tells why', async (t) => {
  const cases: [line: string, errno: number, ...wanted: string[]][] = [
    [`-I ${NEW} -t 1`, EEXIST, 'Operation failed: Such conntrack exists, try -U to update'],
    [`-I ${NEW} -t 1 -u EXPECTED`, EBUSY, 'Operation failed: Device or resource busy'],
    [`-A ${NEW} -t 1 -n 3.3.3.3`, EOPNOTSUPP, 'Operation failed: Operation not supported'],
    [`-G ${NEW}`, ENOENT, "Operation failed: such conntrack doesn't exist"],
    [`-G ${NEW}`, ETIME, 'Operation failed: conntrack has expired'],
    [`-G expect ${NEW}`, ENOENT, 'Operation failed: No such file or directory'],
    ['-L', EPERM, 'Operation failed: sorry, you must be root or get CAP_NET_ADMIN capability to do this'],
    ['-F', EPERM, 'Operation failed: sorry, you must be root'],
    ['-C', EPERM, 'Operation failed: sorry, you must be root'],
    ['-S', EPERM, 'Operation failed: sorry, you must be root'],
    [`-I ${NEW} -t 1`, EPERM, 'Operation failed: sorry, you must be root'],
  ]
  for (const [line, errno, wanted] of cases) {
    const { status, stderr } = await run(line, errno)
    t.equal(status, 1, line)
    t.ok(stderr.includes(wanted), `${line}: ${stderr}`)
    t.notMatch(stderr, /has been emptied|have been/, 'and nothing is said to be done')
  }
})

t.test('what cannot stand together is status 1 where conntrack(8) has it so', async (t) => {
  for (const [line, wanted] of [
    ['-U --label-add bit1 --label-del bit2', '--label-add and --label-del'],
    ['-L -o save,xml', 'cannot combine save output'],
  ]) {
    const { status, stderr } = await run(line, EINVAL)
    t.equal(status, 1, line)
    t.ok(stderr.includes(wanted), stderr)
  }
})
