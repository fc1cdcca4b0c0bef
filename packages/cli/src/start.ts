import process from 'node:process'
import { createCli, screenOf, standardIo } from './index.ts'
import { installed } from './installed.ts'
import { isTerminal } from './terminal.ts'

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const

let controller: AbortController | undefined

/**
 * Before such work these signals end the program at once, as they do any other. From then on it ends by itself: work that is done when
 * one comes is still told of, and more is not begun.
 */
async function stoppable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  controller ??= listening()
  return await work(controller.signal)
}

function listening(): AbortController {
  const made = new AbortController()
  for (const name of SIGNALS) process.on(name, () => made.abort(name))
  return made
}

/** SIGUSR1 asks a program that goes on for what it has counted. */
const onReport = (listener: () => void): (() => void) => {
  process.on('SIGUSR1', listener)
  return () => {
    process.off('SIGUSR1', listener)
  }
}

process.exitCode = await createCli(installed)(
  process.argv.slice(2),
  standardIo(
    {
      screen: () => screenOf(process.stdout, process.env),
      person: () => (isTerminal(0) && isTerminal(2) ? { sshConnection: process.env['SSH_CONNECTION'] } : undefined),
      stoppable,
      onReport,
    },
    isTerminal(2),
  ),
)
