import process from 'node:process'
import { createCli, screenOf, standardIo } from './index.ts'
import { installed } from './installed.ts'
import { isTerminal } from './terminal.ts'

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const

/** Outside of it these signals end the program at once, as they do any other. */
async function stoppable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const stop = (name: NodeJS.Signals): void => controller.abort(name)
  for (const name of SIGNALS) process.on(name, stop)
  try {
    return await work(controller.signal)
  } finally {
    for (const name of SIGNALS) process.off(name, stop)
  }
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
