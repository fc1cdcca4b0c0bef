// runtimes: node
import { spawn } from 'node:child_process'
import t from 'tap'
import { openConntrack } from '@conntrack/core'
import { udp } from '@conntrack/proto-udp'
import { namespace, skipKernel as skip } from '../../core/test/real-kernel.ts'
import { programNames } from '../src/programs.ts'

t.test('a program is known by the port id of its socket, and for a moment after it has gone', { skip }, async (t) => {
  const netns = namespace(t)
  using ct = openConntrack({ protocols: [udp], netns })
  const watch = ct.flows.watch({ resync: false })
  let time = 0
  const nameOf = programNames(() => time)
  const child = spawn('ip', ['netns', 'exec', netns, 'conntrack', '-E'], { stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  let name: string | undefined
  // Until it has opened its socket.
  while (name === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    time += 2000
    name = nameOf(child.pid as number)
  }
  t.equal(name, 'conntrack')
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
  t.equal(nameOf(child.pid as number), 'conntrack', 'remembered')
  time += 2000
  t.equal(nameOf(child.pid as number), undefined)
  t.equal(nameOf(0xfffffff0), undefined, 'no program has it')
  watch.close()
})
