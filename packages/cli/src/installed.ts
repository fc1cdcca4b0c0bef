import { expectationLine, expectationXml, json, jsonRecord, line, save, xml } from '@conntrack/formatters'
import { dccp } from '@conntrack/proto-dccp'
import { gre } from '@conntrack/proto-gre'
import { icmp, icmpv6 } from '@conntrack/proto-icmp'
import { sctp } from '@conntrack/proto-sctp'
import { tcp } from '@conntrack/proto-tcp'
import { udp, udplite } from '@conntrack/proto-udp'
import type { CliParts } from './main.ts'
import { VERSION } from './version.ts'

/** What the program `conntrack` is made of. */
export const installed: CliParts = {
  protocols: [tcp, udp, udplite, icmp, icmpv6, sctp, dccp, gre],
  formats: {
    line: { flow: line, expectation: expectationLine },
    xml: { flow: xml, expectation: expectationXml },
    save: { flow: ({ command, labels }) => save(command, { labels }) },
    json: { flow: json, expectation: json, record: jsonRecord },
  },
  version: `conntrack v${VERSION} (conntrack.ts)`,
}
