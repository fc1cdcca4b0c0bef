import { libc } from '#libc'
import t from 'tap'
import { networkSetting } from '../../src/transport/sysctl.ts'
import { namespace, skipKernel, within } from '../real-kernel.ts'
import { scriptedLibc } from '../scripted-libc.ts'

const NAME = 'net.netfilter.nf_conntrack_events'

t.test('a setting is read as the namespace has it', { skip: skipKernel }, (t) => {
  const [one, other] = [namespace(t), namespace(t)]
  within(one, 'sysctl', '-qw', `${NAME}=0`)
  within(other, 'sysctl', '-qw', `${NAME}=1`)
  t.equal(networkSetting(libc(), NAME, one), 0)
  t.equal(networkSetting(libc(), NAME, other), 1)
  t.equal(networkSetting(libc(), 'net.netfilter.nf_conntrack_nonsense', one), undefined)
  t.end()
})

t.test('what cannot be read, or is no number, is not known, and nothing is left open', (t) => {
  for (const script of [{ open: () => -13 }, { read: () => -5 }, { read: () => 0 }]) {
    const scripted = scriptedLibc(script)
    t.equal(networkSetting(scripted, NAME), undefined)
    t.equal(scripted.descriptors.size, 0)
  }
  const scripted = scriptedLibc({ read: (_, into) => into.set([0x32, 0x0a]) ?? 2 })
  t.equal(networkSetting(scripted, NAME), 2)
  t.equal(scripted.calls[0], 'open /proc/sys/net/netfilter/nf_conntrack_events 02000000')
  t.end()
})
