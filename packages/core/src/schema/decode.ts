import type { Member } from './layout.ts'
import { payloadLength } from './scan.ts'

/** Adds the fields that a scan found to a plain object; every value is a copy. */
export function decode(
  members: readonly Member[],
  bytes: Uint8Array,
  slots: Int32Array,
  value: Record<string, unknown> = {},
): Record<string, unknown> {
  for (const member of members) {
    if (member.members !== undefined) {
      if (slots[member.slot] !== 0 || member.always) value[member.name] = decode(member.members, bytes, slots)
      continue
    }
    for (const { slot, kind } of member.places) {
      const at = slots[slot]
      if (at === 0) continue
      value[member.name] = kind.read(bytes, at, kind.size ?? payloadLength(bytes, at))
      break
    }
  }
  return value
}
