import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { Ran } from './namespace.ts'

/** Runs a command inside the older kernel: the script is for people too. */
export const OLD_KERNEL: string = fileURLToPath(new URL('../old-kernel/run', import.meta.url))

/** Exit status of the script where the kernel did not run the command. */
const NEVER_RAN = 125

/** What is told of a run besides its words. */
export interface OldKernelOptions {
  /** Standard input. */
  readonly input?: string
  /** Seconds after which the kernel is ended, and the status is 124. */
  readonly timeout?: number
  readonly environment?: Readonly<Record<string, string>>
  /** What this machine is, where a test says so itself. */
  readonly machine?: Machine
}

/** What decides whether User-Mode Linux 6.1 can run. */
export interface Machine {
  /** As in `process.arch`. */
  readonly architecture: string
  readonly isRoot: boolean
  /** As in /proc/cpuinfo. */
  readonly cpu: string
  /** Whether tests must not be skipped for want of the kernel. */
  readonly isCi: boolean
}

const thisMachine = (): Machine => ({
  architecture: process.arch,
  isRoot: process.getuid?.() === 0,
  cpu: readFileSync('/proc/cpuinfo', 'utf8'),
  isCi: Boolean(process.env['CI']),
})

/**
 * Runs a program as root inside an older kernel, Linux 6.1, which tracks DCCP and has sockets of it and of SCTP; see `old-kernel/run`.
 * A boot takes about three seconds, so a test file does with one. Where the kernel cannot start, the test counts as skipped and
 * undefined comes back; in CI that is a failure, unless the machine is of a kind on which it cannot.
 */
export async function inOldKernel(
  t: Pick<Test, 'pass' | 'fail'>,
  words: readonly string[],
  { input = '', timeout = 120, environment, machine = thisMachine() }: OldKernelOptions = {},
): Promise<Ran | undefined> {
  const ran = await new Promise<Ran>((resolve) => {
    const env = { ...process.env, ...environment }
    const child = execFile(OLD_KERNEL, ['--timeout', String(timeout), ...words], { env, maxBuffer: 2 ** 28 }, (_, stdout, stderr) => {
      resolve({ stdout, stderr, status: child.exitCode, signal: child.signalCode })
    })
    child.stdin?.end(input)
  })
  if (ran.status !== NEVER_RAN) return ran
  const reason = inability(machine)
  if (machine.isCi && reason === undefined) t.fail(`in CI it must start: ${ran.stderr}`)
  else t.pass('the kernel runs', { skip: `${ran.stderr.trim()}${reason === undefined ? '' : ` (${reason})`}` })
  return undefined
}

/** What a machine is that User-Mode Linux 6.1 does not run on. */
function inability({ architecture, isRoot, cpu }: Machine): string | undefined {
  if (architecture !== 'x64') return `this machine is ${architecture}, and Debian has the kernel for x64`
  if (!isRoot) return 'it takes root'
  if (/^flags.* amx_/m.test(cpu)) return 'its buffer for registers is too small for this processor, which has AMX'
  return undefined
}
