// Tells each package where it is built, which provenance asks for: in CI, right before publishing, from what CI itself knows.
import { globSync, readFileSync, writeFileSync } from 'node:fs'

const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env
if (!server || !repository) throw new Error('GITHUB_SERVER_URL and GITHUB_REPOSITORY are not set: this is for CI')
for (const file of globSync('packages/*/package.json')) {
  const manifest = JSON.parse(readFileSync(file, 'utf8'))
  manifest.repository = { type: 'git', url: `git+${server}/${repository}.git`, directory: file.replace('/package.json', '') }
  writeFileSync(file, `${JSON.stringify(manifest, undefined, 2)}\n`)
}
