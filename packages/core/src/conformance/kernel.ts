import type { Protocol } from '../tables/protocol.ts'
import { canonical, must, refusal, same } from './check.ts'
import type { Fields } from './fields.ts'

/** What the kernel is asked in a check: `ct.flows` of `openConntrack({ protocols: [protocol], netns })`. Other flows in it are deleted. */
export interface KernelFlows {
  /** As `Flows.list`. */
  list(filter?: Fields): Iterable<Fields>
  /** As `Flows.get`. */
  get(flow: Fields): Fields | undefined
  /** As `Flows.create`. */
  create(flow: Fields): void
  /** As `Flows.update`. */
  update(filter: Fields, change: Fields): object
  /** As `Flows.delete`. */
  delete(filter: Fields): object
  /** As `Flows.flush`. */
  flush(options?: Fields): void
  /** As `Flows.count`. */
  count(): number
}

/** What a protocol's flows are like in the kernel. */
export interface KernelFacts {
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
  /** Whether the kernel has zones (CONFIG_NF_CONNTRACK_ZONES); true if absent. */
  readonly zones?: boolean
}

/** One thing that must hold with a kernel that tracks the protocol. */
export interface KernelCheck {
  /** What it is about, a sentence. */
  readonly name: string
  /** Tries it on a kernel. @throws Error that says what does not hold, or what the kernel says */
  readonly run: (flows: KernelFlows) => void
}

const ADDRESSES = {
  ipv4: ['192.0.2.1', '198.51.100.2'],
  ipv6: ['2001:db8::1', '2001:db8:ffff::2'],
} as const

/**
 * What must hold of every protocol with a kernel that tracks it: a flow is made, listed, found, changed, deleted and restored. The
 * checks empty the table, so give them one of a network namespace of their own.
 */
export function kernelConformance(protocol: Protocol, facts: KernelFacts): readonly KernelCheck[] {
  const { families = ['ipv4', 'ipv6'] as const, zones = true } = facts
  return families.flatMap((family, i) => {
    const one = sample(protocol, family, facts)
    // What is not about addresses need not be tried with both kinds: each list walks the whole of the kernel's table.
    const others = i === 0 ? [...ofAnyFamily(one, facts), ...(zones ? [twins(one)] : [])] : []
    return [...ofFamily(one, facts), ...others].map(({ name, run }) => ({
      name: `${protocol.name}, ${family}: ${name}`,
      run(flows: KernelFlows) {
        same(flows.count(), 0, 'flows that are there already')
        try {
          run(flows)
        } finally {
          flows.flush()
        }
      },
    }))
  })
}

/** A flow to try with, and what it is to the kernel. */
interface Sample {
  readonly protocol: string
  readonly family: 'ipv4' | 'ipv6'
  readonly original: Fields
  readonly reply: Fields
  /** As it is made. */
  readonly flow: Fields
  readonly layer4: Fields
}

function sample(
  { name, number }: Protocol,
  family: 'ipv4' | 'ipv6',
  { layer4, fields, number: protocolNumber = number }: KernelFacts,
): Sample {
  const [source, destination] = ADDRESSES[family]
  const original = { source, destination, protocolNumber, ...layer4[0] }
  const reply = { source: destination, destination: source, protocolNumber, ...layer4[1] }
  const flow = { protocol: name, original, timeout: 600, mark: 5, status: ['SEEN_REPLY', 'ASSURED'], ...fields }
  return { protocol: name, family, original, reply, flow, layer4: layer4[0] }
}

const otherOf = (family: 'ipv4' | 'ipv6'): 'ipv4' | 'ipv6' => (family === 'ipv4' ? 'ipv6' : 'ipv4')

function ofFamily({ protocol, family, original, reply, flow }: Sample, { fields = {} }: KernelFacts): KernelCheck[] {
  return [
    {
      name: 'a flow that is made is listed as it was given, and no second one can be made',
      run(flows) {
        flows.create(flow)
        same(flows.count(), 1, 'count')
        const [first, ...others] = flows.list()
        same(others, [], 'other flows')
        const { originalCounters, replyCounters, timeout, status } = first
        has(first, { protocol, family, mark: 5, use: 1, ...fields })
        has(first.original as Fields, original)
        has(first.reply as Fields, reply)
        must((timeout as number) > 590 && (timeout as number) <= 600, `a timeout of ${String(timeout)} s where 600 were given`)
        has(Object.fromEntries((status as string[]).map((bit) => [bit, true])), { SEEN_REPLY: true, ASSURED: true, CONFIRMED: true })
        for (const counters of [originalCounters, replyCounters])
          if (counters !== undefined) same(counters, { packets: 0n, bytes: 0n }, 'counters')
        same((refusal(() => flows.create(flow), 'a second flow with the same tuple is made') as { code?: string }).code, 'EEXIST', 'error')
      },
    },
    {
      name: 'a flow is found by either tuple and by itself',
      run(flows) {
        flows.create(flow)
        const first = seen(flows, { protocol, original })
        for (const by of [{ protocol, reply }, first]) same(flows.get(by)?.id, first.id, 'id')
      },
    },
    {
      name: 'a flow that was deleted is made again from what was listed',
      run(flows) {
        flows.create(flow)
        const first = seen(flows, { protocol, original })
        same(flows.delete({ mark: 5 }), { matched: 1, deleted: 1 }, 'delete')
        same(flows.count(), 0, 'count')
        flows.create(first)
        same(lasting(seen(flows, { protocol, original })), lasting(first), 'flow')
        flows.flush({ family: otherOf(family) })
        same(flows.count(), 1, 'count after a flush of the other family')
      },
    },
  ]
}

function ofAnyFamily({ protocol, family, original, flow, layer4 }: Sample, { fields = {}, change = {} }: KernelFacts): KernelCheck[] {
  const { source, destination } = original
  return [
    {
      name: 'conditions let through what they should',
      run(flows) {
        flows.create(flow)
        const network = { source, destination: `${String(destination)}/24`, ...layer4 }
        const all = { protocol, family, mark: { value: 1, mask: 1 }, status: ['ASSURED'], zone: 0, original: network, ...fields }
        same([...flows.list(all)].length, 1, `flows with ${canonical(all)}`)
        for (const filter of [
          { family: otherOf(family) },
          { original: { source: destination } },
          ...Object.entries(fields).map(([field, value]) => ({ protocol, [field]: { not: value } })),
          ...Object.entries(layer4).map(([field, value]) => ({ protocol, original: { [field]: { not: value } } })),
        ])
          same([...flows.list(filter)].length, 0, `flows with ${canonical(filter)}`)
      },
    },
    {
      name: 'a flow is changed where that changes anything',
      run(flows) {
        flows.create(flow)
        const now = (): Fields => seen(flows, { protocol, original })
        const { id } = now()
        same(flows.update({}, { mark: 9, timeout: 800 }), { matched: 1, updated: 1 }, 'update')
        same(flows.update({}, { mark: 9 }), { matched: 1, updated: 0 }, 'update that changes nothing')
        has(now(), { mark: 9, id })
        must((now().timeout as number) > 700, `a timeout of ${String(now().timeout)} s where 800 were given`)
        if (Object.keys(change).length === 0) return
        same(flows.update({}, { protocol, ...change }), { matched: 1, updated: 1 }, `update of ${canonical(change)}`)
        has(now(), change)
        const expected = { ...change }
        for (const [field, value] of Object.entries(fields)) {
          flows.update({}, { protocol, [field]: value })
          has(now(), Object.assign(expected, { [field]: value }))
        }
      },
    },
  ]
}

/** The same tuple in another zone is another flow. */
function twins({ protocol, original, reply, flow }: Sample): KernelCheck {
  return {
    name: 'a flow has a twin in another zone, and neither is taken for the other',
    run(flows) {
      flows.create({ ...flow, zone: 7 })
      same(flows.get({ protocol, original }), undefined, 'flow in another zone')
      flows.create({ ...flow, mark: 0 })
      const [zoned, twin] = [seen(flows, { protocol, original, zone: 7 }).id, seen(flows, { protocol, original }).id]
      must(zoned !== twin, 'there are not two flows')
      for (const by of [{ original }, { reply }]) same(flows.get({ protocol, ...by, zone: 7 })?.id, zoned, 'id')
      same(flows.update({ zone: 7 }, { mark: 9 }), { matched: 1, updated: 1 }, 'update')
      has(seen(flows, { protocol, original }), { mark: 0, id: twin })
      same(flows.delete({ zone: 7 }), { matched: 1, deleted: 1 }, 'delete')
      same(
        [...flows.list({ zone: 0 })].map(({ id }) => id),
        [twin],
        'what is left',
      )
    },
  }
}

/** The flow with a tuple, asked for by it: a list would walk the whole of the kernel's table. @throws Error where there is none */
function seen(flows: KernelFlows, tuple: Fields): Fields {
  const found = flows.get(tuple)
  if (found === undefined) throw new Error(`there is no flow with ${canonical(tuple)}`)
  return found
}

/** @throws Error unless an object has these fields; what else it has does not matter */
function has(found: Fields, wanted: Fields): void {
  for (const [field, value] of Object.entries(wanted)) same(found[field], value, field)
}

/** What of a flow stays the same when it is deleted and made again. */
function lasting({ id: _, timeout: __, use: ___, timestamp: ____, ...rest }: Fields): Fields {
  return rest
}
