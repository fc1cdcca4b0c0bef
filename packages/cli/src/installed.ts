import {
  csv,
  expectationCsv,
  expectationLine,
  expectationTableColumns,
  expectationTableRows,
  expectationXml,
  json,
  jsonRecord,
  line,
  save,
  tableColumns,
  tableRows,
  xml,
} from '@conntrack/formatters'
import { dccp } from '@conntrack/proto-dccp'
import { gre } from '@conntrack/proto-gre'
import { icmp, icmpv6 } from '@conntrack/proto-icmp'
import { sctp } from '@conntrack/proto-sctp'
import { tcp } from '@conntrack/proto-tcp'
import { udp, udplite } from '@conntrack/proto-udp'
import type { CliParts } from './main.ts'
import { VERSION } from './version.ts'

const protocols = [tcp, udp, udplite, icmp, icmpv6, sctp, dccp, gre]

/** What the program `conntrack` is made of. */
export const installed: CliParts = {
  protocols,
  formats: {
    line: { flow: line, expectation: expectationLine },
    xml: { flow: xml, expectation: expectationXml },
    save: { flow: ({ command, labels }) => save(command, { labels }) },
    json: { flow: json, expectation: json, record: jsonRecord },
    csv: { flow: () => csv(protocols), expectation: () => expectationCsv(protocols) },
    table: {
      flow: tableRows,
      expectation: expectationTableRows,
      columns: (options, table) => (table === 'expect' ? expectationTableColumns() : tableColumns(options)),
    },
  },
  version: `conntrack v${VERSION} (conntrack.ts)`,
}
