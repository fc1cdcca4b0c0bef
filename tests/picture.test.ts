// runtimes: node
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { svgOf } from '../scripts/terminal-svg.ts'
import { command, root, temporary } from './support/program.ts'

/** The lines of text in a picture, and the colours in it. */
function read(svg: string): { readonly lines: string[]; readonly fills: Set<string> } {
  const rows = new Map<string, string>()
  const fills = new Set<string>()
  for (const [, y = '', style = '', text = ''] of svg.matchAll(/<text x="[\d.]+" y="([\d.]+)" textLength="[\d.]+"(.*?)>(.*?)<\/text>/g)) {
    rows.set(y, rows.has(y) ? `${rows.get(y)}  ${text}` : text)
    fills.add(/fill="(.*?)"/.exec(style)?.[1] ?? 'plain')
  }
  return { lines: [...rows.values()], fills }
}

t.test('a terminal becomes a picture: its words, where they stand, and their colours', async (t) => {
  const svg = svgOf(['\u001b[1mA  B C\u001b[0m', '', '  \u001b[32m<ok>\u001b[39m &'], { columns: 10, title: 'two "lines"' })
  t.same(
    [...svg.matchAll(/<text .*$/gm)].map(([text]) => text),
    [
      '<text x="16" y="30" textLength="8.4" font-weight="bold">A</text>',
      '<text x="41.2" y="30" textLength="25.2" font-weight="bold">B C</text>',
      '<text x="32.8" y="68" textLength="33.6" fill="#56d364">&lt;ok&gt;</text>',
      '<text x="74.8" y="68" textLength="8.4">&amp;</text>',
    ],
  )
  t.match(svg, 'viewBox="0 0 116 89"')
  t.match(svg, '<title>two &quot;lines&quot;</title>')
})

t.test('the picture of the README shows a table and events, says what they are of, and is made by npm run picture', async (t) => {
  t.match(readFileSync(join(root, 'README.md'), 'utf8'), '](docs/pictures/terminal.svg)')
  const made = join(temporary(t), 'made.svg')
  const { status, stderr } = command([process.execPath, join(root, 'scripts/picture.ts'), made])
  t.equal(status, 0, stderr)
  const kept = join(root, 'docs/pictures/terminal.svg')
  for (const file of [kept, made]) {
    t.match(command(['xmllint', '--noout', file]), { status: 0, stderr: '' })
    const { lines, fills } = read(readFileSync(file, 'utf8'))
    const [table = [], events = []] = lines
      .join('\n')
      .split(/^\$ /m)
      .slice(1)
      .map((text) => text.split('\n'))
    for (const [command, label] of [table, events]) {
      t.match(command, /^conntrack --demo /)
      t.match(label, /^DEMONSTRATION: /)
    }
    t.ok(events.filter((line) => /^\[(NEW|UPDATE|DESTROY)\] (tcp|udp) .*src=/.test(line)).length > 5, 'events')
    // The made-up network goes on, and may have few flows of this kind.
    if (file !== kept) continue
    t.match(table[2], /^PROTO {2}STATE {2}SOURCE {2}DESTINATION /)
    t.ok(table.filter((line) => /^(tcp|udp) /.test(line)).length > 2, 'rows')
    t.ok(fills.has('#56d364') && fills.has('plain'), 'colours')
  }
})
