import type { Test } from 'tap'
import { openConntrack } from '../src/conntrack.ts'
import { NetlinkError } from '../src/errors.ts'
import type { Protocol } from '../src/tables/protocol.ts'
import { createKernel } from '../src/testing/index.ts'
import { namespace, skipKernel as skip } from './real-kernel.ts'

type Fields = Readonly<Record<string, unknown>>

/** What differs from protocol to protocol. */
export interface KernelConformance {
  /** The protocol's part of the tuple in the original direction, and in the reply direction. */
  readonly layer4: readonly [original: Fields, reply: Fields]
  /** The protocol's own fields of a new flow. */
  readonly fields?: Fields
  /** A change of them. */
  readonly change?: Fields
  /** IPPROTO_*, where it is not the one of the protocol. */
  readonly number?: number
  /** IPv4 and IPv6, if absent. */
  readonly families?: readonly ('ipv4' | 'ipv6')[]
}

const ADDRESSES = {
  ipv4: ['192.0.2.1', '198.51.100.2'],
  ipv6: ['2001:db8::1', '2001:db8:ffff::2'],
} as const

/** The SDK's flows, loosely: the same calls for every protocol. */
interface AnyFlows {
  list(filter?: Fields): Iterable<Fields>
  get(flow: Fields): Fields | undefined
  create(flow: Fields): void
  update(filter: Fields, change: Fields): object
  delete(filter: Fields): object
  flush(options?: Fields): void
  count(): number
}

/** The tests that every protocol passes with a real kernel that tracks it, and with the one in memory: make, list, get, change, delete and restore a flow. */
export function livesInKernel(t: Test, protocol: Protocol, given: KernelConformance): void {
  const protocols = protocol.number < 0 ? [] : [protocol]
  for (const family of given.families ?? (['ipv4', 'ipv6'] as const)) {
    t.test(`${protocol.name} in the kernel, ${family}`, { skip }, (t) => {
      using ct = openConntrack({ protocols, netns: namespace(t) })
      lives(t, ct.flows, protocol, family, given)
      t.end()
    })
    t.test(`${protocol.name} in a kernel in memory, ${family}`, (t) => {
      using ct = openConntrack({ protocols, socket: createKernel({ protocols }).socket })
      lives(t, ct.flows, protocol, family, given)
      t.end()
    })
  }
}

function lives(t: Test, flows: AnyFlows, { name: protocol, number }: Protocol, family: 'ipv4' | 'ipv6', given: KernelConformance): void {
  const { layer4, fields = {}, change = {} } = given
  const [source, destination] = ADDRESSES[family]
  const otherFamily = family === 'ipv4' ? 'ipv6' : 'ipv4'
  const protocolNumber = given.number ?? number
  const original = { source, destination, protocolNumber, ...layer4[0] }
  const reply = { source: destination, destination: source, protocolNumber, ...layer4[1] }
  const flow = { protocol, original, timeout: 600, ...fields }
  const zoned = { ...flow, zone: 7, mark: 5, status: ['SEEN_REPLY', 'ASSURED'] }
  const all = (filter: Fields = {}): Fields[] => [...flows.list(filter)]
  const ids = (filter: Fields): unknown[] => all(filter).map(({ id }) => id)

  t.strictSame(all(), [], 'a new namespace has no flows')
  flows.create(zoned)
  t.equal(flows.count(), 1)
  const [first, ...others] = all()
  t.strictSame(others, [])
  t.match(first, { protocol, family, original, reply, zone: 7, mark: 5, ...fields, use: 1 })
  t.ok([598, 599, 600].includes(first.timeout as number))
  t.ok(['SEEN_REPLY', 'ASSURED', 'CONFIRMED'].every((bit) => (first.status as string[]).includes(bit)))
  t.match(first, { originalCounters: { packets: 0n, bytes: 0n }, replyCounters: { packets: 0n, bytes: 0n } })
  t.throws(() => flows.create(zoned), new NetlinkError('IPCTNL_MSG_CT_NEW', 17))

  t.equal(flows.get({ protocol, original, zone: 7 })?.id, first.id, 'it is found by its tuple')
  t.equal(flows.get({ protocol, reply, zone: 7 })?.id, first.id, 'by that of its reply')
  t.equal(flows.get(first)?.id, first.id, 'and by itself')
  t.equal(flows.get({ protocol, original }), undefined, 'but not in another zone')

  flows.create(flow)
  t.equal(flows.count(), 2, 'where there can be its twin')
  const [twin] = ids({ zone: 0 })
  for (const filter of [
    { zone: 7 },
    { mark: 5 },
    { mark: { value: 1, mask: 1 } },
    { status: ['ASSURED'] },
    { zone: { not: 0 }, protocol, family },
  ])
    t.strictSame(ids(filter), [first.id], JSON.stringify(filter))
  for (const filter of [{ zone: 0 }, { mark: { not: 5 } }, { status: { none: ['ASSURED'] } }])
    t.strictSame(ids(filter), [twin], JSON.stringify(filter))
  t.equal(ids({ original: { source, destination: `${destination}/24`, ...layer4[0] }, protocol }).length, 2)
  t.strictSame(ids({ original: { source: destination } }), [])
  t.strictSame(ids({ family: otherFamily }), [])

  t.strictSame(flows.update({ zone: 7 }, { mark: 9, timeout: 800 }), { matched: 1, updated: 1 })
  t.strictSame(flows.update({ zone: 7 }, { mark: 9 }), { matched: 1, updated: 0 })
  t.strictSame(flows.update({ zone: 7 }, { mark: 0x10, markMask: 0xf0 }), { matched: 1, updated: 1 })
  const [changed] = all({ zone: 7 })
  t.match(changed, { mark: 0x19, id: first.id })
  t.ok((changed.timeout as number) > 700)
  t.match(all({ zone: 0 }), [{ mark: 0, id: twin }], 'its twin is as it was')
  if (Object.keys(change).length > 0) {
    t.strictSame(flows.update({ zone: 7 }, { protocol, ...change }), { matched: 1, updated: 1 })
    t.match(all({ zone: 7 })[0], change)
  }

  t.strictSame(flows.delete({ zone: 7 }), { matched: 1, deleted: 1 })
  t.strictSame(ids({}), [twin])
  flows.create(first)
  const [restored] = all({ zone: 7 })
  const lasting = ({ id: _, timeout: __, use: ___, timestamp: ____, ...rest }: Fields): Fields => rest
  t.strictSame(lasting(restored), lasting(first), 'a flow that was listed can be made again')
  flows.flush({ family: otherFamily })
  t.equal(flows.count(), 2, 'a flush of the other family leaves them')
  flows.flush()
  t.strictSame(all(), [])
}
