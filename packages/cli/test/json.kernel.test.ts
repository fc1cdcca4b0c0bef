import t from 'tap'
import { isDeepStrictEqual } from 'node:util'
import { openConntrack } from '@conntrack/core'
import { jsonReader } from '@conntrack/formatters'
import { namespace, skipKernel } from '../../core/test/real-kernel.ts'
import { invalid } from '../../formatters/test/valid-json.ts'
import { createCli } from '../src/index.ts'
import { installed } from '../src/installed.ts'
import { kept, words } from './program.ts'

const conntrack = createCli(installed)
const { protocols } = installed

const FOUR = '-s 10.0.0.1 -d 10.0.0.2 -t 3000'
const SIX = '-s fd00::1 -d fd00::2 -t 3000'
const PORTS = '--sport 1000 --dport 80'

/** A flow of every protocol that this kernel tracks, and of one that is not installed. */
const FLOWS = [
  `${FOUR} -p tcp ${PORTS} --state ESTABLISHED -u SEEN_REPLY,ASSURED -m 7 -w 12`,
  `${FOUR} -p tcp ${PORTS} --state SYN_SENT -n 192.0.2.1:99 -g 192.0.2.2`,
  `${SIX} -p udp ${PORTS} --orig-zone 5`,
  `${FOUR} -p udplite ${PORTS}`,
  `${FOUR} -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 65535`,
  `${SIX} -p icmpv6 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 77`,
  `${FOUR} -p sctp ${PORTS} --state COOKIE_WAIT --orig-vtag 1 --reply-vtag 4294967295`,
  `${FOUR} -p gre --srckey 0 --dstkey 0xabc`,
  `${SIX} -p 253`,
  `${FOUR} -p tcp --sport 40021 --dport 21 --state ESTABLISHED --helper ftp`,
]
const EXPECTATION =
  `${FOUR} -p tcp --sport 40021 --dport 21 --tuple-src 10.0.0.1 --tuple-dst 10.0.0.2 --tuple-port-src 0 --tuple-port-dst 50001 ` +
  '--mask-src 255.255.255.255 --mask-dst 255.255.255.255 --mask-port-src 0 --mask-port-dst 65535'

t.test('with -o json, every command writes lines that the published schema describes', { skip: skipKernel }, async (t) => {
  const netns = namespace(t)
  const run = async (line: string, status: number, count?: number): Promise<unknown[]> => {
    const { io, stdout, stderr } = kept()
    t.equal(await conntrack([...words(line), '-o', 'json', '--netns', netns], io), status, line)
    const lines = `${stdout()}${status === 0 ? '' : stderr()}`.split('\n').filter((one) => one.startsWith('{'))
    if (count !== undefined) t.equal(lines.length, count, `${line}: ${stdout()}${stderr()}`)
    for (const one of lines) t.equal(invalid(one), undefined)
    return lines.map((one) => JSON.parse(one) as unknown)
  }

  for (const flow of FLOWS) await run(`-I ${flow}`, 0, 1)
  await run(`-A ${FLOWS[3] ?? ''}`, 0, 1)
  await run(`-I expect ${EXPECTATION}`, 0, 1)

  await run('-L', 0, FLOWS.length)
  await run('-L expect', 0, 1)
  await run('-L dying', 0, 0)
  await run(`-G -p tcp -s 10.0.0.1 -d 10.0.0.2 ${PORTS} -w 12`, 0, 1)
  await run('-U -p udp -m 9', 0, 1)
  t.strictSame(await run('-C', 0), [{ version: 1, count: FLOWS.length }])
  t.strictSame(await run('-C expect', 0), [{ version: 1, count: 1 }])
  t.match(await run('-S', 0), [{ version: 1, cpu: 0 }])
  t.match(await run('-S expect', 0), [{ version: 1, cpu: 0 }])
  await run('-D -p gre', 0, 1)

  t.match(await run('-G -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1 --dport 2', 1, 1), [{ error: { code: 'ENOENT', status: 1 } }])
  t.match(await run(`-I ${FLOWS[3] ?? ''}`, 1, 1), [{ error: { code: 'EEXIST', status: 1 } }])
  t.match(await run('-L -s foo', 2, 1), [{ error: { message: /`foo' for option `-s'/, code: 'USAGE', status: 2 } }])
  t.match(await run('-L -X', 2, 1), [{ error: { message: "unknown option `-X'", code: 'USAGE', status: 2 } }])
  t.match(await run('-L -D', 2, 1), [{ error: { code: 'USAGE' } }])

  await run('-F expect', 0, 0)
  await run('-F', 0, 0)
})

t.test('the JSON of what a kernel lists is the object of the SDK', { skip: skipKernel }, async (t) => {
  const netns = namespace(t)
  for (const flow of FLOWS) t.equal(await conntrack(['-I', ...words(flow), '--netns', netns], kept().io), 0, flow)
  const { io, stdout } = kept()
  await conntrack(['-L', '-o', 'json', '--netns', netns], io)
  const read = jsonReader(protocols)
  using ct = openConntrack({ protocols, netns })
  // Seconds may pass between the two.
  const still = (flow: unknown): object => ({ ...(flow as object), timeout: 3000 })
  const listed = [...ct.flows.list()].map((flow) => ({ version: 1, ...still(flow) }))
  const written = stdout()
    .trimEnd()
    .split('\n')
    .map((line) => still(read(line)))
  t.equal(written.length, FLOWS.length)
  for (const flow of listed) t.ok(written.some((one) => isDeepStrictEqual(one, flow)))
})
