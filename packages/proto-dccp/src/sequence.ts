import { type Kind, type Text, u16, u32, u64 } from '@conntrack/core/plugin'

const MAXIMUM = 2n ** 48n - 1n
const QUOTE = 0x22

function checked(value: bigint): bigint {
  if (value > MAXIMUM) throw new RangeError(`expected a number from 0 to ${MAXIMUM}`)
  return value
}

// The upper two of eight bytes are no part of it.
const print = (text: Text, bytes: Uint8Array, at: number): void => text.decimal64(u16.read(bytes, at + 2, 2), u32.read(bytes, at + 4, 4))

/** A sequence number of DCCP: 48 bits, sent as 64. A bigint, and in JSON a string of decimal digits, as all that is sent as 64 bits. */
export const sequence: Kind<bigint> = {
  ...u64,
  name: 'DCCP sequence number',
  read: (bytes, at) => u64.read(bytes, at, 8) & MAXIMUM,
  write: (bytes, at, value) => u64.write(bytes, at, checked(value)),
  print,
  json(text, bytes, at) {
    text.byte(QUOTE)
    print(text, bytes, at)
    text.byte(QUOTE)
  },
  parse: (argument) => checked(u64.parse(argument)),
}
