import { NetlinkError } from '../errors.ts'
import { copyAttributes } from '../schema/encode.ts'
import type { MessageType } from '../tables/messages.ts'
import type { Request, Requests } from '../transport/request.ts'
import type { TableEntry } from './context.ts'

/** The attributes that name an entry to the kernel, as it sent them. */
export function identity(entry: TableEntry, fields: readonly string[]): Uint8Array {
  const slots = fields.map((name) => {
    const member = entry.shape.members.find((one) => one.name === name)
    return member === undefined ? 0 : entry.slots[member.places[0]?.slot ?? member.slot]
  })
  return copyAttributes(entry.bytes, slots)
}

/** A request about an entry of the same family. */
export function entryRequest(message: MessageType, entry: TableEntry, body: Uint8Array): Request {
  return { ...message, flags: 0, family: entry.message.family, body }
}

/** Asks and waits for the kernel's yes. */
export function settle(requests: Requests, request: Request): void {
  const replies = requests.ask(request)
  while (replies.next());
}

/** The same where the entry may have gone since it was listed: false then. */
export function settleUnlessGone(requests: Requests, request: Request): boolean {
  return unlessGone(() => settle(requests, request))
}

/** Whether it could be done: not when the entry has gone (ENOENT) since it was listed. */
export function unlessGone(work: () => void): boolean {
  try {
    work()
    return true
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'ENOENT') return false
    throw error
  }
}
