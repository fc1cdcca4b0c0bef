import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openConntrack } from '@conntrack/core'
import { createKernel, type KernelSettings } from '@conntrack/core/testing'
import t, { type Test } from 'tap'
import { createCli } from '../src/main.ts'
import { formats, kept, protocols } from './program.ts'

const line = (port: number, command = '-A'): string =>
  `${command} -t 60 -s 10.0.${port >> 8}.${port & 255} -d 192.0.2.1 -p udp --sport ${port} --dport 53`
const lines = (count: number): string[] => Array.from({ length: count }, (_, i) => line(i + 1))

/** A file of lines, and a kernel in memory. */
function written(t: Test, text: readonly string[], settings: KernelSettings = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'ct-load-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'lines')
  writeFileSync(file, text.join('\n'))
  return { kernel: createKernel({ protocols, ...settings }), file }
}

/** Does a file of lines on a kernel in memory. */
async function load(t: Test, text: readonly string[], words: readonly string[] = [], settings: KernelSettings = {}) {
  const { kernel, file } = written(t, text, settings)
  const open = () => openConntrack({ protocols, socket: kernel.socket })
  const { io, stdout, stderr } = kept()
  const status = await createCli({ protocols, formats, version: 'v', open })(['-R', file, ...words], io)
  using after = open()
  return { status, stdout: stdout(), stderr: stderr().replaceAll(file, 'FILE'), flows: [...after.flows.list()], kernel }
}

t.test('thousands of lines are done, the first ones one by one', async (t) => {
  const { status, stderr, flows } = await load(t, lines(3000))
  t.strictSame({ status, stderr }, { status: 0, stderr: '' })
  t.equal(flows.length, 3000)
  t.match(flows[2999], { original: { source: '10.0.11.184', sourcePort: 3000, destinationPort: 53 }, timeout: 60 })
})

t.test('-R may stand wherever getopt finds it', async (t) => {
  const { kernel, file } = written(t, lines(1))
  const run = async (words: readonly string[]): Promise<{ status: number; stderr: string }> => {
    const { io, stderr } = kept()
    const open = () => openConntrack({ protocols, socket: kernel.socket })
    const status = await createCli({ protocols, formats, version: 'v', open })(words, io)
    return { status, stderr: stderr().replaceAll(file, 'FILE') }
  }
  for (const words of [['-R', file], [`-R${file}`], [`--load-file=${file}`], ['--load', file], ['-o', 'json', '--continue', '-R', file]])
    t.strictSame(await run(words), { status: 0, stderr: '' }, words.join(' '))
  const stray = await run(['-R', file, 'stray', '-o', 'timestamp'])
  t.strictSame(stray.status, 0, 'as the original ignores it')
  t.match(stray.stderr, /^WARNING: ignoring `stray', which is no option\nWARNING: ignoring `-o timestamp'/)
  for (const [words, message] of [
    [['-R'], /^v: option `-R' requires an argument/],
    [['-o', 'json', '--load-file'], /"option `--load-file' requires an argument"/],
    [['-L', '-R', file], /^v: `-L' does not go with -R FILE/],
    [[`-LR${file}`], /^v: `-L' does not go with -R FILE/],
    [['-R', file, '-R', 'other'], /^v: -R takes one file: `other' is another/],
    [['-R', file, '--netns', 'a', '--demo'], /^v: --demo has no network namespaces/],
    [['-L', '-s', '-R'], /^v: invalid value `-R' for option `-s'/],
  ] as const) {
    const { status, stderr } = await run(words)
    t.equal(status, 2)
    t.match(stderr, message)
  }
})

t.test('lines of all commands are done in their order', async (t) => {
  const { status, stdout, flows } = await load(t, [
    ...lines(400),
    '# the first hundred get a mark',
    '-U -p udp --sport 1-100 -m 7',
    '',
    '-D -m 7',
    line(1),
    '-U -p udp --sport 1 -m 9',
  ])
  t.equal(status, 0)
  t.equal(flows.length, 301)
  t.match(flows.at(-1), { mark: 9 })
  t.equal(stdout.match(/\n/g)?.length, 201, 'what is changed is shown')
})

t.test('a line that is wrong is told with its place, and nothing is done, wherever it stands', async (t) => {
  for (const at of [0, 300, 999]) {
    const { status, stderr, flows } = await load(t, lines(1000).with(at, `${line(5)} --sport 70000`))
    t.equal(status, 2)
    t.match(stderr, new RegExp(`FILE:${at + 1}:\\d+: `))
    t.equal(flows.length, 0)
  }
  const { stderr, flows } = await load(t, [...lines(500), line(5).replace('--sport 5', '--sport 70000')])
  t.match(stderr, /FILE:501:\d+: invalid value `70000' for option `--sport'/)
  t.equal(flows.length, 0)
})

t.test('a line that differs by its protocol number alone is understood anew', async (t) => {
  const numbered = (number: number): string => `-A -p ${number} -s 192.0.2.1 -d 192.0.2.2 -t 60`
  const { status, stderr, flows } = await load(t, [numbered(253), numbered(6)])
  t.equal(status, 2)
  t.match(stderr, /FILE:2:\d+: You need to supply the `--state' option/)
  t.equal(flows.length, 0)
  t.equal((await load(t, [numbered(253), numbered(254)])).flows.length, 2)
})

t.test('a line that is refused ends it; in a file of usual length nothing behind it is done', async (t) => {
  const { status, stderr, flows } = await load(t, [...lines(100), line(50, '-I'), ...lines(200)])
  t.equal(status, 1)
  t.equal(stderr, 'v: FILE:101: Operation failed: Such conntrack exists, try -U to update\n')
  t.equal(flows.length, 100)
})

t.test('far down in a file, lines in the same message are done as well, which is told', async (t) => {
  const { status, stderr, flows } = await load(t, [...lines(1000), line(50, '-I'), ...lines(9000).slice(1000)])
  t.equal(status, 1)
  const [, behind, done] =
    /FILE:1001: Operation failed: .*\nv: (\d+) lines behind it were in the same message, and (\d+) of them were done\n/.exec(stderr) ?? []
  t.equal(behind, done)
  t.equal(flows.length, 1000 + Number(done))
  t.ok(flows.length < 3000, 'and no others')
})

t.test('--continue goes on, tells the first few and sums the rest', async (t) => {
  const { status, stderr, flows } = await load(
    t,
    [...lines(600), ...lines(600).map((_, i) => line(i + 1, '-I')), line(601)],
    ['--continue'],
  )
  t.equal(status, 1)
  t.equal(flows.length, 601)
  const told = stderr.trimEnd().split('\n')
  t.equal(told.length, 11)
  t.equal(told[0], 'v: FILE:601: Operation failed: Such conntrack exists, try -U to update')
  t.equal(told[10], 'v: 600 lines of 1201 were refused')
})

t.test('a full table is told with the line', async (t) => {
  const { status, stderr } = await load(
    t,
    lines(900).map((each) => `${each} -u SEEN_REPLY,ASSURED`),
    [],
    { maximum: 500 },
  )
  t.equal(status, 1)
  t.match(stderr, /^v: FILE:501: Operation failed: /)
})
