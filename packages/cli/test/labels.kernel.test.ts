import { openConntrack } from '@conntrack/core'
import t from 'tap'
import { namespace, skipKernel, within } from '../../core/test/real-kernel.ts'
import { installed } from '../src/installed.ts'
import { createCli } from '../src/main.ts'
import { kept, words } from './program.ts'

const FLOW = '-p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1 --dport 2'

t.test('that the kernel keeps no labels is said, where it does not say so itself', { skip: skipKernel }, async (t) => {
  const netns = namespace(t)
  const run = async (line: string): Promise<{ status: number; stdout: string; stderr: string }> => {
    const { io, stdout, stderr } = kept()
    const open = () => openConntrack({ protocols: installed.protocols, netns })
    const status = await createCli({ ...installed, open })(words(line), io)
    return { status, stdout: stdout(), stderr: stderr() }
  }
  const made = await run(`-I ${FLOW} -t 30000 --label-add bit3`)
  t.equal(made.status, 0, 'the flow was made')
  t.match(made.stderr, 'WARNING: the labels were not set')
  const changed = await run('-U -p udp --label-add bit3')
  t.equal(changed.status, 1)
  t.match(changed.stderr, 'WARNING: labels were not set')
  t.match(changed.stderr, '0 flow entries have been updated.')

  within(netns, 'nft', 'table inet t { chain c { type filter hook output priority 0; udp dport 1 ct label set 1; }; }')
  t.equal((await run('-F')).status, 0)
  t.notMatch((await run(`-I ${FLOW} -t 30000 --label-add bit3,bit127`)).stderr, 'not set')
  t.match((await run('-L -l bit3 -o save')).stdout, ' --label-add bit3,bit127 ')
  t.equal((await run('-U -l bit127 --label-del bit127')).status, 0, 'a high bit takes no other with it')
  t.match((await run('-L -o save')).stdout, ' --label-add bit3 ')
  t.equal((await run('-U -p udp --label-add bit3')).status, 1, 'what is set already is no change')
  t.equal((await run('-U -p udp --label-del')).status, 0)
  t.match((await run('-L -l !bit3')).stderr, '1 flow entries have been shown.')
})
