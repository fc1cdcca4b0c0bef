// runtimes: bun
import { createKernel } from '@conntrack/core/testing'
import t from 'tap'
import { openSocket } from '../packages/core/src/transport/socket.ts'
import { namespace, skipKernel as skip } from '../packages/core/test/real-kernel.ts'
import { EVENT_SCENARIOS, told } from './kernels/events.ts'
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

for (const [name, scenario] of Object.entries(EVENT_SCENARIOS))
  t.test(`the kernel in memory tells of what happens as the real one does: ${name}`, { skip }, async (t) => {
    const real = await told({ netns: namespace(t) }, scenario)
    const { socket, subscribe } = createKernel({ protocols: PROTOCOLS, labels: false, timestamps: true })
    t.ok(real.length > 0)
    t.strictSame(await told({ socket, subscribe }, scenario), real)
  })
