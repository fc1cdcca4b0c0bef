import { conformance, type Opposites } from '@conntrack/core/conformance'
import type { Test } from 'tap'
import { csv, json, line, save, tableRows, xml } from '../../formatters/src/index.ts'
import type { Protocol } from '../src/tables/protocol.ts'
import { missingFrom, sameAsHeader, skipHeaders as skip } from './kernel-headers.ts'

/** What differs from protocol to protocol. */
export interface Conformance {
  /** Tuples, and what their opposites are. */
  readonly opposites: Opposites
  /** The enum of linux/netfilter/nfnetlink_conntrack.h that `protoinfo` is, if any. */
  readonly protoinfo?: string
}

/** The tests that every protocol passes: the suite that is published, and the kernel's numbers. */
export function conforms(t: Test, protocol: Protocol, { opposites, protoinfo: enumeration }: Conformance): void {
  const { name, tuple, protoinfo } = protocol
  const formatters = { line: line(), json: json(), save: save(), xml: xml(), csv: csv([protocol]), table: tableRows() }

  for (const check of conformance(protocol, { opposites, formatters }))
    t.test(check.name, async (t) => {
      check.run()
      t.pass('it holds')
    })

  t.test(`${name}: the attributes have the kernel's numbers`, { skip }, (t) => {
    sameAsHeader(t, tuple)
    if (enumeration === undefined) t.strictSame(protoinfo, {})
    else {
      sameAsHeader(t, protoinfo)
      t.strictSame(missingFrom(protoinfo, enumeration), [], 'and none is missing')
    }
    t.end()
  })
}
