import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Test } from 'tap'

/** Why tests that change the kernel's table are skipped, or false. */
export const skipKernel: string | false = process.getuid?.() === 0 ? false : 'making a network namespace takes root'

const PYTHON = '/usr/bin/python3'

/** Why tests that send packets are skipped, or false. */
export const skipTraffic: string | false = skipKernel || (existsSync(PYTHON) ? false : `there is no ${PYTHON} to send packets with`)

let made = 0

/** A network namespace for one test, which is removed behind it. Counters and timestamps are on in it. Gives its name. */
export function namespace(t: Test): string {
  const name = `ct-${process.pid}-${made++}-${Math.random().toString(36).slice(2, 8)}`
  execFileSync('ip', ['netns', 'add', name])
  t.teardown(() => execFileSync('ip', ['netns', 'del', name]))
  for (const option of ['nf_conntrack_acct', 'nf_conntrack_timestamp']) within(name, 'sysctl', '-qw', `net.netfilter.${option}=1`)
  return name
}

/** Runs a program in a namespace, and gives what it writes. */
export function within(name: string, program: string, ...args: readonly string[]): string {
  return execFileSync('ip', ['netns', 'exec', name, program, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Lets the kernel track what goes over the loopback of a namespace: a rule that looks at connections registers its hooks. */
export function trackLoopback(name: string): void {
  within(name, 'ip', 'link', 'set', 'lo', 'up')
  within(
    name,
    'nft',
    'add table inet t; add chain inet t i { type filter hook input priority 0; }; add rule inet t i ct state new,established accept',
  )
}

/** Runs a Python script in a namespace until the test is over. Resolves once the script has written a line. */
export async function traffic(t: Test, name: string, script: string): Promise<void> {
  const child = spawn('ip', ['netns', 'exec', name, PYTHON, '-I', '-c', script], { stdio: ['pipe', 'pipe', 'pipe'] })
  t.teardown(() => ended(child))
  let errors = ''
  child.stderr.on('data', (text: Buffer) => {
    errors += text.toString()
  })
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve())
    child.once('exit', (code) => reject(new Error(`the script ended with ${code}: ${errors}`)))
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const end = new Promise((resolve) => child.once('exit', resolve))
  child.kill()
  await end
}
