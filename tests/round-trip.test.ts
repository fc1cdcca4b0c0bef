// timeout: 400
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Conntrack, NetlinkError, openConntrack } from '@conntrack/core'
import type { Protocol } from '@conntrack/core/plugin'
import * as fc from 'fast-check'
import t from 'tap'
import { createCli } from '../packages/cli/src/index.ts'
import { installed } from '../packages/cli/src/installed.ts'
import { kept } from '../packages/cli/test/program.ts'
import { namespace, skipKernel, within } from '../packages/core/test/real-kernel.ts'

type Fields = Readonly<Record<string, unknown>>
const { protocols } = installed

// What any flow may have. Few addresses and ports, so that flows differ by one thing alone now and then.
const family = fc.constantFrom('ipv4', 'ipv6')
const u16 = fc.oneof(fc.constantFrom(0, 1, 80, 65535), fc.nat(65535))
const u32 = fc.oneof(fc.constantFrom(0, 1, 0x80000000, 0xffffffff), fc.nat(0xffffffff))
const port = fc.oneof(fc.constantFrom(1, 53, 80, 65535), fc.integer({ min: 1, max: 65535 }))
const address = {
  ipv4: fc.integer({ min: 1, max: 254 }).map((n) => `10.0.0.${n}`),
  ipv6: fc.integer({ min: 1, max: 0xffff }).map((n) => `fd00::${n.toString(16)}`),
}
const elsewhere = {
  ipv4: fc.ipV4().filter((one) => !/^(0|127|22[4-9]|2[345]\d)\./.test(one)),
  ipv6: fc.integer({ min: 1, max: 0xffff }).map((n) => `2001:db8::${n.toString(16)}`),
}

/** In which zone: none, one for both directions, or one for either. The kernel takes one of the three. */
const zone = fc.oneof(
  fc.constant({}),
  u16.map((number) => ({ zone: number })),
  u16.map((number) => ({ original: { zone: number } })),
  u16.map((number) => ({ reply: { zone: number } })),
)

/** What the kernel takes of a flow of any protocol. */
const common = fc.record(
  {
    timeout: fc.integer({ min: 3000, max: 400000 }),
    mark: u32,
    status: fc.subarray(['SEEN_REPLY', 'ASSURED', 'FIXED_TIMEOUT']),
    labels: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    originalSequenceAdjustment: fc.record({ correctionPosition: u32, offsetBefore: u32, offsetAfter: u32 }),
    replySequenceAdjustment: fc.record({ correctionPosition: u32, offsetBefore: u32, offsetAfter: u32 }),
    synproxy: fc.record({ initialSequence: u32, initialTimestamp: u32, timestampOffset: u32 }),
  },
  { requiredKeys: ['timeout'] },
)

const enumerated = (name: string): fc.Arbitrary<unknown> => {
  const row = protocols.find((one) => one.name === name)?.protoinfo['state']
  return fc.constantFrom(...((row?.row === 'attribute' ? row.kind.words : undefined) ?? []))
}
const ports = fc.record({ sourcePort: port, destinationPort: port })
const echo = (types: readonly number[]) => fc.record({ type: fc.constantFrom(...types), code: fc.nat(255), id: u16 })

/** The protocol's part of a tuple, and what else there is in a flow of it. This kernel tracks no DCCP. */
const kinds: Readonly<
  Record<string, { readonly tuple: fc.Arbitrary<Fields>; readonly info?: fc.Arbitrary<Fields>; readonly number?: fc.Arbitrary<number> }>
> = {
  tcp: {
    tuple: ports,
    info: fc.record(
      {
        state: enumerated('tcp').filter((state) => state !== 'LISTEN'),
        windowScaleOriginal: fc.nat(14),
        windowScaleReply: fc.nat(14),
        helper: fc.constant({ name: 'ftp' }),
      },
      { requiredKeys: ['state'] },
    ),
  },
  udp: { tuple: ports, info: fc.record({ helper: fc.constant({ name: 'tftp' }) }, { requiredKeys: [] }) },
  udplite: { tuple: ports },
  icmp: { tuple: echo([8, 13, 15, 17]) },
  icmpv6: { tuple: echo([128, 139]) },
  sctp: {
    tuple: ports,
    info: fc.record({
      // Kernels of today have no HEARTBEAT_ACKED any more.
      state: enumerated('sctp').filter((state) => state !== 'HEARTBEAT_ACKED'),
      verificationTagOriginal: u32,
      verificationTagReply: u32,
    }),
  },
  gre: { tuple: fc.record({ sourceKey: u16, destinationKey: u16 }) },
  unknown: { tuple: fc.record({ protocolNumber: fc.constantFrom(2, 50, 51, 253, 255) }) },
}

/** What it is translated to, of protocols with ports. */
const translation = (name: string, of: 'ipv4' | 'ipv6'): fc.Arbitrary<Fields> => {
  if (kinds[name]?.tuple !== ports) return fc.constant({})
  const target = fc.record({ minimum: elsewhere[of], minimumPort: port }, { requiredKeys: ['minimum'] })
  return fc.record({ sourceNat: target, destinationNat: target }, { requiredKeys: [] })
}

const flow: fc.Arbitrary<Fields> = fc.tuple(fc.constantFrom(...Object.keys(kinds)), family).chain(([name, any]) => {
  const of = name === 'icmp' ? 'ipv4' : name === 'icmpv6' ? 'ipv6' : any
  const { tuple, info = fc.constant({}) } = kinds[name] ?? { tuple: fc.constant({}) }
  const ends = fc.record({ source: address[of], destination: address[of] })
  return fc.tuple(ends, tuple, info, common, zone, translation(name, of)).map(([addresses, layer4, more, rest, where, nat]) => ({
    protocol: name,
    ...rest,
    ...more,
    ...nat,
    ...where,
    original: { ...addresses, ...layer4, ...(where as { original?: Fields }).original },
  }))
})

/** Flows of the kernel in an order, without what is new in a restored one. */
function table(ct: Conntrack<Protocol>): string[] {
  return [...ct.flows.list()]
    .map((flow) =>
      JSON.stringify({ ...flow, ...RENEWED }, (_, value: unknown) =>
        value instanceof Uint8Array ? [...value] : typeof value === 'bigint' ? String(value) : value,
      ),
    )
    .sort()
}
/** TCP's flags are no memory to restore: they are of packets that the kernel has seen, and it begins anew. */
const RENEWED = Object.fromEntries(
  ['id', 'use', 'timeout', 'originalCounters', 'replyCounters', 'timestamp', 'flagsOriginal', 'flagsReply'].map((name) => [
    name,
    undefined,
  ]),
)

/** How it shows in a listed flow that it has what could be lost. */
const SIGNS: readonly (readonly [what: string, mark: RegExp])[] = [
  ['labels', /"labels":\[/],
  ['both translations', /"SRC_NAT","DST_NAT"/],
  ['helper', /"helper":\{"name"/],
  ['zone', /\},"zone":\d/],
  ['zone of a direction', /"original":\{[^}]*"zone"/],
  ['sequence adjustment', /"SEQ_ADJUST"/],
  ['synproxy', /"initialSequence":[1-9]/],
  ['window scale', /"windowScaleOriginal":[1-9]/],
  ['fixed timeout', /"FIXED_TIMEOUT"/],
]

t.test('any table that was saved is the same when it was loaded', { skip: skipKernel }, async (t) => {
  const netns = namespace(t)
  // The kernel keeps labels where a rule sets some.
  within(netns, 'nft', 'add table inet t; add chain inet t c; add rule inet t c ct label set 1')
  const directory = mkdtempSync(join(tmpdir(), 'conntrack-round-trip-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'saved')
  using ct = openConntrack({ protocols, netns })
  const conntrack = createCli({ ...installed, open: () => openConntrack({ protocols, netns }) })
  let [made, refused] = [0, 0]
  const seen = new Set<string>()

  await fc
    .assert(
      fc.asyncProperty(fc.array(flow, { minLength: 1, maxLength: 80, size: 'max' }), async (flows) => {
        ct.flows.flush()
        for (const one of flows) {
          try {
            ct.flows.create(one as never)
            made++
            seen.add(one['protocol'] as string)
          } catch (error) {
            // The same tuple twice, or a translation that another flow has taken.
            if (!(error instanceof NetlinkError && ['EEXIST', 'EINVAL', 'EBUSY'].includes(error.code))) throw error
            refused++
          }
        }
        const before = table(ct)
        for (const [what, mark] of SIGNS) if (before.some((one) => mark.test(one))) seen.add(what)
        const saved = kept()
        if ((await conntrack(['-L', '-o', 'save'], saved.io)) !== 0) throw new Error(saved.stderr())
        writeFileSync(file, saved.stdout())
        ct.flows.flush()
        const loaded = kept()
        if ((await conntrack(['-R', file], loaded.io)) !== 0) throw new Error(`${loaded.stderr()}\n${saved.stdout()}`)
        const after = table(ct)
        const lost = before.filter((one) => !after.includes(one))
        const strange = after.filter((one) => !before.includes(one))
        if (lost.length + strange.length > 0) throw new Error([...lost, ...strange.map((one) => `+${one}`), saved.stdout()].join('\n'))
        ct.flows.flush()
      }),
      { numRuns: 4, seed: 1, endOnFailure: false },
    )
    .then(
      () => t.pass('the same'),
      (error: Error) => t.fail(error.message),
    )
  t.comment(`${made} flows, ${refused} refused`)
  t.ok(made > 4 * refused, `${made} flows were made, ${refused} refused`)
  t.strictSame([...seen].sort(), [...Object.keys(kinds), ...SIGNS.map(([what]) => what)].sort(), 'of all protocols, with all there is')
})
