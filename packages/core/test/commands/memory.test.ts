// timeout: 300
import process from 'node:process'
import t, { type Test } from 'tap'
import type { Listing } from '../../src/commands/listing.ts'
import type { Print } from '../../src/schema/entry.ts'
import { word } from '../../src/schema/text.ts'
import type { ProtocolVariant } from '../../src/tables/protocol.ts'
import { flow } from '../sample-flows.ts'
import { flowMessage, scriptedConntrack } from '../scripted-conntrack.ts'
import { datagram, done } from '../scripted-kernel.ts'

const FLOWS = 1_000_000
/** As many as fit into the 32 KiB that the kernel gives at once. */
const PER_DATAGRAM = 200
const MEGABYTES = 48

/** A table of a million flows, whose datagrams are made as they are asked for: there is one of them. */
function millionFlows() {
  return scriptedConntrack([], (request) => {
    const full = datagram(...Array.from({ length: PER_DATAGRAM }, (_, i) => flowMessage(request, flow(i))))
    return (function* () {
      for (let sent = 0; sent < FLOWS; sent += PER_DATAGRAM) yield full
      yield done(request.sequence)
    })()
  }).flows
}

/** Asserts that reading a million flows takes no more memory than reading the first fifth of them. */
function staysFlat(t: Test, look: (listing: Listing<unknown>, each: () => void) => number): void {
  let before = 0
  let highest = 0
  let count = 0
  const all = look(millionFlows().list(), () => {
    if (++count % 50_000 !== 0) return
    const { rss } = process.memoryUsage()
    if (count === FLOWS / 5) before = rss
    highest = Math.max(highest, rss)
  })
  t.equal(all, FLOWS)
  t.ok(before > 0 && highest - before < MEGABYTES * 1e6, `${((highest - before) / 1e6).toFixed(1)} MB more`)
  t.end()
}

t.test('a million flows as objects take no more memory than a few', (t) =>
  staysFlat(t, (listing, each) => {
    let count = 0
    for (const one of listing) {
      if (one === undefined) break
      count++
      each()
    }
    return count
  }),
)

t.test('a million flows as text take no more memory than a few', (t) =>
  staysFlat(t, (listing, each) => {
    const line = word('a line of about a hundred bytes, which is what a flow has as text. '.repeat(2))
    const print: Print<ProtocolVariant> = (_, text) => {
      text.word(line)
      each()
    }
    return listing.print({ name: 'constant', compile: () => print }, () => {})
  }),
)
