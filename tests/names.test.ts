// runtimes: node
// timeout: 120
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCli } from '@conntrack/cli'
import { openConntrack } from '@conntrack/core'
import { createKernel } from '@conntrack/core/testing'
import { udp } from '@conntrack/proto-udp'
import { tcp } from '@conntrack/proto-tcp'
import t from 'tap'
import { installed } from '../packages/cli/src/installed.ts'
import { kept } from '../packages/cli/test/program.ts'
import { environment, launcher, namespace, RUNTIMES, skipKernel as skip } from './support/program.ts'

/** What a process may call itself: fifteen bytes, of which the kernel looks at none. */
const EVIL = '\u001b[2J\n)"<&> [x]'

/** A process of that name, which asks the kernel for what it is given and stays until its input ends. */
const PROCESS = `
import socket, sys
open('/proc/self/comm', 'wb').write(bytes.fromhex(sys.argv[1]))
asked = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
asked.bind((0, 0))
asked.send(bytes.fromhex(sys.argv[2]))
asked.recv(4096)
print('done', flush=True)
sys.stdin.read()
`

/** IPCTNL_MSG_CT_NEW of a flow, as bytes. */
function creation(): Uint8Array {
  using ct = openConntrack({ protocols: [udp] })
  const original = { source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 1, destinationPort: 2 }
  const { attributes } = ct.flows.prepare({ protocol: 'udp', original, timeout: 60 })
  const bytes = new Uint8Array(20 + attributes.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, bytes.length, true)
  view.setUint16(4, 0x0100, true)
  view.setUint16(6, 0x0605, true) // REQUEST, ACK, EXCL, CREATE
  view.setUint32(8, 1, true)
  bytes[16] = 2
  bytes.set(attributes, 20)
  return bytes
}

/** Control characters but for line ends, which lines have. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f]|\r(?!\n)/

t.test('a program that calls itself what it likes commands no terminal, and every format stays what it is', { skip }, async (t) => {
  const netns = namespace(t, 'names')
  const watching = Object.keys(RUNTIMES).flatMap((runtime) =>
    (runtime === 'bun' ? ['line', 'json', 'xml', 'csv', 'save'] : ['line']).map((format) => ({ runtime, format })),
  )
  const programs = watching.map(({ runtime, format }) => {
    const words = ['netns', 'exec', netns, launcher, '-E', '--count', '1', ...(format === 'line' ? [] : ['-o', format])]
    const child = spawn('ip', words, { env: environment(runtime), cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more))
    return { runtime, format, ended: once(child, 'close').then(() => text) }
  })
  const listeners = (): number =>
    spawnSync('ip', ['netns', 'exec', netns, 'cat', '/proc/net/netlink'], { encoding: 'utf8' }).stdout.match(
      /^\S+\s+12\s+\d+\s+0000000[1-9a-f]/gm,
    )?.length ?? 0
  while (listeners() < programs.length) await new Promise((resolve) => setTimeout(resolve, 50))
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
  const evil = spawn('ip', ['netns', 'exec', netns, 'python3', '-Ic', PROCESS, hex(Buffer.from(EVIL)), hex(creation())], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => evil.stdin.end())
  await once(evil.stdout, 'data')
  for (const { runtime, format, ended } of programs) {
    const text = await ended
    const what = `${runtime} ${format}: ${JSON.stringify(text)}`
    t.notMatch(text, CONTROL, what)
    if (format === 'line' || format === 'save') {
      t.match(text, ' [USERSPACE] portid=', what)
      // Deno lets programs look into /proc with --allow-all alone, which ours are not given.
      if (runtime !== 'deno') t.ok(text.endsWith(' progname=\\u001b[2J\\u000a)"<&> [x]\n'), what)
      t.equal(text.split('\n').length, 2, 'one line')
    }
    if (format === 'json') t.match(JSON.parse(text), { type: 'new', program: EVIL })
    if (format === 'csv') t.equal(text.trim().split('\r\n').length, 2)
    if (format === 'xml') t.equal(spawnSync('xmllint', ['--noout', '-'], { input: text, encoding: 'utf8' }).stderr, '', what)
  }
})

t.test('a helper may have any name, and is shown by every format, saved and restored', async (t) => {
  const names = ['a b', 'say "hello"', 'back\\slash', '#x', "it's", ' ', '<&>', '-x', 'é𝄞', '--state CLOSE']
  const helpers = names.map((name) => ({ name, protocol: 'tcp', expects: 1 }))
  const { socket } = createKernel({ protocols: installed.protocols, helpers })
  const cli = createCli({ ...installed, open: () => openConntrack({ protocols: installed.protocols, socket }) })
  const run = async (...words: string[]): Promise<string> => {
    const { io, stdout, stderr } = kept()
    const status = await cli(words, io)
    t.equal(status, 0, `${words.join(' ')}: ${stderr()}`)
    return stdout()
  }
  using ct = openConntrack({ protocols: [tcp], socket })
  const original = { source: '10.0.0.1', destination: '10.0.0.2', destinationPort: 2 }
  for (const [i, name] of names.entries())
    ct.flows.create({ protocol: 'tcp', original: { ...original, sourcePort: i }, timeout: 60, state: 'CLOSE', helper: { name } })
  const found = (): (string | undefined)[] => [...ct.flows.list()].map(({ helper }) => helper?.name)
  t.strictSame(found(), names)
  for (const name of names) t.match(await run('-L', '--helper', name), 'helper=', name)
  const file = join(t.testdir({}), 'saved')
  writeFileSync(file, await run('-L', '-o', 'save'))
  await run('-F')
  await run('-R', file)
  t.strictSame(found(), names, 'all are restored')
  t.equal(spawnSync('xmllint', ['--noout', '-'], { input: await run('-L', '-o', 'xml'), encoding: 'utf8' }).stderr, '')
})
