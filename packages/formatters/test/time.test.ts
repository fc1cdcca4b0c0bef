import { spawnSync } from 'node:child_process'
import t from 'tap'
import { line, xml } from '../src/index.ts'
import { printedFlow, stopClock } from './printed.ts'

const SECOND = 1_000_000_000n
const at = (seconds: number): bigint => BigInt(Math.round(seconds * 10)) * (SECOND / 10n)

/** The age that is shown. */
const age = (start: bigint, stop?: bigint): string | undefined => {
  const timestamp = stop === undefined ? { start } : { start, stop }
  const [, inLine] = /delta-time=(\d+)/.exec(printedFlow(line(), { timestamp })) ?? []
  const [, inXml] = /<deltatime>(\d+)</.exec(printedFlow(xml(), { timestamp })) ?? []
  t.equal(inLine, inXml)
  return inLine
}

t.test('the age is in whole seconds, each end rounded down as conntrack(8) does', (t) => {
  stopClock(t, at(1795495721.2))
  t.equal(age(at(1795495721.2)), '0')
  t.equal(age(at(1795495720.9)), '1', 'conntrack 1.4.7 showed 1 after 0.3 seconds')
  t.equal(age(at(1795495720)), '1')
  t.equal(age(at(1795495719.1)), '2')
  t.equal(age(at(1795495021.9)), '700')
  t.equal(age(at(1795495800)), '0', 'a clock that was set back makes no negative age')
  t.end()
})

t.test('the age of a flow that has ended is until then', (t) => {
  stopClock(t, at(2000000000))
  t.equal(age(at(100), at(160)), '60')
  t.equal(age(at(100.9), at(101.1)), '1')
  t.equal(age(at(100.1), at(100.9)), '0')
  t.equal(age(0n, at(4294967296)), '4294967296')
  t.end()
})

t.test('without a beginning there is no age', (t) => {
  t.notMatch(printedFlow(line({ kernelTimestamp: true }), { timestamp: { stop: 5n } }), /delta-time|start/)
  t.notMatch(printedFlow(line({ kernelTimestamp: true })), /delta-time|start|stop/)
  t.notMatch(printedFlow(xml({ kernelTimestamp: true })), /deltatime|timestamp/)
  t.end()
})

t.test('kernelTimestamp shows beginning and end as ctime(3) does, in the local time zone', (t) => {
  for (const seconds of [0, 1, 86399, 1e9, 1795477107, 1795500000, 1772323199, 4102444799]) {
    const { stdout, status } = spawnSync('date', ['-d', `@${seconds}`, '+%a %b %e %H:%M:%S %Y'], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    })
    t.equal(status, 0)
    const start = at(seconds) + 999_999_999n
    const text = printedFlow(line({ kernelTimestamp: true }), { timestamp: { start, stop: start }, helper: { name: 'ftp' } })
    t.match(text, ` delta-time=0 [start=${stdout.trimEnd()}] [stop=${stdout.trimEnd()}] helper=ftp\n`)
  }
  t.match(
    printedFlow(xml({ kernelTimestamp: true }), { timestamp: { start: 5n, stop: 7n } }),
    '<timestamp><start>5</start><stop>7</stop></timestamp>',
  )
  t.match(printedFlow(xml({ kernelTimestamp: true }), { timestamp: { start: 5n } }), '<timestamp><start>5</start></timestamp>')
  t.end()
})
