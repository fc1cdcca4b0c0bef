// runtimes: bun
// timeout: 240
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createCli } from '@conntrack/cli'
import { openConntrack } from '@conntrack/core'
import { installed } from '../packages/cli/src/installed.ts'
import { namespace, needsRoot } from './support/namespace.ts'

// One flow of each protocol, of one that nobody knows, and of one as a kernel has it that does not track it.
const FLOWS = [
  '-p tcp --sport 1 --dport 2 --state TIME_WAIT',
  '-p udp --sport 3 --dport 4',
  '-p udplite --sport 5 --dport 6',
  '-p icmp --icmp-type 8 --icmp-code 0 --icmp-id 7',
  '-p sctp --sport 9 --dport 10 --state HEARTBEAT_SENT --orig-vtag 11 --reply-vtag 12',
  '-p gre --srckey 0x13 --dstkey 0x14',
  '-p 253',
  '-p unknown:33',
].map((words) => `-s 192.0.2.1 -d 192.0.2.2 -t 30000 -m 5 -u SEEN_REPLY,ASSURED ${words}`)
const FLOW6 = '-p icmpv6 -s fd00::1 -d fd00::2 -t 30000 -m 5 -u SEEN_REPLY,ASSURED --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 15'
const COUNT = FLOWS.length + 1
const TRAFFIC = fileURLToPath(new URL('parity/traffic.py', import.meta.url))

/** The program with the protocols for which `isInstalled` holds, in a namespace: the lines that it writes. */
function program(netns: string, isInstalled: (name: string) => boolean): (...words: string[]) => Promise<string[]> {
  const protocols = installed.protocols.filter(({ name }) => isInstalled(name))
  const cli = createCli({ ...installed, protocols, open: (options) => openConntrack({ ...options, netns }) })
  return async (...words) => {
    let text = ''
    let errors = ''
    const io = { out: (bytes: Uint8Array) => void (text += new TextDecoder().decode(bytes)), err: (line: string) => void (errors += line) }
    const status = await cli(words, io)
    if (status !== 0) throw new Error(`${words.join(' ')}: ${errors}`)
    return text.split('\n').filter(Boolean)
  }
}

/** Lines in order, without what depends on the clock. */
const timeless = (lines: readonly string[]): string[] =>
  lines
    .map((line) =>
      line
        .replace(/ 29\d\d\d /, ' ')
        .replace(/^-A -t \d+/, '-A')
        .replace(/^(\w+ +\d+) \d+ /, '$1 ')
        .replace(/ (use|delta-time)=\d+/g, ''),
    )
    .toSorted()

t.test('to install a protocol adds names, and to do without loses nothing', { skip: needsRoot }, async (t) => {
  using where = namespace()
  const all = program(where.name, () => true)
  for (const flow of [...FLOWS, FLOW6]) await all('-I', ...flow.split(' '))
  const known = timeless(await all('-L'))
  t.equal(known.length, COUNT)
  for (const { name, number } of installed.protocols.filter((one) => one.name !== 'dccp')) {
    const without = program(where.name, (one) => one !== name)
    const own = new RegExp(`^${name} +${number} `)
    const listed = timeless(await without('-L'))
    t.strictSame(
      listed.filter((line) => !line.startsWith('unknown')),
      known.filter((line) => !own.test(line) && !line.startsWith('unknown')),
      `without ${name}, the others are as they were`,
    )
    t.equal(
      listed.filter((line) => new RegExp(`^unknown +${number} src=\\S+ dst=\\S+ src=`).test(line)).length,
      1,
      'and it is shown by number',
    )
    t.equal((await without('-L', '-p', String(number), '-m', '5')).length, 1, 'and filtered by it')

    const saved = await without('-L', '-o', 'save')
    for (const restore of [without, all]) {
      t.equal((await restore('-D', '-p', String(number))).length, 1)
      const line = saved.find((one) => one.includes(` -p unknown:${number} `))
      await restore(...(line ?? '').split(' '))
      t.strictSame(timeless(await all('-L')), known, `${name} is restored ${restore === all ? 'with' : 'without'} the plugin`)
    }
  }
  t.ok((await all('-L', '-o', 'save')).some((line) => line.endsWith(' -p unknown:33')))
})

t.test(
  'with TCP alone, real traffic of every other protocol is shown, filtered, changed, saved, restored and deleted',
  { skip: needsRoot },
  async (t) => {
    using where = namespace()
    const traffic = spawn('ip', ['netns', 'exec', where.name, 'python3', '-I', TRAFFIC], { stdio: ['pipe', 'pipe', 'inherit'] })
    t.teardown(() => traffic.stdin.end())
    await once(traffic.stdout, 'data')
    const [all, alone] = [program(where.name, () => true), program(where.name, (name) => name === 'tcp')]
    const counted = async (run: typeof all, ...words: string[]): Promise<number> => (await run('-L', ...words)).length
    // This kernel has nothing of DCCP.
    const others = installed.protocols.filter(({ name }) => name !== 'tcp' && name !== 'dccp')
    const saved = timeless(await all('-L', '-o', 'save'))
    for (const { name, number } of others) {
      const named = await all('-L', '-p', name)
      const numbered = timeless(named).map((line) =>
        line
          .replace(new RegExp(`^${name} +`), 'unknown  ')
          .replaceAll(/ [A-Z_]+(?= src=)| (sport|dport|srckey|dstkey|type|code|id)=\S+/g, ''),
      )
      t.ok(numbered.length > 0, `${name}: ${numbered.length} flows`)
      t.strictSame(timeless(await alone('-L', '-p', String(number))), numbered.toSorted(), `${name} is ${number}`)
      for (const words of [
        ['-s', '10.9.0.0/24'],
        ['-m', '0'],
        ['-u', 'UNREPLIED'],
        ['-w', '0'],
      ])
        t.equal(await counted(alone, '-p', String(number), ...words), await counted(all, '-p', name, ...words), words.join(' '))
      for (const format of ['json', 'csv', 'xml', 'table'])
        t.ok(
          (await alone('-L', '-p', String(number), '-o', format)).some((line) => /10\.9\.0\.|fd00:9::/.test(line)),
          format,
        )
    }
    t.strictSame(timeless(await alone('-L', '-p', 'tcp')), timeless(await all('-L', '-p', 'tcp')))

    const file = join(t.testdir({}), 'saved')
    writeFileSync(file, `${(await alone('-L', '-o', 'save')).join('\n')}\n`)
    await alone('-F')
    await alone('-R', file)
    t.strictSame(timeless(await all('-L', '-o', 'save')), saved, 'all is there again, under its names and translated too')
    for (const { name, number } of others) {
      t.equal((await alone('-U', '-p', String(number), '-m', '77')).length, await counted(all, '-p', name, '-m', '77'), `${name}: changed`)
      const before = await counted(all)
      const count = (await alone('-D', '-p', String(number))).length
      t.equal(await counted(all, '-p', name), 0, `${name}: ${count} deleted`)
      t.equal(await counted(all), before - count, 'and nothing else')
    }
  },
)
