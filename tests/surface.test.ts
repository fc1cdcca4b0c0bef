// runtimes: node
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { entryPoints, exportsOf } from './surface/surface.ts'
import { root } from './support/program.ts'

const entries = new Map(
  globSync('packages/*', { cwd: root })
    .sort()
    .flatMap((one) => [...entryPoints(join(root, one))]),
)
const surfaces = exportsOf([...entries.values()])

t.test('every export and every member of it has a docblock', async (t) => {
  t.ok(entries.size > 9)
  for (const [entry, file] of entries)
    t.strictSame(
      surfaces.get(file)?.flatMap(({ undocumented }) => undocumented),
      [],
      entry,
    )
})

t.test('what packages export is what it was; UPDATE=1 npm test -- surface writes it down anew', async (t) => {
  for (const [entry, file] of entries) {
    const snapshot = join(root, 'tests/surface', `${entry.replace('@conntrack/', '').replace('/', '-')}.txt`)
    const text = `${(surfaces.get(file) ?? []).map((one) => one.text).join('\n')}\n`
    if (process.env['UPDATE'] === '1') writeFileSync(snapshot, text)
    t.equal(existsSync(snapshot) ? readFileSync(snapshot, 'utf8') : '', text, entry)
  }
})
