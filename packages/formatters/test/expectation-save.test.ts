import t from 'tap'
import { expectationSave } from '../src/index.ts'
import { printedExpectation } from './printed.ts'

const ends = (source: string, destination: string, more: object) => ({ source, destination, protocolNumber: 6, ...more })

/** An FTP data connection, as the helper expects it. */
const FTP = {
  tuple: ends('10.9.0.3', '10.9.0.1', { sourcePort: 0, destinationPort: 50001 }),
  mask: ends('255.255.255.255', '255.255.255.255', { sourcePort: 0, destinationPort: 65535 }),
  master: ends('10.9.0.1', '10.9.0.3', { sourcePort: 40021, destinationPort: 21 }),
  timeout: 296,
  class: 0,
  helper: 'ftp',
  flags: [],
}
const ADDRESSES = '-s 10.9.0.1 -d 10.9.0.3 --tuple-src 10.9.0.3 --tuple-dst 10.9.0.1 --mask-src 255.255.255.255 --mask-dst 255.255.255.255'
const PORTS = '--mask-port-src 0 --mask-port-dst 65535 --tuple-port-src 0 --tuple-port-dst 50001'

t.test('an expectation is saved by options of conntrack(8)', async (t) => {
  t.equal(printedExpectation(expectationSave(), FTP), `-I expect -t 296 ${ADDRESSES} -p tcp --sport 40021 --dport 21 ${PORTS}\n`)
  t.equal(
    printedExpectation(expectationSave('-D'), { ...FTP, zone: 3 }),
    '-D expect -w 3 -s 10.9.0.3 -d 10.9.0.1 -p tcp --sport 0 --dport 50001\n',
  )
})

t.test('and by options of ours, what that has none for', async (t) => {
  const { tuple, mask, master } = FTP
  t.equal(
    printedExpectation(expectationSave(), { tuple, mask, master, zone: 7, class: 2, flags: ['PERMANENT', 'INACTIVE'] }),
    `-I expect -w 7 --class 2 --expect-flags PERMANENT,INACTIVE ${ADDRESSES} -p tcp --sport 40021 --dport 21 ${PORTS}\n`,
  )
  const keys = { sourceKey: 0, destinationKey: 7, protocolNumber: 47 }
  const pptp = { master, tuple: ends('10.9.0.3', '10.9.0.1', keys), mask: ends('255.255.255.255', '255.255.255.255', keys) }
  t.match(
    printedExpectation(expectationSave(), pptp, 'gre'),
    / -p gre --master-protonum 6 --sport 40021 --dport 21 --mask-key-src 0 --mask-key-dst 7 --tuple-key-src 0 --tuple-key-dst 7\n$/,
    'PPTP: TCP tells of GRE',
  )
})
