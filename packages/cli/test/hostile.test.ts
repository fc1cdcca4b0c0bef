import { writeFileSync } from 'node:fs'
import { openConntrack } from '@conntrack/core'
import t, { type Test } from 'tap'
import { HOSTILE_TEXTS } from '../../../tests/fuzz/words.ts'
import { forAll, type Random } from '../../core/test/random.ts'
import { ack, done, scriptedKernel } from '../../core/test/scripted-kernel.ts'
import { parseLabelMap } from '../src/labels.ts'
import { createCli } from '../src/main.ts'
import { OPTIONS, protocolOptions } from '../src/options.ts'
import { formats, kept, protocols } from './program.ts'

const DUMP = 0x300

let changes = 0
const socket = scriptedKernel(({ type, flags, sequence }) => {
  if ((flags & DUMP) === DUMP && type !== 0x0100) return [done(sequence)]
  changes++
  return [ack(sequence)]
})
const conntrack = openConntrack({ protocols, socket })
// To compile the tables for each of ten thousand command lines would take minutes.
const cli = createCli({ protocols, formats, version: 'ct', open: () => ({ ...conntrack, [Symbol.dispose]: () => {} }) })

/** Runs words against a kernel that says yes to everything, and tells how often it was asked to change something. */
async function run(argv: readonly string[]) {
  changes = 0
  const { io, stdout, stderr } = kept()
  const status = await cli(argv, io)
  return { status, stdout: stdout(), stderr: stderr(), changes }
}

const GOOD = '-I -p udp -s 1.1.1.1 -d 2.2.2.2 --sport 1 --dport 2 -t 9'

function fileOf(t: Test, content: string | Uint8Array): string {
  const path = `${t.testdir({ lines: '' })}/lines`
  writeFileSync(path, content)
  return path
}

t.test('a file with something wrong in it is told of by line and column, and nothing of it is done', async (t) => {
  const long = 'x'.repeat(10_000_000)
  const cases: [what: string, content: string | Uint8Array, where: string][] = [
    ['a NUL byte', `${GOOD}\n${GOOD} --helper a\0b\n`, `2:${GOOD.length + 12}`],
    ['no UTF-8', Uint8Array.from([...Buffer.from(`${GOOD}\n\n${GOOD} --helper `), 0xff, 0xfe]), `3:${GOOD.length + 11}`],
    ['half a character at the end', Uint8Array.from([...Buffer.from(`${GOOD}\n`), 0xe2, 0x82]), '2:1'],
    ['ten megabytes in a line', `${GOOD}\n-D -s ${long}\n`, '2:4'],
    ['ten megabytes in a quote that never ends', `${GOOD}\n  "${long}`, '2:3'],
    ['a quote that never ends', `${GOOD}\n-D "-s\n`, '2:4'],
    ['an escape at the end', `${GOOD}\n-D "\\`, '2:4'],
    ['a command that is none', `${GOOD}\nrm -rf /\n`, '2:4'],
    ['another file', `${GOOD}\n-R /etc/passwd\n`, '2:1'],
    ['control characters in an address', `${GOOD}\n-D -s \u001b[2J\n`, '2:4'],
    ['a port that is none', `${GOOD}\n${GOOD.replace('--sport 1', '--sport 65536')}\n`, '2:'],
    ['a thousand options', `${GOOD}\n${GOOD}${' -s 1.1.1.1'.repeat(1000)}\n`, '2:'],
  ]
  for (const [what, content, where] of cases) {
    const path = fileOf(t, content)
    const { status, stdout, stderr, changes } = await run(['-R', path])
    t.same([status, stdout, changes], [2, '', 0], what)
    t.ok(stderr.startsWith(`ct: ${path}:${where}`), `${what}: ${JSON.stringify(stderr.slice(0, 200))}`)
    t.ok(stderr.length < 2500, `${what}: the message has ${stderr.length} characters`)
  }
})

t.test('quotes, escapes, carriage returns and odd blanks in a file that is right are read', async (t) => {
  const path = fileOf(
    t,
    `\ufeff${GOOD}\r\n\t "-I" -p "ud\\p" -s "1.1.1.1" -d 2.2.2.2 --sport "1" --dport=2 -t 9\n# "\n\n   #\n${GOOD} --helper "a \\"b\\" é𝄞"`,
  )
  t.match(await run(['-R', path]), { status: 0, changes: 3, stderr: '' })
})

t.test('whatever follows an option, the answer is a status and words, and never an exception', async (t) => {
  const values = [
    ...HOSTILE_TEXTS,
    '-',
    '--',
    '!',
    '!!',
    ',',
    '1,',
    '/',
    '1/',
    '::',
    '1-',
    '-1',
    '[',
    '[]',
    ']:',
    '0x',
    '9'.repeat(400),
    '!'.repeat(5000),
  ]
  const options = [...OPTIONS, ...protocols.flatMap(protocolOptions)].filter(
    ({ argument, names }) => argument !== 'none' && names[0] !== 'netns',
  )
  let told = 0
  for (const { names } of options) {
    for (const value of values) {
      for (const command of ['-L', '-I']) {
        const { status, stderr, changes } = await run([command, '-p', 'tcp', `--${names[0]}=${value}`])
        // Nothing that is nonsense may be taken for no condition at all; -L asks only.
        if (status !== 0 && status !== 1 && status !== 2) t.fail(`${command} --${names[0]} ${value}: ${status}`)
        if (/TypeError|undefined is|Maximum call|\[object|NaN|is not a function/.test(stderr))
          t.fail(`--${names[0]} ${value}: ${stderr.slice(0, 300)}`)
        if (status === 2 && changes > 0 && command === '-I') t.fail(`${command} --${names[0]} ${value}: half done`)
        told++
      }
    }
  }
  t.pass(`${told} command lines`)
})

t.test('words by chance are understood or refused', async (t) => {
  const WORDS = [
    '-L',
    '-D',
    '-U',
    '-I',
    '-F',
    '-C',
    '-S',
    '-G',
    '-R',
    '-p',
    'tcp',
    '-s',
    '10.0.0.1',
    '-o',
    'json',
    '--',
    '-',
    '=',
    '',
    'expect',
    '-u',
    '!',
  ]
  const word = (random: Random): string => (random.oneIn(3) ? random.pick(HOSTILE_TEXTS) : random.pick(WORDS))
  const lines: string[][] = []
  forAll(t, 1500, 11, (random) => void lines.push(Array.from({ length: 1 + random.below(6) }, () => word(random))))
  for (const line of lines.filter(([first]) => first !== '-R')) {
    const { status, stderr } = await run(line)
    if (![0, 1, 2].includes(status)) t.fail(`${JSON.stringify(line)}: ${status}`)
    if (/TypeError|undefined is|Maximum call|is not a function/.test(stderr)) t.fail(`${JSON.stringify(line)}: ${stderr}`)
  }
})

t.test('a file of labels may hold anything: what is no label says nothing', async (t) => {
  const hostile = HOSTILE_TEXTS.map((text, i) => `${i} ${text}`).join('\n')
  const names = parseLabelMap(`${hostile}\n-1 a\n1024 b\n0x3ff c\n99999999999 d\n7 ${'e'.repeat(1_000_000)}\n8\n\0\n9 f\0g\n900 ok\n`)
  t.equal(names[900], 'ok')
  t.equal(names[0x3ff], 'c')
  for (const name of names) if (name !== undefined) t.match(name, /^[A-Za-z0-9 -]+$/)
})
