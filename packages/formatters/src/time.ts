import { type Entry, type ProtocolVariant, type Place, u64, word } from '@conntrack/core/plugin'
import { BLANK, type Step } from './parts.ts'

const NANOSECONDS = 1_000_000_000n

/** Age in whole seconds of a flow whose begin is known: until its end, or now. Each end counts in whole seconds, as in conntrack(8). */
export function ageInSeconds({ bytes, slots }: Entry<ProtocolVariant>, start: Place, stop: Place): number {
  const end = slots[stop.slot]
  const until = end === 0 ? Math.floor(Date.now() / 1000) : secondsAt(bytes, end)
  return Math.max(0, until - secondsAt(bytes, slots[start.slot]))
}

const secondsAt = (bytes: Uint8Array, at: number): number => Number(u64.read(bytes, at, 8) / NANOSECONDS)

/** `delta-time=1 `, where the begin is known. */
export function deltaTime(start: Place, stop: Place): Step {
  const label = word('delta-time=')
  return (entry, text) => {
    if (entry.slots[start.slot] === 0) return
    text.word(label)
    text.decimal(ageInSeconds(entry, start, stop))
    text.byte(BLANK)
  }
}

/** A time in nanoseconds since 1970 as ctime(3) writes it, in the local time zone: `[start=Mon Nov 23 23:54:40 2026] `. */
export function clock(label: string, { slot }: Place): Step {
  return ({ bytes, slots }, text) => {
    const at = slots[slot]
    if (at === 0) return
    text.string(`${label}${ctime(secondsAt(bytes, at))}] `)
  }
}

/** The time of the system's clock in nanoseconds since 1970, in whole milliseconds. */
export function now(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}

/** What stands before a line that is dated: seconds since 1970 with six decimals, `[1795478226.907107]`, and a tab. */
export function dated(timestamp: bigint): string {
  const seconds = timestamp / NANOSECONDS
  return `[${String(seconds).padStart(8, '0')}.${String((timestamp % NANOSECONDS) / 1000n).padStart(6, '0')}]\t`
}

/** `<when>`, in the local time zone. */
export function when(timestamp: bigint): string {
  return `<when>${calendar(timestamp)
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join('')}</when>`
}

/** The parts of a time in the local time zone, by the names that conntrack(8)'s XML has for them; Sunday is 1. */
function calendar(timestamp: bigint): [name: string, value: string][] {
  const date = new Date(Number(timestamp / 1_000_000n))
  return [
    ['hour', String(date.getHours())],
    ['min', twoDigits(date.getMinutes())],
    ['sec', twoDigits(date.getSeconds())],
    ['wday', String(date.getDay() + 1)],
    ['day', String(date.getDate())],
    ['month', String(date.getMonth() + 1)],
    ['year', String(date.getFullYear())],
  ]
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const twoDigits = (number: number): string => String(number).padStart(2, '0')

function ctime(seconds: number): string {
  const date = new Date(seconds * 1000)
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':')
  return `${DAYS[date.getDay()]} ${MONTHS[date.getMonth()]} ${String(date.getDate()).padStart(2)} ${time} ${date.getFullYear()}`
}
