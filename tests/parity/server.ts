import { createInterface } from 'node:readline'
import process from 'node:process'
import { createCli } from '@conntrack/cli'
import { installed } from '../../packages/cli/src/installed.ts'

// Runs one command line after the other in the runtime and the namespace that it was started in, so that a process is not started for
// each: words in JSON come in, a line each, and what the program did goes out.

const conntrack = createCli(installed)

for await (const line of createInterface({ input: process.stdin })) {
  const decoder = new TextDecoder()
  let [stdout, stderr] = ['', '']
  const status = await conntrack(JSON.parse(line) as string[], {
    out: (bytes) => {
      stdout += decoder.decode(bytes)
    },
    err: (text) => {
      stderr += `${text}\n`
    },
  })
  process.stdout.write(`${JSON.stringify({ stdout, stderr, status })}\n`)
}
