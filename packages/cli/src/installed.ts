import {
  type Column,
  csv,
  type EventCells,
  eventJson,
  eventLine,
  eventRows,
  eventSave,
  eventXml,
  expectationCsv,
  expectationEventXml,
  expectationLine,
  expectationSave,
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
import { PROGRAM } from './name.ts'

const protocols = [tcp, udp, udplite, icmp, icmpv6, sctp, dccp, gre]

const CSV: EventCells = { separator: ',', end: '\r\n' }
const TABLE: EventCells = { separator: '\t', end: '\n' }
const EVENT_COLUMNS: readonly Column[] = [
  { title: 'EVENT', rank: 0 },
  { title: 'TIMESTAMP', rank: 20 },
  { title: 'PORTID', rank: 21, right: true },
  { title: 'SYNTHETIC', rank: 22 },
]

/** What the program `conntrack` is made of. */
export const installed: CliParts = {
  protocols,
  formats: {
    line: {
      help: 'lines of text',
      flow: line,
      expectation: expectationLine,
      datesExpectations: true,
      flowEvents: (options) => eventLine(line(options), options),
      expectationEvents: ({ timestamp }) => eventLine(expectationLine(), { timestamp, userspace: false }),
    },
    xml: {
      help: 'one XML document',
      flow: xml,
      expectation: expectationXml,
      datesExpectations: true,
      flowEvents: eventXml,
      expectationEvents: expectationEventXml,
    },
    save: {
      help: 'command lines that make the entries again, for -R',
      flow: ({ command, labels }) => save(command, { labels }),
      expectation: ({ command }) => expectationSave(command === '-D' ? '-D' : '-I'),
      flowEvents: ({ labels, program }) => eventSave((command) => save(command, { labels }), { program }),
      expectationEvents: () => eventSave((command) => expectationSave(command === '-D' ? '-D' : '-I'), { userspace: false }),
    },
    json: {
      help: 'an object on each line, for every command, errors too',
      flow: json,
      expectation: json,
      record: jsonRecord,
      flowEvents: (options) => eventJson('flow', options),
      expectationEvents: (options) => eventJson('expectation', options),
    },
    csv: {
      help: 'comma-separated values with a header',
      flow: (options) => csv(protocols, options),
      expectation: () => expectationCsv(protocols),
      flowEvents: (options) => eventRows(csv(protocols, options), CSV),
      expectationEvents: () => eventRows(expectationCsv(protocols), CSV),
    },
    table: {
      help: 'aligned columns, for people',
      flow: tableRows,
      expectation: expectationTableRows,
      flowEvents: (options) => eventRows(tableRows(options), TABLE),
      expectationEvents: () => eventRows(expectationTableRows(), TABLE),
      columns: (options, table, command) => [
        ...(command === 'event' ? EVENT_COLUMNS : []),
        ...(table === 'expect' ? expectationTableColumns() : tableColumns(options)),
      ],
    },
  },
  version: PROGRAM,
}
