import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { isTerminal } from '../src/terminal.ts'

t.test('what is no terminal', (t) => {
  for (const file of ['/dev/null', '/dev/zero', fileURLToPath(import.meta.url)]) {
    const descriptor = openSync(file, 'r')
    t.equal(isTerminal(descriptor), false, file)
    closeSync(descriptor)
  }
  t.equal(isTerminal(1023), false, 'a descriptor that is closed')
  t.end()
})

t.test('a new pseudo terminal is one', (t) => {
  const descriptor = openSync('/dev/ptmx', 'r+')
  t.equal(isTerminal(descriptor), true)
  closeSync(descriptor)
  t.end()
})
