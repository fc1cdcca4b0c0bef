// A program that watches flows of its namespace, and ends in the way that its argument says; `watching` is written when it waits.
import process from 'node:process'
import { openConntrack } from '@conntrack/core'
import { udp } from '@conntrack/proto-udp'

const ct = openConntrack({ protocols: [udp] })
const [how] = process.argv.slice(2)

/** Waits for an event that does not come. */
async function wait(signal?: AbortSignal): Promise<void> {
  for await (const event of ct.flows.watch({ signal })) console.log(event.type)
  console.log('over')
}

const ENDS: Readonly<Record<string, () => void>> = {
  /** While the watch goes on. */
  exit: () => process.exit(7),
  throw: () => {
    throw new Error('thrown on purpose')
  },
  /** By closing, so that nothing else is left. */
  close: () => ct.close(),
  abort: () => abort.abort(),
  /** By itself: nobody has begun to consume. */
  unused: () => {},
  mirror: () => mirror?.close(),
}

const abort = new AbortController()
const mirror = how === 'mirror' ? ct.flows.mirror() : undefined
if (how === 'unused') ct.flows.watch()
else if (mirror === undefined) void wait(abort.signal)
else void mirror.closed.then(() => console.log('over'))
setTimeout(() => {
  console.log('watching')
  ENDS[how]()
}, 50)
