import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { NLM_F_CREATE, NLM_F_EXCL } from '../../src/transport/message.ts'
import type { Namespace } from '../../src/transport/netns.ts'
import type { Request } from '../../src/transport/request.ts'
import { requests } from '../../src/transport/request.ts'
import { openSocket } from '../../src/transport/socket.ts'

// Other runtimes run this file at the same time, so the names and the flow carry the process's number.
const NAME = `conntrack-ts-${process.pid}`
const skip = process.getuid?.() === 0 ? false : 'making a network namespace takes root'

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')
const port = (process.pid & 0xffff).toString(16).padStart(4, '0')
const tuple = (type: string, source: string, destination: string, sourcePort: string, destinationPort: string): string =>
  `3400${type}80 14000180 08000100${source} 08000200${destination} ` +
  `1c000280 0500010011000000 06000200${sourcePort}0000 06000300${destinationPort}0000`
/** CTA_TUPLE_ORIG: UDP from 192.0.2.1, a port of this process's own, to 192.0.2.2:53. */
const original = tuple('01', 'c0000201', 'c0000202', port, '0035')
const reply = tuple('02', 'c0000202', 'c0000201', '0035', port)

const createFlow: Request = {
  command: 'IPCTNL_MSG_CT_NEW',
  type: 0x0100,
  flags: NLM_F_CREATE | NLM_F_EXCL,
  family: 2,
  body: hex(`${original} ${reply} 08000700 00000e10`), // CTA_TIMEOUT 3600 s
}
const getFlow: Request = { command: 'IPCTNL_MSG_CT_GET', type: 0x0101, flags: 0, family: 2, body: hex(original) }
const getStatistics: Request = { command: 'IPCTNL_MSG_CT_GET_STATS', type: 0x0105, flags: 0, family: 0 }

/** Asks in a namespace, the process's own if undefined, and gives the attributes of the one answer there is, if any. */
function ask(netns: Namespace | undefined, request: Request): Buffer | undefined {
  const conversations = requests(() => openSocket({ netns }))
  try {
    const replies = conversations.ask(request)
    let answer: Buffer | undefined
    while (replies.next()) answer = Buffer.from(replies.bytes.subarray(replies.at, replies.end))
    return answer
  } finally {
    conversations.close()
  }
}

/** CTA_STATS_GLOBAL_ENTRIES, the first attribute. */
const count = (netns?: Namespace): number | undefined => ask(netns, getStatistics)?.readUInt32BE(4)

const where = (): string[] => ['/proc/self/ns/net', '/proc/thread-self/ns/net'].map((link) => readlinkSync(link))
const home = where()

/** What the descriptors of this process stand for that are sockets or network namespaces. */
function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const link = readlinkSync(`/proc/self/fd/${fd}`)
      return /^(socket|net):/.test(link) ? [link] : []
    } catch {
      return [] // the one that lists them
    }
  })
}

t.test('a socket opened in a namespace sees its flows', { skip }, async (t) => {
  execFileSync('ip', ['netns', 'add', NAME])
  t.teardown(() => execFileSync('ip', ['netns', 'del', NAME]))
  const child = spawn('ip', ['netns', 'exec', NAME, 'sleep', '60'], { stdio: 'ignore' })
  t.teardown(() => child.kill())
  const pid = child.pid ?? 0
  await inAnother(pid)

  t.equal(count(NAME), 0, 'none at first')
  ask(NAME, createFlow)
  const path = `/run/netns/${NAME}`
  for (const netns of [NAME, path, pid, String(pid)]) {
    t.equal(count(netns), 1, `its count, by ${netns}`)
    t.equal(ask(netns, getFlow)?.readUInt16LE(2), 0x8001, 'the flow itself') // CTA_TUPLE_ORIG, nested
    t.strictSame(where(), home, 'and the process stays where it is')
  }
  t.throws(() => ask(undefined, getFlow), { code: 'ENOENT', command: 'IPCTNL_MSG_CT_GET' }, 'not there without the namespace')
  t.throws(() => ask(NAME, createFlow), { code: 'EEXIST', command: 'IPCTNL_MSG_CT_NEW' })
})

t.test('a namespace without a name is reached through a process that lives in it', { skip }, async (t) => {
  const child = spawn('unshare', ['-n', 'sleep', '60'], { stdio: 'ignore' })
  t.teardown(() => child.kill())
  const pid = child.pid ?? 0
  await inAnother(pid)
  ask(pid, createFlow)
  t.equal(count(pid), 1)
  t.throws(() => ask(process.pid, getFlow), { code: 'ENOENT' }, 'the flow is not in the namespace of another process')
  t.strictSame(where(), home)
})

t.test('a namespace that does not exist is ENOENT', { skip }, (t) => {
  t.throws(() => openSocket({ netns: `${NAME}-none` }), {
    code: 'ENOENT',
    command: 'open',
    message: `open: ENOENT: No such file or directory (there is no network namespace named ${NAME}-none; "ip netns list" lists them)`,
  })
  t.throws(() => openSocket({ netns: `/run/netns/${NAME}-none` }), { code: 'ENOENT', detail: /there is no network namespace at \/run/ })
  t.throws(() => openSocket({ netns: 0x7fffffff }), { code: 'ENOENT', detail: 'there is no process 2147483647' })
  t.strictSame(where(), home)
  t.end()
})

t.test('a path that is no network namespace is EINVAL', { skip }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'conntrack-ts-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'file')
  const pipe = join(folder, 'pipe')
  writeFileSync(file, '')
  execFileSync('mkfifo', [pipe])
  for (const path of [file, pipe, folder, '/proc/self/ns/uts']) {
    t.throws(() => openSocket({ netns: path }), { code: 'EINVAL', command: 'setns', detail: `${path} is not a network namespace` })
    t.strictSame(where(), home)
  }
  t.end()
})

t.test('opening sockets in a namespace, well or not, leaves no descriptor open', { skip }, (t) => {
  count(process.pid)
  const before = descriptors()
  for (let i = 0; i < 50; i++) {
    count(process.pid)
    t.throws(() => openSocket({ netns: '/proc/self/ns/uts' }))
    t.throws(() => openSocket({ netns: `${NAME}-none` }))
  }
  t.strictSame(descriptors(), before)
  t.end()
})

/** Waits until a process has left our namespace. */
async function inAnother(pid: number): Promise<void> {
  for (let tries = 0; tries < 500 && readlinkSync(`/proc/${pid}/ns/net`) === home[0]; tries++) await sleep(10)
}
