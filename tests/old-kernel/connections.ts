// Real connections, with those who watch what becomes of them.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { check, OURS, original, ours, timeless } from './checks.ts'
import type { Tracking } from './guest.ts'

/** Listed, shown, found, changed, told of and deleted. */
export async function connections(ct: Tracking): Promise<void> {
  const { flows } = ct
  const [told, toldOfOpen] = [
    collect(ct, {}),
    collect(ct, { events: ['update'], filter: { protocol: 'dccp', state: 'OPEN', role: 'client' } }),
  ]
  const programs = [OURS, ['conntrack']].map(([program, ...words]) => watcher(program, [...words, '-E', '-p', 'dccp', '-o', 'extended,id']))
  // Two sockets of this process, and one of each program.
  while (listeners() < 4) await setTimeout(20)

  const sockets = spawn('/usr/bin/python3', [fileURLToPath(new URL('sockets.py', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(sockets, 'exit')
  await Promise.race([once(sockets.stdout, 'data'), ended])

  await check('real connections of DCCP, SCTP and GRE are listed', () => areListed(ct))
  await check('the program shows them as the original does', () => {
    for (const words of [
      ['-L', '-o', 'extended,id'],
      ['-L', '-p', 'dccp', '--state', 'OPEN'],
      ['-L', '-p', 'sctp', '-f', 'ipv6', '--dport', '6001'],
      ['-L', '-p', 'gre'],
      ['-G', '-p', 'dccp', '-s', '127.0.0.1', '-d', '127.0.0.1', '--sport', '5002', '--dport', '5001'],
    ])
      assert.deepEqual(timeless(ours(...words)).map(agelessly), timeless(original(...words)).map(agelessly), words.join(' '))
  })
  await check('a state is changed, with the role that the kernel wants beside it', () => {
    ours('-U', '-p', 'dccp', '-f', 'ipv6', '--state', 'PARTOPEN')
    const states = [...flows.list({ protocol: 'dccp' })].map(
      (flow) => flow.protocol === 'dccp' && `${flow.family} ${flow.state} ${flow.role}`,
    )
    assert.deepEqual(new Set(states), new Set(['ipv4 OPEN client', 'ipv6 PARTOPEN client']))
  })
  await check('a connection that ends is seen to', async () => {
    sockets.stdin.write('close\n')
    await once(sockets.stdout, 'data')
    // The last packets go on after close(2) has returned.
    while ([...flows.list({ protocol: 'dccp', family: 'ipv4', state: 'TIMEWAIT' })].length === 0) await setTimeout(20)
    assert.equal(flows.delete({ protocol: 'dccp' }).deleted, 2)
  })
  sockets.stdin.end()
  await ended

  await check('a watch has told each step of a connection of DCCP, with its state and its role', async () => {
    while (told.filter((one) => one.startsWith('dccp ipv4 destroy')).length === 0) await setTimeout(20)
    assert.deepEqual(
      told.filter((one) => one.startsWith('dccp ipv4')),
      [
        'dccp ipv4 new REQUEST client',
        'dccp ipv4 update RESPOND client',
        'dccp ipv4 update PARTOPEN client',
        'dccp ipv4 update OPEN client',
        'dccp ipv4 update CLOSING client',
        'dccp ipv4 update TIMEWAIT client',
        // Of what has ended the kernel tells the state alone.
        'dccp ipv4 destroy TIMEWAIT',
      ],
    )
    for (const start of ['dccp ipv6 new', 'dccp ipv6 destroy', 'sctp ipv4 new', 'sctp ipv6 new', 'gre ipv4 new'])
      assert.ok(
        told.some((one) => one.startsWith(start)),
        start,
      )
  })
  await check('and one with conditions, those that they are about', () => {
    assert.deepEqual(new Set(toldOfOpen), new Set(['dccp ipv4 update OPEN client', 'dccp ipv6 update OPEN client']))
  })
  await check('-E has shown them as the original does', async () => {
    while (!programs.every(({ text }) => (text().match(/\[DESTROY\]/g)?.length ?? 0) === 2)) await setTimeout(20)
    const [shown, expected] = programs.map(({ text }) => text().replaceAll(/ progname=\S+/g, ''))
    assert.equal(shown, expected)
    assert.match(shown, /^ {4}\[NEW\] ipv4 {5}2 dccp {5}33 \d+ REQUEST src=127\.0\.0\.1 /)
    assert.match(shown, /^ \[UPDATE\] ipv6 {5}10 dccp {5}33 \d+ OPEN src=::1 /m)
  })
  for (const { end } of programs) await end()
}

type Watched = Parameters<Tracking['flows']['watch']>[0]

/** What a watch tells, for as long as this runs: protocol, family, type, state and role. */
function collect({ flows }: Tracking, options: Watched): string[] {
  const told: string[] = []
  const watch = flows.watch(options)
  void (async () => {
    for await (const event of watch) {
      if (!('flow' in event)) continue
      const { protocol, family, state, role } = event.flow as Partial<Record<'protocol' | 'family' | 'state' | 'role', string>>
      told.push([protocol, family, event.type, state, role].filter((one) => one !== undefined).join(' '))
    }
  })()
  return told
}

/** A program that shows events, until it is ended. */
function watcher(program: string, words: readonly string[]): { text: () => string; end: () => Promise<unknown> } {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'ignore'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more))
  return {
    text: () => text,
    end: () => {
      child.kill('SIGINT')
      return once(child, 'exit')
    },
  }
}

/** How many sockets listen to groups of netfilter: the fourth column. */
const listeners = (): number => readFileSync('/proc/net/netlink', 'utf8').match(/^\S+\s+12\s+\d+\s+0000000[1-9a-f]/gm)?.length ?? 0

/** Neighbours are asked for now and then, so that packets of the tunnel are counted meanwhile. */
function agelessly(line: string): string {
  return line
    .replaceAll(/(packets|bytes)=\d+ /g, '')
    .replace(/ 33 \d+ /, ' 33 ')
    .replace(/ (132|47|17) \d+ /, ' $1 ')
}

function areListed({ flows }: Tracking): void {
  for (const [family, address] of [
    ['ipv4', '127.0.0.1'],
    ['ipv6', '::1'],
  ] as const) {
    const tuple = (sourcePort: number, destinationPort: number, protocolNumber: number) => ({
      source: address,
      destination: address,
      protocolNumber,
      sourcePort,
      destinationPort,
    })
    const [connection] = flows.list({ protocol: 'dccp', family })
    assert.deepEqual(connection.original, tuple(5002, 5001, 33))
    assert.deepEqual(connection.reply, tuple(5001, 5002, 33))
    assert.ok(connection.protocol === 'dccp')
    assert.equal(connection.state, 'OPEN')
    assert.equal(connection.role, 'client')
    assert.ok((connection.handshakeSequence ?? 0n) > 0n)
    assert.deepEqual(connection.status, ['SEEN_REPLY', 'ASSURED', 'CONFIRMED'])
    assert.equal(connection.originalCounters?.packets, 3n, 'with the padding that this kernel sends before 64-bit numbers')
    const [association] = flows.list({ protocol: 'sctp', family })
    assert.deepEqual(association.original, tuple(6002, 6001, 132))
    assert.ok(association.protocol === 'sctp')
    assert.equal(association.state, 'ESTABLISHED')
    assert.ok(association.verificationTagOriginal !== association.verificationTagReply)
  }
  const [tunnel] = flows.list({ protocol: 'gre' })
  assert.ok(tunnel.protocol === 'gre')
  assert.deepEqual(tunnel.original, { source: '10.9.0.1', destination: '10.9.0.2', protocolNumber: 47, sourceKey: 0, destinationKey: 0 })
}
