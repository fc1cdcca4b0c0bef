import { type Conntrack, openConntrack } from '@conntrack/core'
import { common, PROTOCOLS } from './transcript.ts'

type Ct = Conntrack<(typeof PROTOCOLS)[number]>
type Options = Omit<NonNullable<Parameters<typeof openConntrack>[0]>, 'protocols'>

/** What is watched, while something happens. */
export interface EventScenario {
  readonly watch: (ct: Ct) => AsyncIterable<object> & { finish(): void }
  readonly happen: (ct: Ct) => void
}

const ends = (port: number) => ({ source: '10.0.0.1', destination: '10.0.0.2', sourcePort: port, destinationPort: 443 })
const back = (port: number) => ({ source: '10.0.0.2', destination: '10.0.0.1', sourcePort: 443, destinationPort: port })
const stream = (port: number, more: object = {}) =>
  ({ protocol: 'tcp', original: ends(port), timeout: 600, state: 'ESTABLISHED', ...more }) as const
const packets = (port: number, more: object = {}) => ({ protocol: 'udp', original: ends(port), timeout: 600, ...more }) as const

function life({ flows }: Ct): void {
  flows.create(stream(1, { status: ['SEEN_REPLY', 'ASSURED'] }))
  flows.create(packets(2, { mark: 5 }))
  flows.create(packets(3, { zone: 7 }))
  flows.create({ protocol: 'icmp', original: { source: '10.0.0.1', destination: '10.0.0.2', type: 8, code: 0, id: 9 }, timeout: 600 })
  flows.create(packets(4, { original: { source: 'fd00::1', destination: 'fd00::2', sourcePort: 4, destinationPort: 53 } }))
  flows.create(stream(5, { sourceNat: { minimum: '192.0.2.1', minimumPort: 4000 } }))
  flows.update({ protocol: 'udp', mark: 5 }, { mark: 6 })
  flows.update({ protocol: 'tcp', original: { sourcePort: 1 } }, { protocol: 'tcp', state: 'TIME_WAIT' })
  flows.update({ protocol: 'udp', original: { sourcePort: 2 } }, { status: ['SEEN_REPLY'] })
  flows.delete({ protocol: 'icmp' })
  flows.delete({ zone: 7 })
  flows.delete({ protocol: 'tcp', reply: back(1) })
  // One at a time: a flush has the order of the kernel's hash.
  for (const sourcePort of [5, 4, 2]) flows.delete({ original: { sourcePort } } as never)
}

function expecting({ flows, expectations }: Ct): void {
  flows.create(stream(1, { helper: { name: 'ftp' } }))
  flows.create(stream(2, { helper: { name: 'ftp' } }))
  const expected = (master: number, port: number) =>
    ({
      protocol: 'tcp',
      master: ends(master),
      tuple: { source: '10.0.0.2', destination: '10.0.0.1', sourcePort: 0, destinationPort: port },
      mask: { source: '255.255.255.255', destination: '255.255.255.255', sourcePort: 0, destinationPort: 65535 },
      timeout: 300,
    }) as const
  expectations.create(expected(1, 5000))
  expectations.create(expected(2, 6000))
  expectations.delete({ tuple: { destinationPort: 5000 } } as never)
  flows.delete({ protocol: 'tcp', original: { sourcePort: 2 } })
}

/** What is compared. */
export const EVENT_SCENARIOS: Readonly<Record<string, EventScenario>> = {
  'all that happens': { watch: ({ flows }) => flows.watch(), happen: life },
  'what begins': { watch: ({ flows }) => flows.watch({ events: ['new'] }), happen: life },
  'what changes and ends': { watch: ({ flows }) => flows.watch({ events: ['update', 'destroy'], resync: false }), happen: life },
  'one protocol': { watch: ({ flows }) => flows.watch({ filter: { protocol: 'udp' } }), happen: life },
  'one zone': { watch: ({ flows }) => flows.watch({ filter: { zone: 7 } }), happen: life },
  'one port': { watch: ({ flows }) => flows.watch({ filter: { protocol: 'tcp', original: { destinationPort: 443 } } }), happen: life },
  'a mark': { watch: ({ flows }) => flows.watch({ filter: { mark: 6 } }), happen: life },
  'one family': { watch: ({ flows }) => flows.watch({ filter: { family: 'ipv6' } }), happen: life },
  'what is expected': { watch: ({ expectations }) => expectations.watch(), happen: expecting },
}

/** What a kernel tells of it, without what it invents: ids, ports and times. */
export async function told(options: Options, { watch, happen }: EventScenario): Promise<unknown[]> {
  using ct = openConntrack({ ...options, protocols: PROTOCOLS })
  const events = watch(ct)
  happen(ct)
  events.finish()
  const all: unknown[] = []
  for await (const { portId, timestamp, ...event } of events as AsyncIterable<Record<string, unknown>>) {
    const { eventTimestamp, ...flow } = (event['flow'] ?? {}) as Record<string, unknown>
    all.push(
      common({ ...event, ...('flow' in event && { flow }), byProgram: portId !== 0, isDated: timestamp === (eventTimestamp ?? timestamp) }),
    )
  }
  return all
}
