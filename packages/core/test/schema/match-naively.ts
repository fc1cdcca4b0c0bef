/** Fields of which the kernel leaves out zeros, and what they are then. */
const ZEROS: Readonly<Record<string, unknown>> = {
  mark: 0,
  secmark: 0,
  zone: 0,
  'original.zone': 0,
  'reply.zone': 0,
  'master.zone': 0,
  status: [],
  labels: new Uint8Array(0),
}

type Plain = Readonly<Record<string, unknown>>

/**
 * Whether a filter holds for a decoded flow, told in the plainest way: on values, where the SDK compares bytes. `lacks` says of a
 * path whether the flow's protocol has no such field.
 */
export function matchesNaively(
  { protocol, family, ...fields }: Plain,
  { protocol: wanted, family: other, ...conditions }: Plain,
  lacks: (path: string) => boolean,
): boolean {
  if (wanted !== undefined && wanted !== protocol) return false
  if (other !== undefined && other !== family) return false
  const walk = (level: Plain, value: Plain | undefined, prefix: string): boolean =>
    Object.entries(level).every(([name, condition]) => {
      const path = prefix + name
      if (isNest(path)) return walk(condition as Plain, value?.[name] as Plain | undefined, `${path}.`)
      return !lacks(path) && holds(value?.[name] ?? ZEROS[path], condition)
    })
  return walk(conditions, fields, '')
}

const NESTS = ['original', 'reply', 'master', 'helper', 'originalCounters', 'replyCounters', 'timestamp', 'sourceNat', 'destinationNat']
export const isNest = (path: string): boolean => NESTS.includes(path)

function holds(value: unknown, condition: unknown): boolean {
  if (isPlain(condition)) {
    if ('oneOf' in condition) return (condition.oneOf as unknown[]).some((one) => holds(value, one))
    if ('not' in condition) return !holds(value, condition.not)
  }
  if (value === undefined) return false
  if (Array.isArray(value)) return holdsForBits(value, condition)
  if (value instanceof Uint8Array) return holdsForBytes(value, condition)
  if (!isPlain(condition)) return typeof value === 'string' && isNetwork(condition) ? isWithin(value, condition) : isEqual(value, condition)
  const [number, low, high, wanted, mask] = [value, condition.from, condition.to, condition.value, condition.mask].map(toNumber)
  if ('from' in condition) return number.family === low.family && number.value >= low.value && number.value <= high.value
  return number.family === wanted.family && (number.value & mask.value) === wanted.value
}

const isPlain = (condition: unknown): condition is Plain =>
  typeof condition === 'object' && condition !== null && !Array.isArray(condition) && !(condition instanceof Uint8Array)

function holdsForBits(value: readonly unknown[], condition: unknown): boolean {
  const { all = [], none = [] } = (isPlain(condition) ? condition : { all: condition }) as { all?: unknown[]; none?: unknown[] }
  return all.every((bit) => value.includes(bit)) && !none.some((bit) => value.includes(bit))
}

function holdsForBytes(value: Uint8Array, condition: unknown): boolean {
  if (!isPlain(condition)) {
    const wanted = [...(condition as Uint8Array)]
    // The bytes of absent labels are as many zeros as one likes.
    return value.length === 0 && wanted.length > 0 ? wanted.every((byte) => byte === 0) : wanted.join() === value.join()
  }
  const { value: wanted, mask } = condition as { value: Uint8Array; mask: Uint8Array }
  return mask.every((bits, i) => ((value[i] ?? 0) & bits) === wanted[i])
}

const isNetwork = (condition: unknown): condition is string => typeof condition === 'string' && /^[\da-f.:]+\/\d+$/.test(condition)

function isWithin(address: string, network: string): boolean {
  const [host, length] = network.split('/')
  const [one, other] = [toNumber(address), toNumber(host)]
  if (one.family !== other.family) return false
  const rest = BigInt((one.family === 'ipv4' ? 32 : 128) - Number(length))
  return one.value >> rest === other.value >> rest
}

function isEqual(value: unknown, condition: unknown): boolean {
  return typeof value === typeof condition && String(value) === String(condition)
}

/** A number, or an address as a number with its family. */
function toNumber(value: unknown): { family?: 'ipv4' | 'ipv6'; value: bigint } {
  if (typeof value === 'bigint') return { value }
  if (typeof value === 'number') return { value: BigInt(value) }
  if (typeof value !== 'string' || !/[.:]/.test(value)) return { value: -1n }
  if (!value.includes(':')) return { family: 'ipv4', value: fromDotted(value) }
  const plain = value.replace(/(\d+\.){3}\d+$/, (dotted) => {
    const last = fromDotted(dotted)
    return `${(last >> 16n).toString(16)}:${(last & 0xffffn).toString(16)}`
  })
  const [head, tail] = plain.split('::').map((half) => (half === '' ? [] : half.split(':')))
  const groups = tail === undefined ? head : [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail]
  return { family: 'ipv6', value: groups.reduce((sum, group) => (sum << 16n) | BigInt(Number.parseInt(group, 16)), 0n) }
}

const fromDotted = (dotted: string): bigint => dotted.split('.').reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n)
