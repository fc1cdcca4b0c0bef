// runtimes: node
// timeout: 240
import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { elf } from './support/elf.ts'
import { command, namespace, root, skipKernel, temporary } from './support/program.ts'

const FLOW = '-p udp -s 192.0.2.1 -d 192.0.2.2 --sport 5000 --dport 53 -t 60'.split(' ')
const processor = process.arch
const skip = processor === 'x64' || processor === 'arm64' ? false : `there is no build for ${processor}`

/** Builds the program for a target. Gives the file. */
function build(t: Test, target: string): string {
  const { status, stdout, stderr } = command([process.execPath, join(root, 'scripts/binary.ts'), target])
  t.equal(status, 0, stderr)
  return stdout.trim()
}

t.test('there is a file for each processor and C library', async (t) => {
  for (const [target, processor, loader] of [
    ['x64', 'x64', '/lib64/ld-linux-x86-64.so.2'],
    ['arm64', 'arm64', '/lib/ld-linux-aarch64.so.1'],
    ['x64-musl', 'x64', '/lib/ld-musl-x86_64.so.1'],
    ['arm64-musl', 'arm64', '/lib/ld-musl-aarch64.so.1'],
  ] as const)
    t.strictSame(elf(build(t, target)), { processor, loader }, target)
  t.throws(() => elf(join(root, 'package.json')), /no program/)
  t.match(command([process.execPath, join(root, 'scripts/binary.ts'), 'mips']), { status: 1, stderr: /no build for mips/ })
})

t.test('it runs on a system that has nothing else: neither Bun nor Node, nor a shell', { skip: skip || skipKernel }, async (t) => {
  const binary = build(t, processor)
  const world = temporary(t)
  copyFileSync(binary, join(world, 'conntrack'))
  const { stdout } = command(['ldd', binary])
  const libraries = [...stdout.matchAll(/(?:=> )?(\/\S+) \(/g)].map(([, file = '']) => file)
  t.ok(libraries.length > 1 && libraries.every((file) => /\/(ld-linux-[^/]*|lib(c|m|dl|pthread)\.so\.\d)/.test(file)), libraries.join(' '))
  for (const file of libraries) {
    mkdirSync(join(world, dirname(file)), { recursive: true })
    copyFileSync(file, join(world, file))
  }
  mkdirSync(join(world, 'proc'))
  t.strictSame(
    readdirSync(world).toSorted(),
    [...new Set(['conntrack', 'proc', ...libraries.map((file) => file.split('/')[1] ?? '')])].toSorted(),
  )

  const netns = namespace(t, 'chroot')
  // The mount goes with the namespaces of its own.
  const inside = (...words: readonly string[]) => {
    const script = 'mount -t proc proc "$1/proc" && exec env -i /usr/sbin/chroot "$@"'
    const alone = ['ip', 'netns', 'exec', netns, 'unshare', '-mpf', 'sh', '-c', script, 'sh', world, '/conntrack']
    return command([...alone, ...words])
  }
  t.match(inside('-V'), { status: 0, stdout: /^conntrack v/, stderr: '' })
  t.match(inside('-I', ...FLOW), { status: 0 })
  t.match(inside('-L'), { status: 0, stdout: /^udp +17 \d+ src=192.0.2.1 dst=192.0.2.2 sport=5000 dport=53 .*\n$/ })
  t.match(inside('-L', '-o', 'json', '-p', 'udp', '--dport', 'domain'), { status: 2, stderr: /`domain'/ }, 'there is no /etc/services')
  t.match(inside('-E', '--for', '50ms'), { status: 0, stdout: '', stderr: /0 flow events/ })
  t.match(inside('-E', '--demo', '--count', '1', '-o', 'table'), { status: 0, stdout: /^EVENT .*\n(new|update|destroy) / })
  t.match(inside('-D', '-p', 'udp'), { status: 0, stdout: /^udp / })
  t.match(inside('-C'), { status: 0, stdout: '0\n' })
})

t.test('the program as one file runs alone, and takes nothing from where it is called', { skip }, async (t) => {
  const binary = build(t, processor)
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
    t.match(inside(...within, '-I', ...FLOW), { status: 0 })
    t.match(inside(...within, '-L'), { status: 0, stdout: /^udp +17 \d+ src=192.0.2.1 dst=192.0.2.2 sport=5000 dport=53 .*\n$/ })
    t.match(inside(...within, '-C'), { status: 0, stdout: '1\n' })
    await watches(t, within)
  }
  t.notOk(existsSync(stolen), 'no code of the directory was run')
})

/** Waiting takes a worker, which a single file has to bring along. */
async function watches(t: Test, within: readonly string[]): Promise<void> {
  const [program = '', ...words] = within
  const child = spawn(program, [...words, '-E', '-e', 'NEW', '--count', '2'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()))
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve))
  // Each is made when it waits for the one before no longer, or until it listens.
  for (let port = 1; child.exitCode === null; port++) {
    command([...within, '-I', ...`-p udp -s 192.0.2.1 -d 192.0.2.3 --sport ${port} --dport 53 -t 60`.split(' ')])
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.equal(await closed, 0)
  t.match(stdout, /^( +\[NEW\] udp +17 60 src=192\.0\.2\.1 dst=192\.0\.2\.3 .*\n){2}$/)
  t.match(stderr, /: 2 flow events have been shown\.\n$/)
}
