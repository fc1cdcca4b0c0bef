// runtimes: node
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { command, namespace, root, skipKernel, temporary } from './support/program.ts'

const processor = process.arch
const skip = processor === 'x64' || processor === 'arm64' ? false : `there is no build for ${processor}`

t.test('the program as one file runs alone, and takes nothing from where it is called', { skip }, async (t) => {
  const { status, stdout } = command([process.execPath, join(root, 'scripts/binary.ts'), processor])
  t.equal(status, 0)
  const binary = stdout.trim()
  const directory = temporary(t)
  mkdirSync(join(directory, 'node_modules'))
  const stolen = join(directory, 'stolen')
  const evil = `require('node:fs').writeFileSync(${JSON.stringify(stolen)}, '')`
  for (const [name, text] of Object.entries({
    'bunfig.toml': 'preload = ["./evil.js"]',
    'evil.js': evil,
    '.env': 'BUN_OPTIONS="--preload ./evil.js"\nTZ=Nowhere',
    'tsconfig.json': '{"compilerOptions":{"paths":{"*":["./evil.js"]}}}',
    'package.json': '{"imports":{"#libc":"./evil.js"}}',
  }))
    writeFileSync(join(directory, name), text)
  const inside = (...words: readonly string[]) => command(['env', '-C', directory, ...words], { PATH: process.env['PATH'] })
  t.match(inside(binary, '-V'), { status: 0, stdout: /^conntrack v/, stderr: '' })
  t.match(inside(binary, '-L', '-s', 'nonsense'), { status: 2, stdout: '', stderr: /`nonsense'/ })
  t.match(inside(binary, '-L', '--demo', '-o', 'json'), { status: 0, stdout: /^\{"version":1,/ })
  if (!skipKernel) {
    const within = ['ip', 'netns', 'exec', namespace(t, 'binary'), binary]
    const flow = '-p udp -s 192.0.2.1 -d 192.0.2.2 --sport 5000 --dport 53 -t 60'.split(' ')
    t.match(inside(...within, '-I', ...flow), { status: 0 })
    t.match(inside(...within, '-L'), { status: 0, stdout: /^udp +17 \d+ src=192.0.2.1 dst=192.0.2.2 sport=5000 dport=53 .*\n$/ })
    t.match(inside(...within, '-C'), { status: 0, stdout: '1\n' })
  }
  t.notOk(existsSync(stolen), 'no code of the directory was run')
})
