import t from 'tap'
import { type Filter, matcher } from '../../src/schema/match.ts'
import { unhex } from '../bytes.ts'
import { entryOf, flowLayout, kernelFlows } from '../entries.ts'
import { datagram, echo, keyed, stream } from '../protocols.ts'

const PROTOCOLS = [stream, datagram, echo, keyed]
const LAYOUT = flowLayout(PROTOCOLS)
const encode = kernelFlows(PROTOCOLS)

const NUMBERS: Record<string, number> = { stream: 6, datagram: 17, echo: 1, keyed: 47 }

/** A flow as the kernel sends it: of protocol `stream` from 10.0.0.1 port 1024 to 10.0.0.2 port 443, but for what is given. */
function flow({ protocol = 'stream', family = 'ipv4', ...fields }: Record<string, unknown> & { protocol?: string; family?: string } = {}) {
  const addresses = family === 'ipv4' ? { source: '10.0.0.1', destination: '10.0.0.2' } : { source: 'fd00::1', destination: 'fd00::2' }
  const layer4 = protocol === 'stream' || protocol === 'datagram' ? { sourcePort: 1024, destinationPort: 443 } : {}
  const original = { ...addresses, protocolNumber: NUMBERS[protocol], ...layer4, ...(fields.original as object) }
  return entryOf(LAYOUT, encode({ protocol, ...fields, original }), family === 'ipv4' ? 2 : 10)
}

const matches = (filter: Filter, entry = flow()): boolean => matcher(LAYOUT, filter)(entry)

t.test('an empty filter holds for every flow', (t) => {
  for (const protocol of Object.keys(NUMBERS)) t.ok(matches({}, flow({ protocol })))
  t.ok(matches({ mark: undefined, protocol: undefined, original: { source: undefined } }), 'and undefined is no condition')
  t.ok(matches({ original: {} }))
  t.end()
})

t.test('a value must be equal', (t) => {
  t.ok(matches({ original: { destinationPort: 443 } }))
  t.notOk(matches({ original: { destinationPort: 80 } }))
  t.notOk(matches({ reply: { destinationPort: 443 } }), 'of that direction')
  t.ok(matches({ state: 'OPEN' }, flow({ state: 'OPEN' })))
  t.notOk(matches({ state: 'OPEN' }, flow({ state: 'CLOSED' })))
  t.ok(matches({ state: '9' }, flow({ state: '9' })), 'by number where there is no name')
  t.ok(matches({ originalCounters: { packets: 2n ** 40n } }, flow({ originalCounters: { packets: 2n ** 40n } })))
  t.notOk(matches({ originalCounters: { packets: 0n } }, flow({ originalCounters: { packets: 2n ** 40n } })))
  t.end()
})

t.test('all conditions must hold', (t) => {
  const both = (port: number, mark: number): boolean => matches({ original: { destinationPort: port }, mark }, flow({ mark: 7 }))
  t.strictSame([both(443, 7), both(443, 8), both(80, 7), both(80, 8)], [true, false, false, false])
  t.end()
})

t.test('a string must be equal, however it is sent', (t) => {
  t.ok(matches({ helper: { name: 'ftp' } }, flow({ helper: { name: 'ftp' } })))
  for (const name of ['ft', 'ftpd', 'FTP', '']) t.notOk(matches({ helper: { name } }, flow({ helper: { name: 'ftp' } })), name)
  t.notOk(matches({ helper: { name: '' } }), 'an absent one is not the empty one')
  t.end()
})

t.test('bytes must be equal and of the same length', (t) => {
  const info = unhex('0102')
  t.ok(matches({ helper: { info } }, flow({ helper: { info } })))
  for (const other of ['01', '0103', '010200', '']) t.notOk(matches({ helper: { info: unhex(other) } }, flow({ helper: { info } })), other)
  t.notOk(matches({ helper: { info: new Uint8Array(0) } }), 'absent ones are not empty ones')
  t.end()
})

t.test('an address must be equal, in whatever form it is given', (t) => {
  t.ok(matches({ original: { source: '10.0.0.1' } }))
  t.ok(matches({ original: { source: '10.1' } }))
  t.notOk(matches({ original: { source: '10.0.0.2' } }))
  t.ok(matches({ original: { source: 'FD00:0::1' } }, flow({ family: 'ipv6' })))
  t.notOk(matches({ original: { source: 'fd00::1' } }), 'of one family is not one of the other')
  t.notOk(matches({ original: { source: '10.0.0.1' } }, flow({ family: 'ipv6' })))
  t.notOk(matches({ original: { source: '::ffff:10.0.0.1' } }), 'nor is a mapped one')
  t.notOk(matches({ reply: { source: '0.0.0.0' } }), 'an absent one is none')
  t.end()
})

t.test('a network holds its addresses', (t) => {
  const within = (source: string, network: string): boolean =>
    matches({ original: { source: network } }, flow({ family: source.includes(':') ? 'ipv6' : 'ipv4', original: { source } }))
  for (const [source, network, expected] of [
    ['10.1.2.3', '10.0.0.0/8', true],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['10.1.2.3', '10.9.9.9/8', true], // bits of the host do not matter
    ['1.2.3.4', '0.0.0.0/0', true],
    ['1.2.3.4', '9.9.9.9/0', true],
    ['1.2.3.4', '1.2.3.4/32', true],
    ['1.2.3.5', '1.2.3.4/32', false],
    ['1.2.3.5', '1.2.3.4/31', true],
    ['1.2.3.6', '1.2.3.4/31', false],
    ['172.16.0.1', '172.16.0.0/12', true],
    ['172.31.255.255', '172.16.0.0/12', true],
    ['172.32.0.0', '172.16.0.0/12', false],
    ['fd00::1', '::/0', true],
    ['fd00::1', 'fd00::/8', true],
    ['fe00::1', 'fd00::/8', false],
    ['fd00::1', 'fd00::/127', true],
    ['fd00::2', 'fd00::/127', false],
    ['fd00::1', 'fd00::1/128', true],
    ['fd00::1', 'fd00::2/128', false],
    ['2001:db8:7fff::', '2001:db8::/33', true],
    ['2001:db8:8000::', '2001:db8::/33', false],
    ['fd00::1', '0.0.0.0/0', false],
    ['1.2.3.4', '::/0', false],
  ] as const) {
    t.equal(within(source, network), expected, `${source} in ${network}`)
  }
  t.end()
})

t.test('a prefix that cannot be is an error', (t) => {
  for (const [network, limit] of [
    ['1.2.3.4/33', 32],
    ['1.2.3.4/', 32],
    ['1.2.3.4/-1', 32],
    ['1.2.3.4/x', 32],
    ['1.2.3.4/8/8', 32],
    ['::/129', 128],
  ] as const) {
    t.throws(
      () => matches({ reply: { source: network } }),
      new RangeError(`reply.source: '${network}': expected a prefix length from 0 to ${limit}`),
    )
  }
  t.end()
})

t.test('oneOf holds where one of its conditions does', (t) => {
  const filter = { original: { destinationPort: { oneOf: [80, { from: 400, to: 500 }, { not: { from: 0, to: 60000 } }] } } }
  const at = (destinationPort: number): boolean => matches(filter, flow({ original: { destinationPort } }))
  t.strictSame([80, 81, 399, 400, 443, 500, 501, 60000, 60001].map(at), [true, false, false, true, true, true, false, false, true])
  t.notOk(matches({ mark: { oneOf: [] } }))
  t.ok(matches({ original: { source: { oneOf: ['fd00::/8', '10.0.0.0/8'] } } }))
  t.ok(matches({ original: { source: { oneOf: ['fd00::/8', '10.0.0.0/8'] } } }, flow({ family: 'ipv6' })))
  t.end()
})

t.test('not holds where its condition does not, where the field is absent too', (t) => {
  t.notOk(matches({ original: { destinationPort: { not: 443 } } }))
  t.ok(matches({ original: { destinationPort: { not: 80 } } }))
  t.ok(matches({ timeout: { not: 30 } }))
  t.ok(matches({ original: { source: { not: '10.0.0.0/8' } } }, flow({ family: 'ipv6' })))
  t.notOk(matches({ original: { source: { not: '10.0.0.0/8' } } }))
  t.notOk(matches({ original: { source: { not: { not: 'fd00::1' } } } }))
  t.end()
})

t.test('a range has both its ends', (t) => {
  const at = (mark: number): boolean => matches({ mark: { from: 255, to: 65536 } }, flow({ mark }))
  t.strictSame([0, 254, 255, 256, 300, 65535, 65536, 65537, 4294967295].map(at), [false, false, true, true, true, true, true, false, false])
  const address = (source: string): boolean =>
    matches({ original: { source: { from: '10.0.0.255', to: '10.0.1.1' } } }, flow({ original: { source } }))
  t.strictSame(['10.0.0.254', '10.0.0.255', '10.0.1.0', '10.0.1.1', '10.0.1.2'].map(address), [false, true, true, true, false])
  const six = { original: { source: { from: 'fd00::', to: 'fd00::ff' } } }
  t.strictSame([matches(six, flow({ family: 'ipv6' })), matches(six)], [true, false], 'of addresses of one family')
  t.throws(() => matches({ original: { source: { from: '10.0.0.1', to: 'fd00::1' } } }), /^original.source: /)
  t.throws(
    () => matches({ helper: { name: { from: 'a', to: 'b' } } }),
    new RangeError('helper.name: there is no range of strings or bytes'),
  )
  t.end()
})

t.test('a value under a mask is (field & mask) == value', (t) => {
  const at = (value: number, mask: number): boolean => matches({ mark: { value, mask } }, flow({ mark: 0x12345678 }))
  t.ok(at(0x5600, 0xff00))
  t.notOk(at(0x5700, 0xff00))
  t.notOk(at(0x12345678, 0xff00), 'so that a value outside of the mask never holds')
  t.ok(at(0, 0), 'and mask 0 always does for 0')
  t.notOk(at(1, 0))
  t.ok(at(0x12345678, 0xffffffff))
  const address = (value: string, mask: string, family = 'ipv4'): boolean =>
    matches({ original: { source: { value, mask } } }, flow({ family }))
  t.ok(address('10.0.0.0', '255.0.0.0'))
  t.ok(address('0.0.0.1', '0.0.0.255'), 'masks of addresses need not be prefixes')
  t.notOk(address('10.0.0.0', '255.0.0.255'))
  t.ok(address('fd00::', 'ff00::', 'ipv6'))
  t.notOk(address('fd00::', 'ff00::'))
  t.notOk(address('0.0.0.0', '0.0.0.0', 'ipv6'))
  t.throws(() => address('10.0.0.0', 'ff00::'), /^original.source: /)
  t.end()
})

t.test('labels are compared under a mask, as far as they are sent', (t) => {
  const entry = flow({ labels: unhex('00000000 00000002') })
  const at = (value: string, mask: string, of = entry): boolean => matches({ labels: { value: unhex(value), mask: unhex(mask) } }, of)
  t.ok(at('0000000000000002', '0000000000000002'))
  t.notOk(at('0000000000000002', '0000000000000003', flow({ labels: unhex('0000000000000003') })))
  t.notOk(at('01', '01'))
  t.ok(at('00000000000000020000', '000000000000000200ff'), 'a missing byte is 0')
  t.notOk(at('00000000000000020001', '000000000000000200ff'))
  t.ok(matches({ labels: unhex('0000000000000002') }, entry))
  t.notOk(matches({ labels: unhex('0000000000000003') }, entry))
  t.ok(at('00', '01', flow()), 'and so are absent labels')
  t.notOk(at('01', '01', flow()))
  t.throws(() => at('0000', '00'), new RangeError('labels: a value of 2 bytes under a mask of 1'))
  t.end()
})

t.test('of bits, a list must be set, none must not', (t) => {
  const entry = flow({ status: ['SEEN_REPLY', 'ASSURED', 'HW_OFFLOAD'] })
  for (const [status, expected] of [
    [['ASSURED'], true],
    [['ASSURED', 'SEEN_REPLY'], true],
    [['ASSURED', 'DYING'], false],
    [[], true],
    [{ all: ['HW_OFFLOAD'] }, true],
    [{ none: ['DYING'] }, true],
    [{ none: ['DYING', 'ASSURED'] }, false],
    [{ all: ['ASSURED'], none: ['DYING'] }, true],
    [{ all: ['ASSURED'], none: ['SEEN_REPLY'] }, false],
    [{ all: ['ASSURED'], none: ['ASSURED'] }, false],
    [{ not: ['ASSURED'] }, false],
    [{ oneOf: [['DYING'], ['ASSURED']] }, true],
    [{ value: ['ASSURED'], mask: ['ASSURED', 'DYING'] }, true],
  ] as const) {
    t.equal(matches({ status }, entry), expected, JSON.stringify(status))
  }
  t.end()
})

t.test('a mark, zone, status, secmark or labels that is absent is 0', (t) => {
  const bare = flow()
  for (const filter of [
    { mark: 0 },
    { zone: 0 },
    { secmark: 0 },
    { original: { zone: 0 } },
    { reply: { zone: 0 } },
    { mark: { value: 0, mask: 0xff } },
    { mark: { from: 0, to: 5 } },
    { mark: { not: 1 } },
    { status: { none: ['ASSURED'] } },
    { status: [] },
    { labels: new Uint8Array(16) },
  ]) {
    t.ok(matches(filter, bare), JSON.stringify(filter))
  }
  for (const filter of [
    { mark: 1 },
    { zone: 1 },
    { mark: { from: 1, to: 5 } },
    { status: ['ASSURED'] },
    { mark: { not: 0 } },
    { labels: unhex('01') },
  ]) {
    t.notOk(matches(filter, bare), JSON.stringify(filter))
  }
  t.notOk(matches({ timeout: 0 }), 'another field that is absent is not 0')
  t.notOk(matches({ timeout: { from: 0, to: 4294967295 } }))
  t.notOk(matches({ originalCounters: { packets: 0n } }))
  t.end()
})

t.test('protocol and family choose flows', (t) => {
  t.ok(matches({ protocol: 'stream' }))
  t.notOk(matches({ protocol: 'datagram' }))
  t.ok(matches({ protocol: ['datagram', 'stream'] }))
  t.ok(matches({ family: 'ipv4' }))
  t.notOk(matches({ family: 'ipv6' }))
  t.ok(matches({ family: 'ipv6' }, flow({ family: 'ipv6' })))
  t.notOk(matches({ protocol: 'stream', family: 'ipv6' }))
  const other = entryOf(LAYOUT, encode({ protocol: 'unknown', original: { protocolNumber: 99 } }))
  t.ok(matches({ protocol: 'unknown' }, other))
  t.notOk(matches({ protocol: 'unknown' }))
  t.ok(matches({ original: { protocolNumber: 99 } }, other))
  t.throws(() => matches({ protocol: 'tcp' }), new RangeError("protocol 'tcp' is not installed"))
  t.throws(() => matches({ protocol: ['stream', 'tcp'] }), new RangeError("protocol 'tcp' is not installed"))
  t.throws(() => matches({ family: 'ipx' }), new RangeError("family 'ipx' is neither ipv4 nor ipv6"))
  t.end()
})

t.test('a flow whose protocol lacks the field does not match', (t) => {
  const port = { original: { destinationPort: 443 } }
  t.strictSame(
    ['stream', 'datagram', 'echo', 'keyed'].map((protocol) => matches(port, flow({ protocol }))),
    [true, true, false, false],
  )
  t.notOk(matches({ original: { destinationKey: 443 } }), 'not even where the number on the wire is the same')
  t.ok(matches({ original: { destinationKey: 443 } }, flow({ protocol: 'keyed', original: { destinationKey: 443 } })))
  t.notOk(matches({ original: { destinationPort: { not: 80 } } }, flow({ protocol: 'echo' })), 'a negation makes no difference')
  t.end()
})

t.test('a field that no protocol has is an error with its path', (t) => {
  t.throws(() => matches({ mrak: 1 }), new RangeError("unknown field 'mrak'"))
  t.throws(() => matches({ original: { prot: 1 } }), new RangeError("unknown field 'original.prot'"))
  t.throws(() => matches({ protocol: 'echo', original: { sourcePort: 1 } }), new RangeError("unknown field 'original.sourcePort'"))
  t.throws(() => matches({ protocol: 'stream', toString: 1 }), new RangeError("unknown field 'toString'"))
  t.throws(() => matches({ original: { sourcePort: 1, sourceKey: 1 } }), RangeError, 'nor may it be in different ones')
  t.end()
})

t.test('a condition that cannot be is an error with the path of its field', (t) => {
  t.throws(
    () => matches({ original: { sourcePort: 70000 } }),
    new RangeError('original.sourcePort: 70000 is not a whole number from 0 to 65535'),
  )
  t.throws(() => matches({ original: { source: 'localhost' } }), new RangeError("original.source: 'localhost' is not an ipv4 address"))
  t.throws(() => matches({ original: { source: 5 } }), new RangeError("original.source: '5' is not an ipv4 address"))
  t.throws(() => matches({ original: { source: 'x::1' } }), new RangeError("original.source: 'x::1' is not an ipv6 address"))
  t.throws(() => matches({ state: 'OPNE' }), new RangeError("state: 'OPNE' is not one of NONE, OPENING, OPEN, CLOSED"))
  t.throws(() => matches({ status: ['ASURED'] }), /^status: 'ASURED' is not one of/)
  t.throws(() => matches({ helper: { name: 5 } }), /^helper.name: /)
  const message = 'mark: expected a value, or one of oneOf, not, from and to, value and mask, all, none'
  for (const mark of [{}, { from: 1 }, { mask: 1 }, { equals: 1 }]) t.throws(() => matches({ mark }), new RangeError(message))
  t.throws(() => matches({ mark: null }), /^mark: /)
  t.throws(() => matches({ mark: { not: { oneOf: [1, -1] } } }), /^mark: -1/)
  t.end()
})

t.test('conditions on a nest may be negated as a whole: not all of them hold', (t) => {
  t.notOk(matches({ original: { not: { source: '10.0.0.1' } } }))
  t.ok(matches({ original: { not: { source: '10.0.0.1', destinationPort: 1 } } }), 'one that does not is enough')
  t.ok(matches({ helper: { not: { name: 'ftp' } } }, flow({})), 'what is absent is not like that')
  t.notOk(matches({ original: { not: {} } }), 'no conditions always hold')
  t.throws(() => matches({ original: { not: { prot: 1 } } }), new RangeError("unknown field 'original.prot'"))
  t.end()
})

t.test('what should be conditions on fields and is none is an error, not a filter for everything', (t) => {
  for (const original of [5, true, null, '10.0.0.1', [], ['10.0.0.1']])
    t.throws(() => matches({ original }), new RangeError('original: expected an object'))
  t.end()
})
