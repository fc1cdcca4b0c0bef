/** A flow of `-o json`, as far as a line shows it. */
interface Flow {
  readonly version: number
  readonly protocol: string
  readonly family: 'ipv4' | 'ipv6'
  readonly timeout?: number
  readonly state?: string
  readonly status: readonly string[]
  readonly original: Tuple
  readonly reply: Tuple
  readonly originalCounters?: Counters
  readonly replyCounters?: Counters
  readonly mark?: number
  readonly zone?: number
  readonly timestamp?: { readonly start: string; readonly stop?: string }
  readonly helper?: { readonly name: string }
  readonly use: number
  readonly id: number
}

type Tuple = Readonly<Record<string, string | number>>
interface Counters {
  readonly packets: string
  readonly bytes: string
}

/** What `-o extended,id,ktimestamp` shows of the flow that a line of JSON tells, but for its age. In UTC. */
export function lineOf(json: string): string {
  const flow = JSON.parse(json) as Flow
  const has = (bit: string): boolean => flow.status.includes(bit)
  const words = [
    flow.family === 'ipv4' ? 'ipv4     2' : 'ipv6     10',
    `${flow.protocol.padEnd(8)} ${flow.original['protocolNumber']}`,
    flow.timeout,
    flow.state,
    ...direction(flow.protocol, flow.original, 'zone-orig', flow.originalCounters),
    has('SEEN_REPLY') ? '' : '[UNREPLIED]',
    ...direction(flow.protocol, flow.reply, 'zone-reply', flow.replyCounters),
    has('HW_OFFLOAD') ? '[HW_OFFLOAD]' : has('OFFLOAD') ? '[OFFLOAD]' : has('ASSURED') ? '[ASSURED]' : '',
    flow.mark === undefined ? '' : `mark=${flow.mark}`,
    flow.zone === undefined ? '' : `zone=${flow.zone}`,
    flow.timestamp === undefined ? '' : `[start=${clock(flow.timestamp.start)}]`,
    flow.helper === undefined ? '' : `helper=${flow.helper.name}`,
    `use=${flow.use}`,
    `id=${flow.id}`,
  ]
  return words.filter((word) => word !== '' && word !== undefined).join(' ')
}

function direction(protocol: string, tuple: Tuple, zone: string, counters: Counters | undefined): string[] {
  return [
    `src=${tuple['source']} dst=${tuple['destination']}`,
    layer4(protocol, tuple),
    tuple['zone'] === undefined ? '' : `${zone}=${tuple['zone']}`,
    counters === undefined ? '' : `packets=${counters.packets} bytes=${counters.bytes}`,
  ]
}

function layer4(protocol: string, tuple: Tuple): string {
  if (protocol === 'unknown') return ''
  if (protocol.startsWith('icmp')) return `type=${tuple['type']} code=${tuple['code']} id=${tuple['id']}`
  if (protocol === 'gre') return `srckey=0x${tuple['sourceKey']?.toString(16)} dstkey=0x${tuple['destinationKey']?.toString(16)}`
  return `sport=${tuple['sourcePort'] ?? 0} dport=${tuple['destinationPort'] ?? 0}`
}

/** Nanoseconds since 1970 as ctime(3) writes them: `Mon Nov 23 23:54:40 2026`. */
function clock(nanoseconds: string): string {
  const date = new Date(Number(BigInt(nanoseconds) / 1_000_000n))
  const [, weekday, day, month, year, time] = /^(\w+), (\d+) (\w+) (\d+) (\S+) GMT$/.exec(date.toUTCString()) ?? []
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`
}
