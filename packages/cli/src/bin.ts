#!/usr/bin/env node
import process from 'node:process'
import { expectationLine, expectationXml, json, line, save, xml } from '@conntrack/formatters'
import { dccp } from '@conntrack/proto-dccp'
import { gre } from '@conntrack/proto-gre'
import { icmp, icmpv6 } from '@conntrack/proto-icmp'
import { sctp } from '@conntrack/proto-sctp'
import { tcp } from '@conntrack/proto-tcp'
import { udp, udplite } from '@conntrack/proto-udp'
import { createCli, standardIo } from './index.ts'
import { VERSION } from './version.ts'

const conntrack = createCli({
  protocols: [tcp, udp, udplite, icmp, icmpv6, sctp, dccp, gre],
  formats: {
    line: { flow: line, expectation: expectationLine },
    xml: { flow: xml, expectation: expectationXml },
    save: { flow: ({ command }) => save(command) },
    json: { flow: json, expectation: json },
  },
  version: `conntrack v${VERSION} (conntrack.ts)`,
})

process.exitCode = await conntrack(process.argv.slice(2), standardIo())
