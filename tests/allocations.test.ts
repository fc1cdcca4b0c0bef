// runtimes: node
import { GCProfiler } from 'node:v8'
import { openConntrack } from '@conntrack/core'
import { csv, json, line, save, xml } from '@conntrack/formatters'
import { tcp } from '@conntrack/proto-tcp'
import { udp } from '@conntrack/proto-udp'
import t from 'tap'
import { flowVariants } from '../packages/core/src/tables/protocol.ts'
import { kernelEncoder } from '../packages/core/src/testing/codec.ts'
import type { NetlinkSocket } from '../packages/core/src/transport/socket.ts'
import { datagram, done, message } from '../packages/core/test/scripted-kernel.ts'

const PROTOCOLS = [tcp, udp] as const
const FLOWS = 100_000
const PER_DATAGRAM = 100

/** A flow of either protocol, as the kernel tells it. */
function body(i: number): Uint8Array {
  const [variant, number] = i % 4 === 0 ? [flowVariants(PROTOCOLS)[1], 17] : [flowVariants(PROTOCOLS)[0], 6]
  const ends = { source: `10.0.${i}.1`, destination: '192.0.2.1', protocolNumber: number }
  return kernelEncoder(variant.table).encode({
    original: { ...ends, sourcePort: 1024 + i, destinationPort: 443 },
    reply: { ...ends, sourcePort: 443, destinationPort: 1024 + i },
    status: ['SEEN_REPLY', 'ASSURED', 'CONFIRMED'],
    timeout: 431_999,
    mark: i,
    use: 1,
    id: i * 1_000_003,
    ...(number === 6 && { state: 'ESTABLISHED' }),
  })
}

const full = datagram(...Array.from({ length: PER_DATAGRAM }, (_, i) => message({ type: 0x0100, sequence: 1, body: body(i) })))
const end = done(1)

/** A socket that gives the same datagram a thousand times, and allocates nothing by itself. */
function open(): NetlinkSocket {
  let left = 0
  return {
    portId: 1,
    send() {
      left = FLOWS / PER_DATAGRAM
    },
    receive(into) {
      const next = left-- > 0 ? full : end
      into.set(next)
      return next.length
    },
    buffers: () => ({ send: 212_992, receive: 212_992 }),
    close: () => {},
    [Symbol.dispose]: () => {},
  }
}

/** Bytes that were allocated in the JavaScript heap meanwhile, those that were taken away again included. */
function allocated(work: () => void): number {
  const profiler = new GCProfiler()
  profiler.start()
  let last = process.memoryUsage().heapUsed
  work()
  const end = process.memoryUsage().heapUsed
  let sum = 0
  for (const { beforeGC, afterGC } of profiler.stop().statistics) {
    sum += beforeGC.heapStatistics.usedHeapSize - last
    last = afterGC.heapStatistics.usedHeapSize
  }
  return sum + end - last
}

const list = () => openConntrack({ protocols: PROTOCOLS, socket: open }).flows

t.test('what is allocated is counted', async (t) => {
  let kept: object | undefined
  const bytes = allocated(() => {
    for (let i = 0; i < 1_000_000; i++) kept = { i }
  })
  t.ok(kept !== undefined && bytes > 10_000_000, `${bytes} bytes for a million objects`)
})

t.test('a listing that is read, compared and printed allocates nothing per flow', async (t) => {
  let bytes = 0
  const sink = (chunk: Uint8Array): void => {
    bytes += chunk.length
  }
  const works: Record<string, () => number> = {
    reading: () =>
      list()
        .list()
        .forEach(() => {}),
    comparing: () =>
      list()
        .list({ protocol: 'tcp', original: { source: '10.0.0.0/16', destinationPort: 443 }, mark: { not: 5 } })
        .forEach(() => {}),
    ...Object.fromEntries(
      [line(), line({ extended: true, id: true }), xml(), save(), json(), csv(PROTOCOLS)].map((format) => [
        format.name,
        () => list().list().print(format, sink),
      ]),
    ),
  }
  for (const [name, work] of Object.entries(works)) {
    for (let warm = 0; warm < 3; warm++) work()
    let count = 0
    const spent = allocated(() => {
      count = work()
    })
    t.ok(count >= FLOWS / 2, `${name}: ${count} flows`)
    t.ok(spent / FLOWS < 24, `${name}: ${(spent / FLOWS).toFixed(1)} bytes per flow`)
  }
  t.ok(bytes > 0)
})
