import { MalformedMessageError } from '../errors.ts'
import { attributeCopier } from '../schema/encode.ts'
import type { MessageType } from '../tables/messages.ts'
import type { Request, Requests } from '../transport/request.ts'
import { newEntry, objectOf, type TableContext, type TableEntry } from './context.ts'
import type { Listing } from './listing.ts'
import { type Outcome, type Progress, Queue, Tally } from './many.ts'
import type { Steps } from './steps.ts'

/** What is told while many entries are changed. */
export interface WriteOptions {
  /** Called for each entry that was deleted, or as it is after it was updated; the view is valid until it returns. */
  readonly onEntry?: (entry: TableEntry) => void
  /** Called now and then, and at the end. */
  readonly onProgress?: (progress: Progress) => void
  /** Change nothing: tell and count what would be. `onEntry` gets each entry as it is. */
  readonly dryRun?: boolean
}

/** What became of a delete of many. */
export interface Removal<T = unknown> extends Outcome<T> {
  /** Entries for which the filter held. */
  readonly matched: number
  /** Entries that were deleted. */
  readonly deleted: number
}

/**
 * Makes a function that gives the attributes that name an entry to the kernel, as it sent them: first its tuple, which must be there,
 * since a delete without one is a flush of the table. They are valid until the next call.
 */
export function identifier(names: readonly [tuple: string, ...others: string[]]): (entry: TableEntry) => Uint8Array {
  const slotsByShape: number[][] = []
  const copy = attributeCopier()
  const offsets = names.map(() => 0)
  return (entry) => {
    const slots = (slotsByShape[entry.shape.index] ??= names.map((name) => {
      const member = entry.shape.members.find((one) => one.name === name)
      return member?.places[0]?.slot ?? member?.slot ?? 0
    }))
    for (let i = 0; i < slots.length; i++) offsets[i] = entry.slots[slots[i]]
    if (offsets[0] === 0) throw new MalformedMessageError(`an entry without its tuple, ${names[0]}`, entry.message.at)
    return copy(entry.bytes, offsets)
  }
}

/** Deletes each entry of a listing by the attributes that name it; one that has gone meanwhile is not counted. */
export function* removeAll<T>(
  context: TableContext,
  listing: Listing<T>,
  message: MessageType,
  names: readonly [tuple: string, ...others: string[]],
  { onEntry, onProgress, dryRun }: WriteOptions,
): Steps<Removal<T>> {
  const tally = new Tally(true, onProgress)
  if (dryRun) {
    const matched = yield* listing.forEachInSteps((entry) => tally.pretend(entry, onEntry))
    return { matched, deleted: tally.done, ...(tally.outcome() as Outcome<T>) }
  }
  const sent = new Queue()
  const view = newEntry(context)
  const nameOf = identifier(names)
  const batch = context.requests.batch({
    settled(index, error) {
      const entry = sent.shift()
      if (tally.count(index, error, () => objectOf(view.load(entry)))) onEntry?.(view.load(entry))
    },
  })
  try {
    const matched = yield* listing.forEachInSteps((entry) => {
      batch.add(entryRequest(message, entry, nameOf(entry)))
      sent.push(entry.message)
    })
    batch.end()
    return { matched, deleted: tally.done, ...(tally.outcome() as Outcome<T>) }
  } finally {
    batch.close()
  }
}

/** A request about an entry of the same family. */
export function entryRequest({ type, command }: MessageType, entry: TableEntry, body: Uint8Array): Request {
  return { type, command, flags: 0, family: entry.message.family, body }
}

/** Asks and waits for the kernel's yes. */
export function settle(requests: Requests, request: Request): void {
  const replies = requests.ask(request)
  while (replies.next());
}
