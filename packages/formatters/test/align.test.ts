import t from 'tap'
import { aligner, type Column, type Screen } from '../src/index.ts'

const COLUMNS: readonly Column[] = [
  { title: 'PROTO', rank: 0 },
  { title: 'FROM', rank: 0 },
  { title: 'TO', rank: 0, below: true },
  { title: 'DETAIL', rank: 3, named: true },
  { title: 'STATUS', rank: 1, toned: true },
  { title: 'MARK', rank: 2, right: true },
]
const TITLES = `${COLUMNS.map(({ title }) => title).join('\t')}\n`

/** Rows, cells parted by blanks and `-` for an empty one, as a table; each argument is a chunk. */
function table(screen: Partial<Screen>, ...chunks: string[][]): string[] {
  let text = ''
  const write = aligner(COLUMNS, { colors: false, ...screen }, (chunk) => {
    text += Buffer.from(chunk).toString()
  })
  for (const [i, rows] of chunks.entries()) {
    const lines = rows.map(
      (row) =>
        `${row
          .replace(/(?<=^| )-(?= |$)/g, '')
          .replaceAll(' ', '\t')
          .replaceAll('+', ' ')}\n`,
    )
    write(Buffer.from((i === 0 ? TITLES : '') + lines.join('')))
  }
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

t.test('columns are as wide as what is in them, numbers stand to the right, and empty columns are left out', async (t) => {
  t.strictSame(table({}, ['tcp 10.0.0.1:1000 10.0.0.2:80 - ASSURED 7', 'udp 10.0.0.1:1 10.0.0.20:53 - - 12345']), [
    'PROTO  FROM           TO            STATUS    MARK',
    'tcp    10.0.0.1:1000  10.0.0.2:80   ASSURED      7',
    'udp    10.0.0.1:1     10.0.0.20:53           12345',
  ])
})

t.test(
  'the first chunk decides which columns there are; later rows are never cut, and what has no column is named behind the row',
  async (t) => {
    t.strictSame(table({}, ['tcp a b - - -'], ['udp abcdefgh b type=8+code=0 ASSURED 9', 'udp a b - - -']), [
      'PROTO  FROM  TO',
      'tcp    a     b',
      'udp    abcdefgh  b  type=8  code=0  status=ASSURED  mark=9',
      'udp    a         b',
    ])
  },
)

t.test('a column grows with later rows while the screen has room', async (t) => {
  const chunks = [['tcp a b - - -'], ['tcp abcdef b - - -'], ['tcp a abcdef - - -'], ['tcp abcdefghijkl b - - -'], ['tcp a b - - -']]
  t.strictSame(table({ width: 22 }, ...chunks), [
    'PROTO  FROM  TO',
    'tcp    a     b',
    'tcp    abcdef  b',
    'tcp    a       abcdef',
    'tcp    abcdefghijkl  b',
    'tcp    a       b',
  ])
})

t.test('on a narrow screen one end is below the other, and columns leave by their rank', async (t) => {
  const rows = ['tcp 10.0.0.1:1000 10.0.0.2:80 type=8 ASSURED 7', 'udp 10.0.0.1:1 10.0.0.20:53 - - 12345']
  t.strictSame(table({ width: 45 }, rows), [
    'PROTO  FROM           DETAIL  STATUS    MARK',
    '       TO',
    'tcp    10.0.0.1:1000  type=8  ASSURED      7',
    '       10.0.0.2:80',
    'udp    10.0.0.1:1                      12345',
    '       10.0.0.20:53',
  ])
  t.strictSame(table({ width: 30 }, rows), [
    'PROTO  FROM           STATUS',
    '       TO',
    'tcp    10.0.0.1:1000  ASSURED',
    '       10.0.0.2:80  type=8',
    '       mark=7',
    'udp    10.0.0.1:1',
    '       10.0.0.20:53',
    '       mark=12345',
  ])
})

t.test('no line is wider than the screen, so long as what is in it is not', async (t) => {
  const v6 = '[2001:db8:1234:5678:9abc:def0:1234:5678]:65535'
  const rows = Array.from({ length: 20 }, (_, i) => `${i % 2 ? 'udplite' : 'tcp'} ${v6} ${v6} type=8+code=0+id=65535 UNREPLIED 4294967295`)
  for (let width = 60; width < 200; width++) {
    const lines = table({ width }, rows)
    t.ok(
      lines.every((line) => line.length <= width && line === line.trimEnd()),
      `${width} columns`,
    )
    t.equal(lines.filter((line) => line.includes(v6)).length, width < 150 ? 40 : 20)
  }
})

t.test('colours are for how a row is, and take no room', async (t) => {
  const rows = ['tcp a b - ASSURED 7', 'tcp a b - UNREPLIED 7', 'tcp a b - - 7']
  const plain = table({}, rows)
  const coloured = table({ colors: true }, rows)
  // oxlint-disable-next-line no-control-regex
  t.strictSame(
    coloured.map((line) => line.replace(/\u001b\[\d+m/g, '')),
    plain,
  )
  t.match(coloured[0], /^\u001b\[1mPROTO .*MARK\u001b\[0m$/)
  t.match(coloured[1], '\u001b[32mASSURED\u001b[0m')
  t.match(coloured[2], '\u001b[33mUNREPLIED\u001b[0m')
  t.notMatch(coloured[3], '\u001b')
})

t.test('without rows there is nothing, and titles may come alone', async (t) => {
  t.strictSame(table({}, []), [])
  t.strictSame(table({}, [], ['tcp a b - - -']), ['PROTO  FROM  TO', 'tcp    a     b'])
})
