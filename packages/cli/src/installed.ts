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
    line: { help: 'lines of text', flow: line, expectation: expectationLine },
    xml: { help: 'one XML document', flow: xml, expectation: expectationXml },
    save: { help: 'command lines that make the entries again, for -R', flow: ({ command, labels }) => save(command, { labels }) },
    json: { help: 'an object on each line, for every command, errors too', flow: json, expectation: json, record: jsonRecord },
    csv: { help: 'comma-separated values with a header', flow: () => csv(protocols), expectation: () => expectationCsv(protocols) },
    table: {
      help: 'aligned columns, for people',
      flow: tableRows,
      expectation: expectationTableRows,
      columns: (options, table) => (table === 'expect' ? expectationTableColumns() : tableColumns(options)),
    },
  },
  version: `conntrack v${VERSION} (conntrack.ts)`,
}
