import { MalformedMessageError, NetlinkError } from '../errors.ts'
import { copyAttributes } from '../schema/encode.ts'
import type { MessageType } from '../tables/messages.ts'
import type { Request, Requests } from '../transport/request.ts'
import type { TableEntry } from './context.ts'
import type { Listing } from './listing.ts'

/** What is told while many entries are changed. */
export interface WriteOptions {
  /** Called for each entry that was deleted, or as it is after it was updated; the view is valid until it returns. */
  readonly onEntry?: (entry: TableEntry) => void
}

/**
 * The attributes that name an entry to the kernel, as it sent them: first its tuple, which must be there, since a delete without one
 * is a flush of the table.
 */
export function identity(entry: TableEntry, [tuple, ...others]: readonly [tuple: string, ...others: string[]]): Uint8Array {
  const offset = (name: string): number => {
    const member = entry.shape.members.find((one) => one.name === name)
    return member === undefined ? 0 : entry.slots[member.places[0]?.slot ?? member.slot]
  }
  if (offset(tuple) === 0) throw new MalformedMessageError(`an entry without its tuple, ${tuple}`, entry.message.at)
  return copyAttributes(entry.bytes, [tuple, ...others].map(offset))
}

/** Deletes each entry of a listing by the attributes that name it; one that has gone meanwhile is not counted. */
export function removeEach(
  requests: Requests,
  listing: Listing<unknown>,
  message: MessageType,
  names: readonly [tuple: string, ...others: string[]],
  { onEntry }: WriteOptions,
): { matched: number; deleted: number } {
  let deleted = 0
  const matched = listing.forEach((entry) => {
    if (!settleUnlessGone(requests, entryRequest(message, entry, identity(entry, names)))) return
    deleted++
    onEntry?.(entry)
  })
  return { matched, deleted }
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
