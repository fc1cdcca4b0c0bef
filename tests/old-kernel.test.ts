// runtimes: node
import { execFileSync, spawn } from 'node:child_process'
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { inOldKernel, OLD_KERNEL } from './support/old-kernel.ts'

const skip: string | false = process.getuid?.() === 0 ? false : 'it takes root'

/** A folder of our own for the runner's, so that what it leaves there is seen. */
const TMPDIR = mkdtempSync(join(tmpdir(), 'old-kernel-test-'))
t.teardown(() => rmSync(TMPDIR, { recursive: true }))

t.test('a command runs as it would here, in another kernel', async (t) => {
  const script = `uname -r; printf '%s|' "$@"; pwd; echo "$GREETING"; cat; echo oops >&2; touch ${TMPDIR}/here; ls ${TMPDIR}/here; exit 7`
  const words = ['sh', '-c', script, 'sh', "it's", 'a b', '$HOME', '']
  const ran = await inOldKernel(t, words, { input: 'line\n', environment: { GREETING: '"hello"', TMPDIR } })
  if (ran === undefined) return
  const [release, ...lines] = ran.stdout.split('\n')
  t.notSame(release, execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim())
  t.strictSame(lines, [`it's|a b|$HOME||${process.cwd()}`, '"hello"', 'line', `${TMPDIR}/here`, ''])
  t.match(ran, { stderr: 'oops\n', status: 7, signal: null })
  t.notOk(existsSync(`${TMPDIR}/here`), 'a file that is written there is not written here')
  t.strictSame(readdirSync(TMPDIR), [], 'and nothing is left')
})

t.test(
  'where it cannot start, a test counts as skipped and says why; in CI it fails, unless the machine is one on which it cannot',
  async (t) => {
    // A cache that is empty, on a machine that has no packages.
    const environment = { TMPDIR, XDG_CACHE_HOME: TMPDIR, PATH: join(TMPDIR, 'bin') }
    mkdirSync(environment.PATH)
    for (const name of ['bash', 'mkdir', 'flock', 'mktemp', 'rm'])
      symlinkSync(realpathSync(`/usr/bin/${name}`), join(environment.PATH, name))
    const able = { architecture: 'x64', isRoot: true, cpu: 'flags\t\t: fpu avx2', isCi: true }
    for (const [machine, outcome, says] of [
      [able, 'fail', /in CI it must start: old kernel: no apt-get and dpkg-deb/],
      [{ ...able, isCi: false }, 'skip', /^old kernel: no apt-get and dpkg-deb[^(]*$/],
      [{ ...able, cpu: 'flags\t\t: fpu avx2 amx_bf16 amx_tile' }, 'skip', /AMX/],
      [{ ...able, architecture: 'arm64' }, 'skip', /arm64/],
      [{ ...able, isRoot: false }, 'skip', /takes root/],
    ] as const) {
      const told: [outcome: string, text: string][] = []
      const fake = {
        pass: (_: string, { skip }: { skip: string }) => told.push(['skip', skip]) > 0,
        fail: (text: string) => told.push(['fail', text]) > 0,
      }
      t.equal(await inOldKernel(fake as never, ['true'], { environment, machine }), undefined)
      const [[found, text]] = told
      t.equal(found, outcome, text)
      t.match(text, says)
    }
    rmSync(environment.PATH, { recursive: true })
    rmSync(join(TMPDIR, 'conntrack.ts'), { recursive: true })
  },
)

t.test('a command without an end is ended', async (t) => {
  const ran = await inOldKernel(t, ['sh', '-c', 'echo begun; while :; do :; done'], { timeout: 6, environment: { TMPDIR } })
  if (ran === undefined) return
  t.match(ran, { stdout: 'begun\n', stderr: /no end after 6 s/, status: 124 })
  t.strictSame(readdirSync(TMPDIR), [])
})

t.test('with the runner, even if it is killed, end the kernel and all that runs in it', { skip }, async (t) => {
  const child = spawn(OLD_KERNEL, ['sh', '-c', 'sleep 1000 & touch /run/job/ready; sleep 1000'], {
    env: { ...process.env, TMPDIR },
    stdio: 'ignore',
  })
  const end = new Promise((resolve) => child.once('exit', resolve))
  await until(() => child.exitCode !== null || globSync('*/ready', { cwd: TMPDIR }).length > 0)
  if (child.exitCode !== null) {
    t.pass('the kernel runs', { skip: 'it did not start: see above' })
    return
  }
  t.ok(guests().length > 0)
  child.kill('SIGKILL')
  await end
  await until(() => guests().length === 0)
  t.pass('nothing runs any more')
})

/** Resolves when something holds; the test's own clock ends what never does. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 50))
}

let kernels: readonly string[] = []

/** The processes of the PID namespaces in which a kernel was started from here. */
function guests(): string[] {
  const all = readdirSync('/proc').flatMap((pid) => (/^\d+$/.test(pid) ? [{ pid, ...processOf(pid) }] : []))
  const own = processOf('self').namespace
  kernels = [...kernels, ...all.flatMap(({ command, namespace }) => (command.includes(TMPDIR) && namespace !== own ? [namespace] : []))]
  return all.filter(({ namespace }) => kernels.includes(namespace)).map(({ pid }) => pid)
}

function processOf(pid: string): { command: string; namespace: string } {
  try {
    return { command: readFileSync(`/proc/${pid}/cmdline`, 'utf8'), namespace: readlinkSync(`/proc/${pid}/ns/pid`) }
  } catch {
    return { command: '', namespace: '' } // it has ended meanwhile
  }
}
