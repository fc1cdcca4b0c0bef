import { kernelConformance, type KernelFacts } from '@conntrack/core/conformance'
import type { Test } from 'tap'
import { type ConntrackOptions, openConntrack } from '../src/conntrack.ts'
import type { Protocol } from '../src/tables/protocol.ts'
import { createKernel } from '../src/testing/index.ts'
import { namespace, skipKernel as skip } from './real-kernel.ts'

/** The tests that every protocol passes with a real kernel that tracks it, and with the one in memory: the suite that is published. */
export function livesInKernel(t: Test, protocol: Protocol, facts: KernelFacts): void {
  const protocols = protocol.number < 0 ? [] : [protocol]
  t.test(`${protocol.name} in the kernel`, { skip }, (t) => lives(t, { protocols, netns: namespace(t) }, protocol, facts))
  t.test(`${protocol.name} in a kernel in memory`, (t) =>
    lives(t, { protocols, socket: createKernel({ protocols }).socket }, protocol, facts),
  )
}

async function lives(t: Test, options: ConntrackOptions<readonly Protocol[]>, protocol: Protocol, facts: KernelFacts): Promise<void> {
  using ct = openConntrack(options)
  for (const { name, run } of kernelConformance(protocol, facts))
    await t.test(name, async (t) => {
      run(ct.flows)
      t.pass('it holds')
    })
}
