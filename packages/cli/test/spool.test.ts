import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import { Spool } from '../src/spool.ts'

const bytesOf = (i: number, length: number): Uint8Array => new Uint8Array(length).fill(i)

t.test('records come out as they were put in, few and many, short and long', async (t) => {
  for (const lengths of [[], [0], [5, 0, 7], Array.from({ length: 60_000 }, (_, i) => 150 + (i % 100)), [10, 9_000_000, 10, 5_000_000]]) {
    using spool = new Spool()
    for (const [i, length] of lengths.entries()) spool.add(i + 1, i % 5, bytesOf(i, length))
    t.equal(spool.count, lengths.length)
    let i = 0
    let isRight = true
    for (const { number, kind, bytes } of spool.records()) {
      isRight &&= number === i + 1 && kind === i % 5 && Buffer.compare(bytes, bytesOf(i, lengths[i])) === 0
      i++
    }
    t.equal(i, lengths.length)
    t.ok(isRight, `${lengths.length} records`)
  }
})

t.test('the file has no name that others could open', async (t) => {
  using spool = new Spool()
  for (let i = 0; i < 100; i++) spool.add(i, 0, new Uint8Array(100_000))
  t.strictSame(
    readdirSync(tmpdir()).filter((name) => name.startsWith('conntrack-') && /[\da-f]{8}-[\da-f]{4}-4/.test(name)),
    [],
  )
})
