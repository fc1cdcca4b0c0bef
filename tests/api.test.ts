// runtimes: node
// timeout: 300
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root, temporary } from './support/program.ts'

t.test('the API reference is what the sources say; npm run api writes it anew', async (t) => {
  const out = temporary(t)
  const { status, stdout, stderr } = spawnSync(join(root, 'docs/node_modules/.bin/typedoc'), ['--out', out], {
    cwd: join(root, 'docs'),
    encoding: 'utf8',
  })
  t.equal(status, 0, stdout + stderr)
  const pages = (directory: string): Map<string, string> =>
    new Map(
      globSync('**/*.md', { cwd: directory })
        .sort()
        .map((page) => [page, readFileSync(join(directory, page), 'utf8')]),
    )
  const [kept, made] = [pages(join(root, 'docs/api')), pages(out)]
  t.strictSame([...kept.keys()], [...made.keys()])
  for (const [page, text] of made) t.equal(kept.get(page), text, page)
})
