// runtimes: node
// timeout: 300
import t from 'tap'
import { words } from './parity/entries.ts'
import { seen } from './parity/seen.ts'
import { World } from './parity/world.ts'
import { RUNTIMES, skipKernel } from './support/program.ts'

/** The expectation that `PORT 10,9,0,1,195,80` makes: FTP's server will connect to port 50000. */
const DATA = '-p tcp -s 10.9.0.3 -d 10.9.0.1 --sport 0 --dport 50000'
/** Another one of the same session. */
const ANOTHER = `-p tcp -s 10.9.0.1 -d 10.9.0.3 --sport 40021 --dport 21 --tuple-src 10.9.0.3 --tuple-dst 10.9.0.1 --tuple-port-src 0
  --tuple-port-dst 50001 --mask-src 255.255.255.255 --mask-dst 255.255.255.255 --mask-port-src 0 --mask-port-dst 65535`

t.test(
  'what an FTP session makes the kernel expect is listed, found, made, deleted, flushed and counted',
  { skip: skipKernel },
  async (t) => {
    for (const runtime of Object.keys(RUNTIMES)) {
      await using world = await World.open()
      await world.traffic()
      const run = async (line: string): Promise<{ status: number | null; stdout: string; stderr: string }> =>
        world.ours(words(line), runtime)
      /** How many there are, for both programs. */
      const count = async (message: string, wanted: number): Promise<void> => {
        const { stdout, stderr } = await run('-L expect')
        const original = world.original(['-L', 'expect'])
        t.same(seen({ stdout, stderr, status: 0 }).lines, seen(original).lines, `${runtime}: ${message}`)
        t.match(stderr, `${wanted} expectations have been shown.`)
        t.equal((await run('-C expect')).stdout, `${wanted}\n`)
      }
      await count('one is there', 1)
      t.match((await run('-L expect')).stdout, / dport=50000 .* master-src=10\.9\.0\.1 .* helper=ftp\n$/)
      for (const [conditions, wanted] of [
        ['-p tcp', 1],
        ['-p udp', 0],
        ['-s 10.9.0.0/24', 1],
        ['-s 10.9.0.1', 0],
        ['-d 10.9.0.1 -p tcp --dport 50000-50010', 1],
        ['-f ipv6', 0],
        ['-f ipv4', 1],
      ] as const)
        t.match((await run(`-L expect ${conditions}`)).stderr, `${wanted} expectations have been shown.`, conditions)
      t.equal((await run('-C expect -f ipv6')).stdout, '0\n')
      t.match((await run(`-G expect ${DATA}`)).stdout, / dport=50000 /)
      t.equal((await run(`-G expect ${DATA.replace('50000', '50002')}`)).status, 1)

      t.equal((await run(`-I expect ${ANOTHER} -t 30000`)).status, 0)
      // FTP's helper expects one at a time, the newest.
      await count('another was made', 1)
      t.equal((await run(`-D expect ${DATA}`)).status, 1, 'the first is not there')
      const { status, stderr } = await run(`-D expect ${DATA.replace('50000', '50001')} --reply-port-src 0 --reply-port-dst 0`)
      t.equal(status, 0, 'and what conntrack(8) wants to know of it is taken')
      t.match(stderr, 'WARNING: ignoring `--reply-port-src')
      t.match(stderr, '1 expectations have been deleted.')
      await count('it was deleted', 0)
      t.equal((await run(`-I expect ${ANOTHER} -t 30000`)).status, 0)
      await count('and made again', 1)
      t.match((await run('-F expect')).stderr, 'expectation table has been emptied.')
      await count('all were', 0)
      t.match((await run('-S expect')).stdout, /^cpu=0 .*expect_create=/)
    }
  },
)
