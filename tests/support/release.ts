import { cpSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { bin, root, run } from './packed.ts'

/** What a clone has that is no part of it. */
const LEFT_OUT = /(^|\/)(dist|\.turbo|\.git|\.tsbuildinfo|\.documents-[^/]*|\.setup\.lock)$/

/** Copies this clone, as it is now, and gives its packages the versions of the next release, with their changelogs. Gives the copy. */
export function versioned(clone: string): string {
  const isOwn = (path: string): boolean => !LEFT_OUT.test(path)
  cpSync(root, clone, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => source === root || (isOwn(source) && source !== join(root, 'node_modules')),
  })
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'))
  const git = (...words: string[]): string => run(clone, 'git', '-c', 'user.name=release', '-c', 'user.email=release@localhost', ...words)
  git('init', '--quiet', '--initial-branch=main')
  git('add', '--all')
  git('commit', '--quiet', '--message=all')
  const said = [[bin('changeset'), 'version'], ...['version', 'jsr'].map((name) => [process.execPath, `scripts/${name}.mjs`])].map(
    ([program = '', ...words]) => run(clone, program, ...words),
  )
  if (said.some((one) => one.startsWith('status')) || readdirSync(join(clone, '.changeset')).length === 0) throw new Error(said.join(''))
  return clone
}
