import t from 'tap'
import { atOnce, STEP } from '../../src/commands/steps.ts'
import { line } from '../../../formatters/src/index.ts'
import { type ScriptedConntrack, scriptedConntrack } from '../scripted-conntrack.ts'

const DELETE = 0x0102
const NEW = 0x0100
const COUNT = 4 * STEP

/** A table of so many flows, each with its own port and mark. */
const table = (count: number): ScriptedConntrack =>
  scriptedConntrack(
    Array.from({ length: count }, (_, i) => ({
      protocol: 'datagram',
      original: { source: '10.0.0.1', destination: '10.0.0.2', sourcePort: i, destinationPort: 53 },
      reply: { source: '10.0.0.2', destination: '10.0.0.1', sourcePort: 53, destinationPort: i },
      mark: i % 2,
    })),
  )

const asked = ({ asked }: ScriptedConntrack, type: number): number => asked.filter((request) => request.type === type).length

t.test('what is done in steps is what is done at once', (t) => {
  const { flows } = table(COUNT)
  t.strictSame(atOnce(flows.steps.deleteAll({ mark: 1 })), flows.deleteAll({ mark: 1 }))
  t.strictSame(atOnce(flows.steps.updateAll({}, { mark: 1 })), flows.updateAll({}, { mark: 1 }))
  const gone: unknown[] = []
  atOnce(flows.steps.flush({ mark: 1 }, { onEntry: (entry) => gone.push(entry.decode().mark) }))
  t.strictSame(new Set(gone), new Set([1]), 'a flush, of a kernel that cannot do it at once')
  const given = Array.from(
    { length: COUNT },
    () => ({ protocol: 'datagram', original: { source: '10.0.0.1', destination: '10.0.0.2' }, timeout: 1 }) as const,
  )
  t.strictSame(atOnce(flows.steps.createAll(given)), flows.createAll(given))
  const texts = ['', '']
  flows.list().print(line(), (chunk) => (texts[0] += new TextDecoder().decode(chunk)))
  const steps = flows.list().printInSteps(line(), (chunk) => (texts[1] += new TextDecoder().decode(chunk)))
  let count = 0
  while (steps.next().done !== true) count++
  t.ok(count >= COUNT / STEP, `${count} steps`)
  t.equal(texts[0], texts[1])
  t.end()
})

t.test('what is left early stops between two entries: all that was sent is told, and nothing more is sent', (t) => {
  const ct = table(COUNT)
  const told: unknown[] = []
  const steps = ct.flows.steps.deleteAll({}, { onEntry: (entry) => told.push(entry.decode().original) })
  t.equal(asked(ct, DELETE), 0, 'nothing happens before the first step')
  steps.next()
  steps.next()
  steps.return(undefined as never)
  t.ok(told.length > 0 && told.length < COUNT)
  t.equal(told.length, asked(ct, DELETE), 'each delete that was sent, and no other')
  t.ok(
    ct.kernel.sockets.some(({ closed }) => closed),
    'the list is given up',
  )
  t.equal(steps.next().done, true)
  t.equal(asked(ct, DELETE), told.length)
  t.equal(ct.flows.deleteAll({}).deleted, COUNT, 'what comes after is not disturbed')
  t.end()
})

t.test('a dry run asks for the list alone, and tells what the command would do', (t) => {
  for (const filter of [{}, { mark: 1 }]) {
    const ct = table(COUNT)
    const told: unknown[] = []
    const options = { dryRun: true, onEntry: (entry: { decode(): Record<string, unknown> }) => told.push(entry.decode().mark) }
    const dry = ct.flows.deleteAll(filter, options)
    t.equal(asked(ct, DELETE), 0)
    t.equal(told.length, dry.deleted)
    t.strictSame(dry, ct.flows.deleteAll(filter), 'as the command itself says')
  }
  const ct = table(COUNT)
  const dry = ct.flows.updateAll({}, { mark: 1 }, { dryRun: true })
  t.equal(asked(ct, NEW), 0)
  t.strictSame(dry, ct.flows.updateAll({}, { mark: 1 }))
  t.equal(dry.updated, COUNT / 2, 'of which some are as wanted')
  t.end()
})
