// runtimes: bun
import { createKernel } from '@conntrack/core/testing'
import t from 'tap'
import { openSocket } from '../packages/core/src/transport/socket.ts'
import { namespace, skipKernel as skip } from '../packages/core/test/real-kernel.ts'
import { SCENARIOS } from './kernels/scenarios.ts'
import { PROTOCOLS, transcript } from './kernels/transcript.ts'

for (const [name, scenario] of Object.entries(SCENARIOS))
  t.test(`the kernel in memory says what the real one says: ${name}`, { skip }, async (t) => {
    const netns = namespace(t)
    const real = transcript(() => openSocket({ netns }), scenario)
    const memory = transcript(createKernel({ protocols: PROTOCOLS, labels: false }).socket, scenario)
    t.ok(real.length > 4)
    for (const [i, [question, answer]] of real.entries()) t.strictSame(memory[i], [question, answer], question)
  })
