import type { Text } from './text.ts'

const COLON = 0x3a

/** Writes four bytes as `10.0.0.1`. */
export function printIPv4(text: Text, bytes: Uint8Array, at: number): void {
  text.dotted(bytes, at)
}

const group = (bytes: Uint8Array, at: number, index: number): number => (bytes[at + 2 * index] << 8) | bytes[at + 2 * index + 1]

/** Writes sixteen bytes as inet_ntop(3) does: the longest run of zero groups as `::`, mapped IPv4 with dots. */
export function printIPv6(text: Text, bytes: Uint8Array, at: number): void {
  let best = -1
  let bestLength = 1
  for (let start = 0; start < 8; start++) {
    let end = start
    while (end < 8 && group(bytes, at, end) === 0) end++
    if (end - start > bestLength) [best, bestLength] = [start, end - start]
    if (end > start) start = end
  }
  const dotted = best === 0 && (bestLength === 6 || (bestLength === 5 && group(bytes, at, 5) === 0xffff))
  const groups = dotted ? 6 : 8
  for (let i = 0; i < groups; i++) {
    if (i === best) {
      text.byte(COLON)
      i += bestLength - 1
      if (i >= groups - 1) text.byte(COLON)
      continue
    }
    if (i > 0) text.byte(COLON)
    text.hex(group(bytes, at, i))
  }
  if (!dotted) return
  if (bestLength === 5) text.byte(COLON)
  printIPv4(text, bytes, at + 12)
}

/** The four bytes of an address in any form that inet_aton(3) takes (`1.2.3.4`, `1.2`, `0x01020304`, `010.0.0.1`), else undefined. */
export function parseIPv4(argument: string): Uint8Array | undefined {
  const parts = argument.split('.')
  if (parts.length > 4) return undefined
  const numbers = parts.map((part) => (/^(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/.test(part) ? parseCNumber(part) : Number.NaN))
  const last = numbers.pop() as number
  if (numbers.some((number) => !(number <= 255)) || !(last < 256 ** (4 - numbers.length))) return undefined
  const value = numbers.reduce((sum, number, i) => sum + number * 256 ** (3 - i), last)
  return new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value])
}

const parseCNumber = (digits: string): number => (/^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits))

/** The sixteen bytes of an address that inet_pton(3) takes for AF_INET6, else undefined. */
export function parseIPv6(argument: string): Uint8Array | undefined {
  const halves = argument.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half, i) => parseGroups(half, i === halves.length - 1))
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined
  if (halves.length === 1) return head.length === 16 ? new Uint8Array(head) : undefined
  const rest = tail as number[]
  if (head.length + rest.length > 14) return undefined
  return new Uint8Array([...head, ...Array<number>(16 - head.length - rest.length).fill(0), ...rest])
}

function parseGroups(half: string, isLast: boolean): number[] | undefined {
  if (half === '') return []
  const bytes: number[] = []
  const parts = half.split(':')
  for (const [i, part] of parts.entries()) {
    if (isLast && i === parts.length - 1 && part.includes('.')) {
      if (!/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(part)) return undefined
      const dotted = parseIPv4(part)
      if (dotted === undefined) return undefined
      bytes.push(...dotted)
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined
      const value = Number.parseInt(part, 16)
      bytes.push(value >> 8, value & 255)
    }
  }
  return bytes
}
