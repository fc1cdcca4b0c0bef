// Writes each package's jsr.json, for the registry of that name, out of its package.json; run after `changeset version`, and by hand.
import { globSync, readFileSync, writeFileSync } from 'node:fs'

const packages = new URL('../packages/', import.meta.url)
const manifests = globSync('*/package.json', { cwd: packages })
  .sort()
  .map((file) => [file.replace('package.json', ''), JSON.parse(readFileSync(new URL(file, packages), 'utf8'))])

/** The source behind a condition of package.json. */
const source = (entry) => entry['@conntrack/source']

/** What a package imports by another name there: its own `#…` as Deno has it, and other packages of ours from that registry. */
function importsOf({ imports = {}, dependencies = {} }) {
  const own = Object.entries(imports).map(([name, { deno }]) => [name, source(deno)])
  const others = Object.keys(dependencies).flatMap((name) => {
    const [, { version, exports }] = manifests.find(([, one]) => one.name === name)
    const paths = Object.keys(exports).filter((path) => source(exports[path]))
    return paths.map((path) => [name + path.slice(1), `jsr:${name}@^${version}${path.slice(1)}`])
  })
  return Object.fromEntries([...own, ...others])
}

for (const [directory, manifest] of manifests) {
  const { name, version, license, exports } = manifest
  const entries = Object.entries(exports).flatMap(([path, entry]) => (source(entry) ? [[path, source(entry)]] : []))
  const publish = { include: ['src', 'README.md'] }
  const jsr = { name, version, license, exports: Object.fromEntries(entries), imports: importsOf(manifest), publish }
  // As the formatter has it: short lists in a line.
  const text = JSON.stringify(jsr, undefined, 2).replace(/\[\s+([^\]]*?)\s+\]/g, (_, items) => `[${items.replace(/\s+/g, ' ')}]`)
  writeFileSync(new URL(`${directory}jsr.json`, packages), `${text}\n`)
}
