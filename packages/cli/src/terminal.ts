import { fstatSync, type Stats } from 'node:fs'
import { createRequire } from 'node:module'

/** MEM_MAJOR: the devices like /dev/null, by the upper part of their number. */
const MEM_MAJOR = 1

/** Whether a descriptor is a terminal. What is none is mostly seen at a glance: to load node:tty takes as long as a short run. */
export function isTerminal(descriptor: number): boolean {
  const stats = statsOf(descriptor)
  if (!stats?.isCharacterDevice() || stats.rdev >>> 8 === MEM_MAJOR) return false
  const { isatty } = createRequire(import.meta.url)('node:tty') as typeof import('node:tty')
  return isatty(descriptor)
}

function statsOf(descriptor: number): Stats | undefined {
  try {
    return fstatSync(descriptor)
  } catch {
    // It is closed.
    return undefined
  }
}
