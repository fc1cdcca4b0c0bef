import t from 'tap'
import { screenOf } from '../src/io.ts'

t.test('colours and a width are for terminals', async (t) => {
  t.strictSame(screenOf({ isTTY: true, columns: 80 }, { TERM: 'xterm' }), { width: 80, colors: true })
  t.strictSame(screenOf({ columns: 80 }, { TERM: 'xterm' }), { colors: false })
  t.strictSame(screenOf({ isTTY: true, columns: 0 }, {}), { width: undefined, colors: true }, 'one that does not know how wide it is')
})

t.test('NO_COLOR and a dumb terminal have none', async (t) => {
  for (const environment of [{ NO_COLOR: '1' }, { TERM: 'dumb' }])
    t.match(screenOf({ isTTY: true, columns: 80 }, environment), { width: 80, colors: false })
  t.match(screenOf({ isTTY: true, columns: 80 }, { NO_COLOR: '' }), { colors: true }, 'an empty NO_COLOR is none')
})
