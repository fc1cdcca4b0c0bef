import t from 'tap'
import { progressLine } from '../src/progress.ts'
import { kept } from './program.ts'

/** A line on a terminal, and a clock that stands still. */
function watched(total?: number) {
  const shown: string[] = []
  let time = 0
  const line = progressLine({ ...kept().io, status: (text) => shown.push(text) }, 'deleted', total, () => time)
  return { shown, line, at: (milliseconds: number) => (time = milliseconds) }
}

t.test('a long command shows how many are done, how fast, and what is left', async (t) => {
  const { shown, line, at } = watched(1_000_000)
  line.step(10)
  at(999)
  line.step(100_000)
  t.strictSame(shown, [], 'nothing in the first second')
  at(2000)
  line.step(200_000)
  at(2200)
  line.step(210_000)
  at(4000)
  line.step(400_000)
  t.strictSame(
    shown,
    ['200,000 deleted, 100,000/s, about 8 s left', '400,000 deleted, 100,000/s, about 6 s left'],
    'four times a second at most',
  )
  line.clear()
  line.clear()
  t.equal(shown.at(-1), '')
  t.equal(shown.length, 3)
})

t.test('where nobody knows the end, nothing is said of it', async (t) => {
  const { shown, line, at } = watched()
  at(2000)
  line.step(3000)
  t.strictSame(shown, ['3,000 deleted, 1,500/s'])
})

t.test('in a pipe nothing is shown', async (t) => {
  const { io, stderr } = kept()
  const line = progressLine(io, 'deleted', 5, () => 1e9)
  line.step(3)
  line.clear()
  t.equal(stderr(), '')
})
