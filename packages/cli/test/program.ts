import { expectationLine, expectationXml, json, line, save, xml } from '@conntrack/formatters'
import { dccp } from '@conntrack/proto-dccp'
import { gre } from '@conntrack/proto-gre'
import { icmp, icmpv6 } from '@conntrack/proto-icmp'
import { sctp } from '@conntrack/proto-sctp'
import { tcp } from '@conntrack/proto-tcp'
import { udp, udplite } from '@conntrack/proto-udp'
import type { Formats, Io } from '../src/output.ts'

/** The protocols and formats of the program itself (bin.ts). */
export const protocols = [tcp, udp, udplite, icmp, icmpv6, sctp, dccp, gre]
export const formats: Formats = {
  line: { flow: line, expectation: expectationLine },
  xml: { flow: xml, expectation: expectationXml },
  save: { flow: ({ command }) => save(command) },
  json: { flow: json, expectation: json },
}

/** The words of a command line; blanks part them, and '' is an empty one. */
export function words(line: string): string[] {
  return line === '' ? [] : line.split(' ').map((word) => (word === "''" ? '' : word))
}

/** Output that is kept. */
export function kept(): { readonly io: Io; readonly stdout: () => string; readonly stderr: () => string } {
  const decoder = new TextDecoder()
  let [out, err] = ['', '']
  return {
    io: {
      out: (bytes) => {
        out += decoder.decode(bytes)
      },
      err: (line) => {
        err += `${line}\n`
      },
    },
    stdout: () => out,
    stderr: () => err,
  }
}
