import t from 'tap'
import { MalformedMessageError, NetlinkError } from '../../src/errors.ts'
import { Connection, nextSequence } from '../../src/transport/connection.ts'
import { Conversation } from '../../src/transport/conversation.ts'
import {
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_EXCL,
  NLM_F_MULTI,
  NLM_F_REQUEST,
} from '../../src/transport/message.ts'
import type { Replies, Request } from '../../src/transport/request.ts'
import { requests } from '../../src/transport/request.ts'
import type { Datagrams, ScriptedRequest } from '../scripted-kernel.ts'
import { ack, control, datagram, done, error, message, scriptedKernel } from '../scripted-kernel.ts'

const NEW = 0x0100
const GET = 0x0101
const list: Request = { command: 'IPCTNL_MSG_CT_GET', type: GET, flags: NLM_F_DUMP, family: 0 }
const create: Request = { command: 'IPCTNL_MSG_CT_NEW', type: NEW, flags: NLM_F_CREATE | NLM_F_EXCL, family: 2 }

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const body = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex')
const flow = ({ sequence }: { sequence: number }, text: string = '', flags: number = NLM_F_MULTI): Uint8Array =>
  message({ type: NEW, sequence, flags, body: body(text) })

/** The bodies of all the messages, as hex. */
function bodies(replies: Replies): string[] {
  const all: string[] = []
  while (replies.next()) all.push(hex(replies.bytes.subarray(replies.at, replies.end)))
  return all
}

/** Asks a kernel of this one answer. */
function ask(request: Request, answer: (request: ScriptedRequest) => Datagrams): Replies {
  return requests(scriptedKernel(answer)).ask(request)
}

t.test('a request is nlmsghdr, nfgenmsg and the attributes', (t) => {
  let sent = ''
  const kernel = scriptedKernel(({ bytes, sequence }) => {
    sent = hex(bytes)
    return [ack(sequence)]
  })
  const conversations = requests(kernel)
  conversations.ask({ ...create, version: 1, resource: 0x0102, body: body('08000300 0000000a') }).next()
  t.equal(
    sent,
    [
      '1c000000', // nlmsg_len 28
      '0001', // NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW
      '0506', // NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL
      '01000000', // nlmsg_seq 1
      '00000000', // nlmsg_pid
      '02', // AF_INET
      '01', // version 1
      '0102', // res_id, big-endian
      '080003000000000a',
    ].join(''),
  )
  conversations.ask(create).next()
  t.match(sent, /^14000000000105060200000000000000/, 'the next request of a socket has the next sequence number')
  conversations.ask({ ...create, body: new Uint8Array(5000) }).next()
  t.equal(sent.length, 2 * 5020, 'a long request fits')
  t.end()
})

t.test('every request asks for an acknowledgement, a dump too, in case the kernel does not dump that message', (t) => {
  const flags: number[] = []
  const conversations = requests(
    scriptedKernel((request) => {
      flags.push(request.flags)
      return [done(request.sequence)]
    }),
  )
  for (const asked of [NLM_F_DUMP, 0, NLM_F_EXCL]) conversations.ask({ ...list, flags: asked }).next()
  t.strictSame(
    flags,
    [NLM_F_DUMP, 0, NLM_F_EXCL].map((asked) => asked | NLM_F_REQUEST | NLM_F_ACK),
  )
  t.end()
})

t.test('next() goes through the messages of a dump until DONE', (t) => {
  const replies = ask(list, (r) => [datagram(flow(r, '08000100 11111111'), flow(r, '08000100 22222222')), flow(r), done(r.sequence)])
  t.strictSame(bodies(replies), ['0800010011111111', '0800010022222222', ''])
  t.equal(replies.interrupted, false)
  t.equal(replies.next(), false, 'and stays at the end')
  t.end()
})

t.test('DONE may come in the datagram of the last messages', (t) => {
  t.strictSame(bodies(ask(list, (r) => [datagram(flow(r, 'aabbccdd'), done(r.sequence))])), ['aabbccdd'])
  t.end()
})

t.test('what is no dump ends with its acknowledgement', (t) => {
  t.strictSame(bodies(ask(create, ({ sequence }) => [ack(sequence)])), [])
  t.strictSame(bodies(ask({ ...list, flags: 0 }, (r) => [flow(r, 'aabbccdd', 0), ack(r.sequence)])), ['aabbccdd'])
  t.end()
})

t.test('the view shows the fields of nlmsghdr and nfgenmsg', (t) => {
  const replies = ask(list, ({ sequence }) => [
    message({ type: 0x0104, sequence, flags: 0x1002, family: 10, version: 3, resource: 0xfe01, body: body('aabbccdd') }),
  ])
  t.ok(replies.next())
  const { type, flags, family, version, resource, portId, at, end } = replies
  t.strictSame({ type, flags, family, version, resource }, { type: 0x0104, flags: 0x1002, family: 10, version: 3, resource: 0xfe01 })
  t.strictSame({ portId, at, end }, { portId: 0, at: 20, end: 24 })
  t.end()
})

t.test('numbers keep their highest bit', (t) => {
  const bytes = message({ type: 0xffff, sequence: 1, flags: 0xffef, resource: 0xffff, version: 255, family: 255 })
  bytes.set([0xff, 0xff, 0xff, 0xff], 12) // nlmsg_pid
  const replies = ask(list, () => [bytes])
  t.ok(replies.next())
  const { type, flags, family, version, resource, portId } = replies
  t.strictSame(
    { type, flags, family, version, resource, portId },
    { type: 0xffff, flags: 0xffef, family: 255, version: 255, resource: 0xffff, portId: 0xffffffff },
  )
  t.end()
})

t.test('the last message of a datagram may be unaligned', (t) => {
  t.strictSame(bodies(ask(list, (r) => [datagram(flow(r, 'aabbccdd'), flow(r, 'eeff01')), datagram(flow(r, '99'), done(r.sequence))])), [
    'aabbccdd',
    'eeff01',
    '99',
  ])
  t.end()
})

t.test('NOOP, other messages of netlink itself, and answers to others are skipped', (t) => {
  const answer = ({ sequence }: ScriptedRequest): Datagrams => {
    const other = { sequence: sequence + 7 }
    return [
      datagram(control(1, 0, sequence), control(9, 0, sequence), flow(other, '11'), error(other.sequence, 2)),
      datagram(done(other.sequence), flow(other, '22', NLM_F_DUMP_INTR), flow({ sequence }, 'aa')),
      done(sequence),
    ]
  }
  const replies = ask(list, answer)
  t.strictSame(bodies(replies), ['aa'])
  t.equal(replies.interrupted, false, 'not even their flags matter')
  t.end()
})

t.test('an error of the kernel is a NetlinkError', (t) => {
  const replies = ask(create, ({ sequence }) => [error(sequence, 17)])
  t.throws(() => replies.next(), {
    name: 'NetlinkError',
    message: 'IPCTNL_MSG_CT_NEW: EEXIST: File exists',
    code: 'EEXIST',
    errno: 17,
    command: 'IPCTNL_MSG_CT_NEW',
    detail: undefined,
    offset: undefined,
  })
  t.equal(replies.next(), false, 'and the conversation is over')
  t.end()
})

t.test("the kernel's explanation is part of the error", (t) => {
  const explanation = { detail: 'Filter is invalid', offset: 24 }
  const expected = { message: 'IPCTNL_MSG_CT_GET: EINVAL: Invalid argument (Filter is invalid)', ...explanation, errno: 22 }
  t.throws(() => ask(list, ({ sequence }) => [error(sequence, 22, explanation)]).next(), expected, 'in an error that repeats a header')
  const whole = (r: ScriptedRequest): Datagrams => [error(r.sequence, 22, { ...explanation, request: r.bytes })]
  t.throws(() => ask({ ...list, body: body('08000300 0000000a') }, whole).next(), expected, 'in an error that repeats the request')
  t.throws(() => ask({ ...list, body: body('05000300 0a') }, whole).next(), expected, 'also one of odd length')
  t.throws(() => ask(list, ({ sequence }) => [done(sequence, 22, explanation)]).next(), expected, 'in the DONE of a dump')
  t.end()
})

t.test('an explanation that does not parse is left out', (t) => {
  for (const attributes of ['', '0000 0100', '0300 0100', 'ff00 0100 41424300', '0400', '0600 0200 0100']) {
    // NLM_F_CAPPED | NLM_F_ACK_TLVS
    const bytes = (sequence: number): Uint8Array =>
      control(2, 0x300, sequence, new Uint8Array(Int32Array.of(-22).buffer), new Uint8Array(16), body(attributes))
    t.throws(
      () => ask(list, ({ sequence }) => [bytes(sequence)]).next(),
      { code: 'EINVAL', detail: undefined, offset: undefined },
      attributes,
    )
  }
  const short = (r: ScriptedRequest): Datagrams => [control(2, 0x200, r.sequence, new Uint8Array(Int32Array.of(-22).buffer))]
  t.throws(() => ask(list, short).next(), { code: 'EINVAL', detail: undefined })
  for (const length of [21, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff]) {
    const repeated = new Uint8Array(Uint32Array.of(length, 0, 0, 0).buffer)
    const long = (r: ScriptedRequest): Datagrams => [control(2, 0x200, r.sequence, new Uint8Array(Int32Array.of(-22).buffer), repeated)]
    t.throws(() => ask(list, long).next(), { code: 'EINVAL', detail: undefined }, `a request of ${length} bytes is repeated, it says`)
  }
  t.end()
})

t.test('a dump can fail at its end, and in its middle', (t) => {
  const atEnd = ask(list, (r) => [flow(r, 'aa'), done(r.sequence, 12)])
  t.ok(atEnd.next())
  t.throws(() => atEnd.next(), { code: 'ENOMEM' })
  const inMiddle = ask(list, (r) => [datagram(flow(r, 'aa'), error(r.sequence, 2)), flow(r, 'bb')])
  t.ok(inMiddle.next())
  t.throws(() => inMiddle.next(), { code: 'ENOENT' })
  t.end()
})

t.test('a dump that was interrupted goes on to its end and says so', (t) => {
  const replies = ask(list, (r) => [flow(r, 'aa'), flow(r, 'bb', NLM_F_MULTI | NLM_F_DUMP_INTR), flow(r, 'cc'), done(r.sequence)])
  t.ok(replies.next())
  t.equal(replies.interrupted, false)
  t.strictSame(bodies(replies), ['bb', 'cc'])
  t.equal(replies.interrupted, true)
  const atEnd = ask(list, ({ sequence }) => [done(sequence, 0, { flags: NLM_F_DUMP_INTR })])
  t.equal(atEnd.next(), false)
  t.equal(atEnd.interrupted, true, 'DONE can say it too')
  t.end()
})

t.test('lost messages are ENOBUFS, and the socket is given up', (t) => {
  for (const lost of [() => control(4, 0, 0), () => new NetlinkError('recvfrom', 105)]) {
    const kernel = scriptedKernel((r) => [flow(r, 'aa'), lost(), flow(r, 'bb')])
    const replies = requests(kernel).ask(list)
    t.ok(replies.next())
    t.throws(() => replies.next(), { code: 'ENOBUFS' })
    t.equal(replies.next(), false)
    t.equal(kernel.sockets[0].closed, true)
  }
  t.end()
})

t.test('a header that lies is a MalformedMessageError, and the socket is given up', (t) => {
  const lengthened = (bytes: Uint8Array, by: number): Uint8Array => {
    const copy = bytes.slice()
    copy[0] += by
    return copy
  }
  const cases: [string, (r: ScriptedRequest) => Uint8Array, number][] = [
    ['longer than the datagram', (r) => lengthened(flow(r, 'aabbccdd'), 4), 0],
    ['longer by a byte', (r) => datagram(flow(r, 'aabbccdd'), lengthened(flow(r, 'aabbccdd'), 1)), 24],
    ['of length 0', () => new Uint8Array(16), 0],
    ['of length 15', (r) => lengthened(flow(r), -5), 0],
    ['of length 0xffffffff', () => new Uint8Array(16).fill(0xff), 0],
    ['cut within nlmsghdr', (r) => datagram(flow(r), flow(r).subarray(0, 15)), 20],
    ['cut within nfgenmsg', (r) => control(NEW, 0, r.sequence), 0],
    ['cut to 3 bytes', (r) => datagram(flow(r), Uint8Array.of(16, 0, 0)), 20],
  ]
  for (const [name, bytes, offset] of cases) {
    const kernel = scriptedKernel((r) => [bytes(r), done(r.sequence)])
    const replies = requests(kernel).ask(list)
    if (offset > 0) t.ok(replies.next())
    t.throws(() => replies.next(), { name: 'MalformedMessageError', offset }, name)
    t.equal(replies.next(), false)
    t.equal(kernel.sockets[0].closed, true)
  }
  t.ok(new MalformedMessageError('a message', 3) instanceof Error)
  t.end()
})

t.test('a DONE too short to hold a number is an end like any other', (t) => {
  t.equal(ask(list, ({ sequence }) => [control(3, 0, sequence)]).next(), false)
  t.end()
})

t.test('a request while a cursor is open goes over another socket', (t) => {
  const kernel = scriptedKernel((r) => [flow(r, `0${r.socket}`), flow(r, `1${r.socket}`), done(r.sequence)])
  const conversations = requests(kernel)
  const first = conversations.ask(list)
  t.ok(first.next())
  t.strictSame(bodies(conversations.ask(list)), ['01', '11'])
  t.equal(kernel.sockets.length, 2)
  t.strictSame(bodies(conversations.ask(list)), ['01', '11'], 'a socket is used again once its conversation is over')
  t.strictSame(bodies(first), ['10'], 'and the first goes on undisturbed')
  t.equal(kernel.sockets.length, 2)
  t.end()
})

t.test('a socket is used again after an error of the kernel', (t) => {
  const kernel = scriptedKernel(({ sequence }) => [error(sequence, 2)])
  const conversations = requests(kernel)
  for (let i = 0; i < 3; i++) t.throws(() => conversations.ask(create).next(), { code: 'ENOENT' })
  t.equal(kernel.sockets.length, 1)
  t.end()
})

t.test('two sockets at most stay open when idle', (t) => {
  const kernel = scriptedKernel(({ sequence }) => [done(sequence)])
  const conversations = requests(kernel)
  const open = Array.from({ length: 5 }, () => conversations.ask(list))
  for (const replies of open) replies.next()
  t.equal(kernel.sockets.filter(({ closed }) => !closed).length, 2)
  t.end()
})

t.test('close() of an unfinished cursor closes its socket', (t) => {
  let made = 0
  const kernel = scriptedKernel(function* (r) {
    for (;;) {
      made++
      yield flow(r, 'aa')
    }
  })
  const conversations = requests(kernel)
  const replies = conversations.ask(list)
  t.ok(replies.next())
  replies.close()
  replies.close()
  t.equal(made, 1, 'without reading on')
  t.equal(replies.next(), false)
  t.equal(kernel.sockets[0].closed, true)
  const next = conversations.ask(list)
  t.ok(next.next())
  t.equal(kernel.sockets.length, 2)
  t.end()
})

t.test('close() of a finished cursor leaves its socket to others', (t) => {
  const kernel = scriptedKernel(({ sequence }) => [done(sequence)])
  const conversations = requests(kernel)
  const replies = conversations.ask(list)
  t.equal(replies.next(), false)
  replies.close()
  t.equal(kernel.sockets[0].closed, false)
  t.end()
})

t.test('close() closes every socket, under open cursors too', (t) => {
  const kernel = scriptedKernel((r) => [flow(r, 'aa'), done(r.sequence)])
  const conversations = requests(kernel)
  const open = conversations.ask(list)
  t.ok(open.next())
  bodies(conversations.ask(list))
  conversations.close()
  conversations.close()
  t.strictSame(
    kernel.sockets.map(({ closed }) => closed),
    [true, true],
  )
  t.throws(() => open.next(), /closed/)
  t.throws(() => conversations.ask(list), /closed/)
  t.equal(kernel.sockets.length, 2)
  t.end()
})

t.test('a request that cannot be sent closes its socket', (t) => {
  let refuse = true
  const kernel = scriptedKernel(({ sequence }) => {
    if (refuse) throw new NetlinkError('send', 105)
    return [done(sequence)]
  })
  const conversations = requests(kernel)
  t.throws(() => conversations.ask(list), { code: 'ENOBUFS', command: 'send' })
  t.equal(kernel.sockets[0].closed, true)
  refuse = false
  t.equal(conversations.ask(list).next(), false)
  t.end()
})

t.test('a socket that cannot be opened leaves nothing behind', (t) => {
  const conversations = requests(() => {
    throw new NetlinkError('socket', 24)
  })
  t.throws(() => conversations.ask(list), { code: 'EMFILE' })
  conversations.close()
  t.end()
})

t.test('sequence numbers are u32 and never 0', (t) => {
  t.equal(nextSequence(0), 1)
  t.equal(nextSequence(0x7fffffff), 0x80000000)
  t.equal(nextSequence(0xffffffff), 1)
  t.end()
})

t.test('answers to a sequence number of 2^31 and more are recognised', (t) => {
  const kernel = scriptedKernel((r) => [flow(r, 'aa'), done(r.sequence)])
  const connection = new Connection(kernel())
  connection.sequence = 0xfffffffd
  for (const expected of [0xfffffffe, 0xffffffff, 1]) {
    connection.send(list)
    t.equal(connection.sequence, expected)
    t.strictSame(bodies(new Conversation(connection, list.command, () => {})), ['aa'])
  }
  t.end()
})
