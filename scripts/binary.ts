// Builds the program as one file that needs nothing but the C library and /proc:  npm run build:binary -- [x64] [arm64] [x64-musl] [arm64-musl]
// Such a file begins to work at once, as it is compiled already. In whatever directory it is called, it takes no code or settings from there.
// That of another processor or C library is made here too: Bun fetches its own build for it from npm's registry.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const known = ['x64', 'arm64', 'x64-musl', 'arm64-musl']
const chosen = process.argv.length > 2 ? process.argv.slice(2) : known
const strange = chosen.find((one) => !known.includes(one))
if (strange !== undefined) throw new Error(`no build for ${strange}: there are ${known.join(', ')}`)

for (const target of chosen) {
  const file = join(root, 'dist', `conntrack-linux-${target}`)
  const flags = [
    `--target=bun-linux-${target}`,
    '--conditions=@conntrack/source',
    '--minify',
    '--bytecode',
    '--format=esm',
    // Unasked, Bun takes bunfig.toml (code to load first) and .env from the current directory.
    '--no-compile-autoload-bunfig',
    '--no-compile-autoload-dotenv',
  ]
  const { status } = spawnSync(
    join(root, 'node_modules/bun/bin/bun.exe'),
    ['build', '--compile', ...flags, join(root, 'packages/cli/src/bin.ts'), `--outfile=${file}`],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
  )
  if (status !== 0) throw new Error(`bun build ended with ${status}`)
  console.log(file)
}
