import { spawnSync } from 'node:child_process'
import { globSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { root } from './program.ts'

export { root } from './program.ts'

/** A tool of this clone. */
export const bin = (name: string): string => join(root, 'node_modules/.bin', name)

// The machine's own Node, which may be as old as packages allow, and its npm.
const path = (process.env['PATH'] ?? '').split(delimiter).filter((directory) => !directory.includes('node_modules'))
const env = { ...process.env, PATH: path.join(delimiter) }

/** Runs a program with this machine's own Node and npm, and gives what it writes; where it fails, its status and all that it wrote. */
export function run(cwd: string, command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8' })
  return status === 0 ? stdout : `status ${status}\n${stdout}${stderr}`
}

/** Builds and packs every package of a clone as it is published: tarballs by the name of the package's folder. */
export function pack(destination: string, clone: string = root): Map<string, string> {
  const built = run(clone, bin('tsc'), '-b', ...globSync('packages/*', { cwd: clone }))
  if (built !== '') throw new Error(built)
  const names = readdirSync(join(clone, 'packages'))
  return new Map(
    names.map((name) => {
      run(join(clone, 'packages', name), bin('pnpm'), 'pack', '--pack-destination', destination)
      const [tarball] = globSync(join(destination, `conntrack-${name}-*.tgz`))
      if (tarball === undefined) throw new Error(`${name} cannot be packed`)
      return [name, tarball]
    }),
  )
}

/** Installs tarballs by npm, with what they depend on, but for what is `omitted`. */
export function install(folder: string, tarballs: readonly string[], ...omitted: readonly string[]): void {
  const omit = ['dev', ...omitted].map((kind) => `--omit=${kind}`)
  const said = run(folder, 'npm', 'install', '--silent', '--no-audit', '--no-fund', ...omit, ...tarballs)
  if (said.startsWith('status')) throw new Error(said)
}
