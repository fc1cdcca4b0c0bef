// What each import costs whoever bundles it, minified and compressed by gzip:  bun scripts/size.ts
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

/** Bytes at most. What is over by intent is written here, with the change that needs it. */
const BUDGET: Readonly<Record<string, number>> = {
  "{ openConntrack } from '@conntrack/core'": 36_000,
  "{ protocol } from '@conntrack/core/plugin'": 4_000,
  "{ tcp } from '@conntrack/proto-tcp'": 6_200,
  "{ udp, udplite } from '@conntrack/proto-udp'": 4_200,
  "{ icmp, icmpv6 } from '@conntrack/proto-icmp'": 4_300,
  "{ sctp } from '@conntrack/proto-sctp'": 4_900,
  "{ dccp } from '@conntrack/proto-dccp'": 5_300,
  "{ gre } from '@conntrack/proto-gre'": 4_200,
  "{ line } from '@conntrack/formatters'": 6_000,
  "{ json } from '@conntrack/formatters'": 1_300,
  "{ xml } from '@conntrack/formatters'": 5_800,
  "{ save } from '@conntrack/formatters'": 6_200,
  "{ csv } from '@conntrack/formatters'": 7_000,
  "{ tableRows } from '@conntrack/formatters'": 6_500,
}

// Packages are found from where the tests are.
const folder = mkdtempSync(join(fileURLToPath(new URL('../tests', import.meta.url)), 'node_modules/.size-'))
try {
  for (const [what, most] of Object.entries(BUDGET)) {
    const entry = join(folder, 'entry.ts')
    writeFileSync(entry, `export ${what}\n`)
    const { outputs } = await Bun.build({ entrypoints: [entry], minify: true, target: 'bun', external: ['bun:ffi'] })
    const bytes = gzipSync(await outputs[0].text()).length
    const isOver = bytes > most
    console.log(`${isOver ? 'OVER' : 'ok  '} ${String(bytes).padStart(6)} of ${String(most).padStart(6)}  ${what}`)
    if (isOver) process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true })
}
