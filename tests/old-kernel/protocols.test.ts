// runtimes: node
// timeout: 300
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { inOldKernel } from '../support/old-kernel.ts'
import { RUNTIMES } from '../support/program.ts'

const guest = fileURLToPath(new URL('guest.ts', import.meta.url))
const CHECKS = 57

// A rule that looks at connections makes this kernel track loopback; iptables of old, since it has no nftables.
const SETUP = `
  ip link set lo up
  for program in iptables-legacy ip6tables-legacy; do $program -A INPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT; done
  sysctl -qw net.netfilter.nf_conntrack_acct=1
`

t.test('protocols that newer kernels lack: real connections, netlink, and the program beside the original', async (t) => {
  const runs = [RUNTIMES['bun'], RUNTIMES['node']].map(
    (program) =>
      `unshare -n sh -ec '${SETUP} exec "${program}" --conditions=@conntrack/source "${guest}"' || echo '{"name":"run","error":"it failed"}'`,
  )
  const ran = await inOldKernel(t, ['sh', '-c', runs.join('\n')], { timeout: 240 })
  if (ran === undefined) return
  const told = ran.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; error?: string })
  for (const { name, error } of told) t.equal(error, undefined, name)
  t.equal(told.length, 2 * CHECKS, ran.stderr)
})
