import t from 'tap'
import { candidates, completion } from '../src/completion.ts'
import { OPTIONS, useOf } from '../src/options.ts'
import { formats, protocols } from './program.ts'

/** What is offered for the last of these words; a blank at the end begins a new one. */
const offered = (line: string): string[] => candidates(line.split(' '), { protocols, formats }).map(([word]) => word)

t.test('first a command', async (t) => {
  t.strictSame(offered('').slice(0, 3), ['-L', '-G', '-D'])
  t.ok(offered('').includes('-R') && offered('').includes('--completion'))
  t.strictSame(offered('--d'), ['--delete', '--dump'].toSorted().toReversed())
  t.strictSame(offered('-o save -R '), [':files'], 'or a file of lines')
  t.ok(offered('-R file ').includes('--continue'))
  t.notOk(offered('--continue -R file ').includes('-L'))
  t.ok(offered('-R file -o ').includes('json'))
})

t.test('then a table of the command, or its options', async (t) => {
  t.strictSame(offered('-L ').slice(0, 5), ['conntrack', 'expect', 'dying', 'unconfirmed', '-s'])
  t.strictSame(offered('-L e'), ['expect'])
  t.notOk(offered('-D ').includes('dying'))
  t.notOk(offered('-L expect ').includes('expect'), 'one table is enough')
})

t.test('options are those that the command takes on the table', async (t) => {
  for (const [line, command, table] of [
    ['-L', 'list', 'conntrack'],
    ['-F', 'flush', 'conntrack'],
    ['-I', 'create', 'conntrack'],
    ['-L expect', 'list', 'expect'],
    ['-I exp', 'create', 'expect'],
  ] as const) {
    const legal = OPTIONS.filter((option) => useOf(option, command, table) !== undefined).map(({ names }) => `--${names[0]}`)
    t.strictSame(offered(`${line} --`), legal, line)
  }
  t.strictSame(offered('-L --zer'), ['--zero'])
  t.strictSame(offered('-D --zer'), [])
})

t.test('options are not offered twice, but for those that add up', async (t) => {
  t.strictSame(offered('-L --src 10.0.0.1 --sr'), ['--src-nat'])
  t.strictSame(offered('-L -s 10.0.0.1 --sr'), ['--src-nat'])
  t.strictSame(offered('-L -o id --outp'), ['--output'])
})

t.test('options of a protocol are there once it is chosen', async (t) => {
  t.strictSame(offered('-L --stat'), ['--status'])
  t.strictSame(offered('-L -p tcp --stat'), ['--status', '--state'])
  t.strictSame(offered('-L -p 6 --stat'), ['--status', '--state'])
  t.ok(offered('-L -p icmp --').includes('--icmp-type'))
  t.notOk(offered('-L -p icmp --').includes('--sport'))
  t.ok(offered('-I expect -p tcp --').includes('--mask-port-src'))
})

t.test('values are those that the option can have', async (t) => {
  t.strictSame(offered('-L -p t'), ['tcp'])
  t.strictSame(offered('-L --protonum ud'), ['udp', 'udplite'])
  t.strictSame(offered('-L -f '), ['ipv4', 'ipv6'])
  t.strictSame(offered('-L -p tcp --state E'), ['ESTABLISHED'])
  t.strictSame(offered('-L -p sctp --state COOK'), ['COOKIE_WAIT', 'COOKIE_ECHOED'])
  t.strictSame(offered('-L -p dccp --role '), ['client', 'server'])
  t.strictSame(offered('--completion '), ['bash', 'zsh', 'fish'])
  t.strictSame(offered('-L -s '), [], 'of an address there is nothing to say')
})

t.test('of a list, the last of its values', async (t) => {
  t.strictSame(offered('-L -o x'), ['xml'])
  t.strictSame(offered('-L -o xml,id,ex'), ['xml,id,extended'])
  t.notOk(offered('-L -o id,').includes('id,id'))
  t.strictSame(offered('-L -u ASS'), ['ASSURED'])
  t.strictSame(offered('-L -u SEEN_REPLY,!AS'), ['SEEN_REPLY,!ASSURED'])
})

t.test('a value may be glued to a long name, and the shell may take the two apart', async (t) => {
  t.strictSame(offered('-L --output=js'), ['--output=json'])
  t.strictSame(offered('-L --output = js'), ['json'])
  t.strictSame(offered('-L --family ='), ['ipv4', 'ipv6'])
})

t.test('files are left to the shell', async (t) => {
  t.strictSame(offered('-R '), [':files'])
  t.strictSame(offered('-L --labelmap /etc/x'), [':files'])
  t.strictSame(offered('-R file --c'), ['--continue'])
})

t.test('--completion prints scripts and candidates', async (t) => {
  const known = { protocols, formats }
  t.match(completion('bash', [], known), 'complete -F _conntrack conntrack')
  t.match(completion('zsh', [], known), /^#compdef conntrack\n/)
  t.match(completion('fish', [], known), 'complete -c conntrack')
  t.equal(completion('words', ['-L', 'dy'], known), 'dying\ttable\n')
  t.throws(() => completion('csh', [], known), /`csh'.* expected bash, zsh, fish/)
})
