import { NLM_F_CREATE, NLM_F_DUMP } from '../../packages/core/src/transport/message.ts'
import type { Witness } from './transcript.ts'

const ends = (sourcePort: number, source = '10.0.0.1', destination = '10.0.0.2') => ({
  source,
  destination,
  sourcePort,
  destinationPort: 443,
})
const back = (port: number, source = '10.0.0.2', destination = '10.0.0.1') => ({
  source,
  destination,
  sourcePort: 443,
  destinationPort: port,
})
const TAGS = { verificationTagOriginal: 1, verificationTagReply: 2 }
const TCP = { protocolNumber: 6 }
const open = (sourcePort: number, more: object = {}) =>
  ({ protocol: 'tcp', original: ends(sourcePort), timeout: 600, state: 'ESTABLISHED', ...more }) as const
const datagrams = (sourcePort: number, more: object = {}) =>
  ({ protocol: 'udp', original: ends(sourcePort), timeout: 60, ...more }) as const
const pings = (type: number, id: number) =>
  ({ protocol: 'icmp', original: { source: '10.0.0.1', destination: '10.0.0.2', type, code: 0, id }, timeout: 30 }) as const

const [NEW, GET, DELETE] = [0x0100, 0x0101, 0x0102]
const [V4, V6] = [2, 10]

/** What kernels are asked, a conversation each. */
export const SCENARIOS: Readonly<Record<string, (witness: Witness) => void>> = {
  'flows come and go'({ ct: { flows }, ask }) {
    ask('nothing', () => flows.list())
    ask('make', () => flows.create(open(1)))
    ask('make it again', () => flows.create(open(1)))
    ask('make it, or change it', () => flows.create(open(1, { mark: 9 }), { existing: 'update' }))
    ask('make the same packets the other way round', () => flows.create(open(2, { original: back(1) })))
    ask('make one whose answers another has', () => flows.create(open(3, { reply: back(1) })))
    ask('all', () => flows.list())
    ask('one', () => flows.get(open(1)))
    ask('one that is not there', () => flows.get(open(7)))
    ask('how many', () => flows.count())
    ask('delete', () => flows.delete({ protocol: 'tcp', original: { sourcePort: 1 } }))
    ask('delete nothing', () => flows.delete({ protocol: 'tcp', original: { sourcePort: 1 } }))
    ask('flush', () => flows.flush())
    ask('how many then', () => flows.count())
  },

  'a flow needs its parts'({ raw, ask }) {
    const make = (fields: object, family = V4): number => raw({ type: NEW, flags: NLM_F_CREATE, family }, fields)
    const original = { ...ends(1), ...TCP }
    const reply = { ...back(1), ...TCP }
    ask('no reply', () => make({ original, timeout: 9 }))
    ask('no original', () => make({ reply, timeout: 9 }))
    ask('no timeout', () => make({ original, reply }))
    ask('another family', () => make({ original, reply, timeout: 9 }, V6))
    ask('no port', () => make({ original: { ...original, sourcePort: undefined }, reply, timeout: 9 }))
    ask('two protocols', () => make({ original, reply: { ...reply, protocolNumber: 17 }, timeout: 9 }))
    ask('all of it', () => make({ original, reply, timeout: 9 }))
    ask('change what is not there', () => raw({ type: NEW, flags: 0, family: V4 }, { original: { ...original, sourcePort: 5 }, mark: 1 }))
    ask('get nothing', () => raw({ type: GET, flags: 0, family: V4 }, {}))
    ask('a message that is none', () => raw({ type: 0x01ff, flags: 0, family: V4 }, {}))
  },

  'ICMP has answers to some questions'({ ct: { flows }, ask }) {
    for (const type of [8, 0, 13, 3, 99]) ask(`type ${type}`, () => flows.create(pings(type, type)))
    ask('all', () => flows.list())
    ask('one', () => flows.get(pings(8, 8)))
  },

  'status bits are added'({ ct: { flows }, ask, raw }) {
    flows.create(open(1))
    const change = (status: readonly string[]): number =>
      raw({ type: NEW, flags: 0, family: V4 }, { original: { ...ends(1), ...TCP }, status })
    const status = (): unknown => flows.get(open(1))?.status
    ask('at first', status)
    ask('not CONFIRMED', () => change([]))
    ask('SEEN_REPLY', () => change(['CONFIRMED', 'SEEN_REPLY']))
    ask('ASSURED without it', () => change(['CONFIRMED', 'ASSURED']))
    ask('both', () => change(['CONFIRMED', 'SEEN_REPLY', 'ASSURED']))
    ask('EXPECTED', () => change(['CONFIRMED', 'SEEN_REPLY', 'ASSURED', 'EXPECTED']))
    ask('what is ignored', () => change(['CONFIRMED', 'SEEN_REPLY', 'ASSURED', 'SRC_NAT', 'OFFLOAD', 'HW_OFFLOAD', 'SEQ_ADJUST']))
    ask('DYING', () => change(['CONFIRMED', 'SEEN_REPLY', 'ASSURED', 'DYING']))
    ask('FIXED_TIMEOUT', () => change(['CONFIRMED', 'SEEN_REPLY', 'ASSURED', 'FIXED_TIMEOUT']))
    ask('not FIXED_TIMEOUT', () => change(['CONFIRMED', 'SEEN_REPLY', 'ASSURED']))
    ask('at last', status)
    ask('a timeout that is fixed', () => flows.update({}, { timeout: 5 }))
    ask('a new one, EXPECTED', () => flows.create(open(2, { status: ['EXPECTED'] })))
    ask('a new one, ASSURED', () => flows.create(open(3, { status: ['ASSURED', 'SEEN_REPLY'] })))
    ask('all', () => flows.list())
  },

  'marks have masks'({ ct: { flows }, ask }) {
    flows.create(open(1, { mark: 0xf0f0f0f0 }))
    for (const [mark, markMask] of [
      [5, 0xff],
      [0, 0xff],
      [0xffffffff, 0xffff0000],
      [0x80000000, 0],
      [7, 0xffffffff],
    ]) {
      ask(`${mark}/${markMask}`, () => flows.update({}, { mark, markMask }))
      ask('the mark', () => flows.get(open(1))?.mark)
    }
    ask('without a mask', () => flows.update({}, { mark: 1 }))
    ask('the mark', () => flows.get(open(1))?.mark)
  },

  'what the kernel filters'({ ct: { flows }, ask, raw }) {
    flows.create(open(1, { mark: 1, status: ['SEEN_REPLY'] }))
    flows.create(open(2, { mark: 3, zone: 5 }))
    flows.create(datagrams(3, { mark: 5 }))
    flows.create(datagrams(4, { original: { ...ends(4, 'fd00::1', 'fd00::2') } }))
    flows.create(open(5, { original: { ...ends(5), zone: 5 } }))
    flows.create({ ...pings(8, 7), mark: 2 })
    flows.create({ protocol: 'sctp', original: ends(9), timeout: 60, state: 'ESTABLISHED', ...TAGS })
    const dump = (fields: object, family = 0): number => raw({ type: GET, flags: NLM_F_DUMP, family }, fields)
    ask('all', () => dump({}))
    ask('IPv4', () => dump({}, V4))
    ask('IPv6', () => dump({}, V6))
    ask('a mark', () => dump({ mark: 3 }))
    ask('a mark under a mask', () => dump({ mark: 1, markMask: 1 }))
    ask('a mark beyond its mask', () => dump({ mark: 3, markMask: 1 }))
    ask('no mark', () => dump({ mark: 0 }))
    ask('a status', () => dump({ status: ['SEEN_REPLY'], statusMask: ['SEEN_REPLY'] }))
    ask('a status that is not', () => dump({ status: [], statusMask: ['SEEN_REPLY'] }))
    ask('a status without a mask', () => dump({ status: ['SEEN_REPLY', 'CONFIRMED'] }))
    ask('no status at all', () => dump({ status: [], statusMask: [] }))
    ask('a mask of nothing', () => dump({ statusMask: ['SEEN_REPLY'] }))
    ask('a zone', () => dump({ zone: 5 }))
    ask('zone 0', () => dump({ zone: 0 }))
    ask('two of them', () => dump({ zone: 5, mark: 3 }))
    const tuple = (originalFlags: number, original: object, family = V4): number => dump({ filter: { originalFlags }, original }, family)
    ask('a source', () => tuple(1, ends(0)))
    ask('another source', () => tuple(1, { ...ends(0), source: '10.0.0.9' }))
    ask('a destination', () => tuple(2, ends(0)))
    ask('a protocol', () => tuple(8, TCP))
    ask('a port', () => tuple(0x18, { ...TCP, sourcePort: 1 }))
    ask('both ports', () => tuple(0x38, { ...TCP, sourcePort: 1, destinationPort: 443 }))
    ask('an odd port', () => tuple(0x28, { ...TCP, destinationPort: 444 }))
    ask('a port of SCTP', () => tuple(0x18, { protocolNumber: 132, sourcePort: 1 }))
    ask('without a family', () => tuple(8, TCP, 0))
    ask('of IPv6, an address', () => tuple(1, ends(4, 'fd00::1', 'fd00::2'), V6))
    ask('of IPv6, another', () => tuple(1, ends(4, 'fd00::9', 'fd00::2'), V6))
    ask('of IPv6, a protocol', () => tuple(8, { protocolNumber: 17 }, V6))
    ask('a bit nobody knows', () => tuple(0x1000, TCP))
    ask('without a tuple', () => dump({ filter: { originalFlags: 8 } }, V4))
    ask('of the reply', () => dump({ filter: { replyFlags: 0x28 }, reply: { ...TCP, destinationPort: 1 } }, V4))
    ask('of the ICMP', () => flows.list({ protocol: 'icmp', mark: 2 }))
  },

  'a delete without a tuple is a flush'({ ct: { flows }, ask, raw }) {
    const fill = (): void => {
      flows.flush()
      flows.create(open(1, { mark: 1 }))
      flows.create(open(2, { mark: 2, zone: 5 }))
      flows.create(datagrams(4, { original: { ...ends(4, 'fd00::1', 'fd00::2') }, mark: 1 }))
    }
    const flush = (question: string, fields: object, family = 0, version = 0): void => {
      fill()
      ask(question, () => raw({ type: DELETE, flags: 0, family, version }, fields))
      ask('are left', () => flows.count())
    }
    flush('all', {})
    flush('of a family, as programs did that did not mean it', {}, V6)
    flush('of a family', {}, V6, 1)
    flush('of a mark', { mark: 1, markMask: 0xffffffff })
    flush('of a status', { status: ['CONFIRMED'], statusMask: ['CONFIRMED'] })
    flush('of a zone', { zone: 5 })
    flush('of a protocol', { filter: { originalFlags: 8 }, original: TCP }, V4)
    fill()
    ask('of one with another id', () => raw({ type: DELETE, flags: 0, family: V4 }, { original: { ...ends(1), ...TCP }, id: 1 }))
    ask('of one that is not there', () => raw({ type: DELETE, flags: 0, family: V4 }, { original: { ...ends(77), ...TCP } }))
    ask('of one', () => raw({ type: DELETE, flags: 0, family: V4 }, { original: { ...ends(1), ...TCP } }))
    ask('of one by its reply, in its zone', () => raw({ type: DELETE, flags: 0, family: V4 }, { reply: { ...back(2), ...TCP }, zone: 5 }))
    ask('are left', () => flows.count())
  },

  'zones keep twins apart'({ ct: { flows }, ask }) {
    ask('none', () => flows.create(open(1)))
    ask('one', () => flows.create(open(1, { zone: 7 })))
    ask('another', () => flows.create(open(1, { zone: 8 })))
    ask('the same again', () => flows.create(open(1, { zone: 8 })))
    ask('of the original alone, in the way of the reply', () => flows.create(open(1, { original: { ...ends(1), zone: 9 } })))
    ask('of the original alone', () => flows.create(open(2, { original: { ...ends(2), zone: 9 } })))
    ask('of the reply alone', () => flows.create(open(3, { reply: { ...back(3), zone: 9 } })))
    ask('two zones', () => flows.create(open(4, { original: { ...ends(4), zone: 9 }, zone: 3 })))
    ask('a zone of each', () => flows.create(open(4, { original: { ...ends(4), zone: 9 }, reply: { ...back(4), zone: 8 } })))
    for (const zone of [0, 7, 8, 9]) ask(`get in ${zone}`, () => flows.get(open(1, { zone })))
    ask('get by the zone of the original', () => flows.get({ protocol: 'tcp', original: { ...ends(2), zone: 9 } }))
    ask('get without', () => flows.get({ protocol: 'tcp', original: ends(2) }))
    ask('get by reply without', () => flows.get({ protocol: 'tcp', reply: back(2) }))
    ask('all', () => flows.list())
    ask('delete in one', () => flows.delete({ zone: 7 }))
    ask('left', () => flows.list())
  },

  'translation changes the answers'({ ct: { flows }, ask, raw }) {
    ask('source', () => flows.create(datagrams(1, { sourceNat: { minimum: '192.0.2.1' } })))
    ask('source, and a port', () => flows.create(datagrams(2, { sourceNat: { minimum: '192.0.2.1', minimumPort: 4000 } })))
    ask('source, and a port that is taken', () => flows.create(datagrams(3, { sourceNat: { minimum: '192.0.2.1', minimumPort: 4000 } })))
    ask('destination', () => flows.create(datagrams(4, { destinationNat: { minimum: '192.0.2.2' } })))
    ask('destination, and a port', () => flows.create(datagrams(5, { destinationNat: { minimum: '192.0.2.2', minimumPort: 8443 } })))
    ask('both', () => flows.create(open(6, { sourceNat: { minimum: '192.0.2.3' }, destinationNat: { minimum: '192.0.2.4' } })))
    ask('to itself', () => flows.create(open(7, { sourceNat: { minimum: '10.0.0.1' } })))
    ask('of IPv6', () => flows.create(datagrams(8, { original: ends(8, 'fd00::1', 'fd00::2'), sourceNat: { minimum: 'fd00::9' } })))
    ask('of pings', () => flows.create({ ...pings(8, 5), sourceNat: { minimum: '192.0.2.5' } }))
    ask('a port in a range', () =>
      flows.create(datagrams(4001, { sourceNat: { minimum: '192.0.2.6', minimumPort: 4000, maximumPort: 4002 } })),
    )
    ask('all', () => flows.list())
    ask('afterwards', () =>
      raw({ type: NEW, flags: 0, family: V4 }, { original: { ...ends(6), ...TCP }, sourceNat: { minimum: '192.0.2.9' } }),
    )
    ask('by the answer', () => flows.get({ protocol: 'tcp', reply: back(6, '192.0.2.4', '192.0.2.3') }))
    ask('translated', () => flows.list({ anyNat: true }))
  },

  'a table that was listed is made again'({ ct: { flows }, ask }) {
    flows.create(datagrams(1, { sourceNat: { minimum: '192.0.2.1', minimumPort: 4000 }, mark: 7 }))
    flows.create(open(2, { sourceNat: { minimum: '192.0.2.3' }, destinationNat: { minimum: '192.0.2.4', minimumPort: 8443 } }))
    flows.create(open(3, { zone: 7, status: ['SEEN_REPLY', 'ASSURED'] }))
    flows.create(open(4, { original: { ...ends(4), zone: 9 } }))
    flows.create({ ...pings(8, 5), sourceNat: { minimum: '192.0.2.5' } })
    const table = [...flows.list()]
    ask('the table', () => table)
    flows.flush()
    ask('made again', () => flows.createAll(table))
    ask('the same', () => flows.list())
    ask('twice', () => flows.createAll(table).refused)
    ask('brought up to date', () => flows.createAll(table, { existing: 'update' }).refused)
  },

  'helpers help some'({ ct: { flows }, ask }) {
    ask('with one', () => flows.create(open(1, { helper: { name: 'ftp' } })))
    ask('with one that there is not', () => flows.create(open(2, { helper: { name: 'carrier-pigeon' } })))
    ask('with one for another protocol', () => flows.create(datagrams(3, { helper: { name: 'ftp' } })))
    ask('without', () => flows.create(open(4)))
    ask('given later', () => flows.update({ protocol: 'tcp', original: { sourcePort: 4 } }, { helper: { name: 'ftp' } }))
    ask('changed', () => flows.update({ protocol: 'tcp', original: { sourcePort: 1 } }, { helper: { name: 'carrier-pigeon' } }))
    ask('all', () => flows.list())
    ask('taken away', () => flows.update({ protocol: 'tcp', original: { sourcePort: 1 } }, { helper: { name: '' } }))
    ask('all then', () => flows.list())
    ask('given back', () => flows.update({ protocol: 'tcp', original: { sourcePort: 1 } }, { helper: { name: 'ftp' } }))
    ask('all at last', () => flows.list())
  },

  'connections are expected'({ ct: { flows, expectations }, ask }) {
    flows.create(open(1, { helper: { name: 'ftp' } }))
    flows.create(open(2, { helper: { name: 'ftp' }, zone: 3 }))
    flows.create(open(3))
    flows.create(open(4, { helper: { name: 'ftp' } }))
    const expected = (port: number, more: object = {}) =>
      ({
        protocol: 'tcp',
        master: ends(1),
        tuple: { source: '10.0.0.2', destination: '10.0.0.1', sourcePort: 0, destinationPort: port },
        mask: { source: '255.255.255.0', destination: '255.0.0.0', sourcePort: 0, destinationPort: 1 },
        ...more,
      }) as const
    const from = (source: string, port: number) => ({ source, destination: '10.0.0.1', sourcePort: 9, destinationPort: port })
    ask('without a master', () => expectations.create(expected(21, { master: ends(9) })))
    ask('without a helper', () => expectations.create(expected(21, { master: ends(3) })))
    ask('of another class', () => expectations.create(expected(21, { class: 4 })))
    ask('of another zone', () => expectations.create(expected(21, { zone: 3 })))
    ask('make', () => expectations.create(expected(21, { timeout: 5, flags: ['PERMANENT', 'INACTIVE', 'USERSPACE'], helper: 'sip' })))
    ask('make it again', () => expectations.create(expected(21)))
    ask('overlapping', () => expectations.create(expected(21, { master: ends(4), tuple: from('10.0.0.77', 21) })))
    ask('overlapping under a wider mask', () =>
      expectations.create(
        expected(21, {
          master: ends(4),
          tuple: from('10.0.9.77', 21),
          mask: { source: '255.255.0.0', destination: '255.0.0.0', sourcePort: 0, destinationPort: 1 },
        }),
      ),
    )
    ask('of the other master', () => expectations.create(expected(22, { master: ends(2), zone: 3 })))
    ask('all', () => expectations.list())
    ask('one more than it may', () => expectations.create(expected(23, { nat: { direction: 1, tuple: { ...ends(8), ...TCP } } })))
    ask('all then', () => expectations.list())
    ask('under its mask', () => expectations.get({ protocol: 'tcp', tuple: from('10.0.0.200', 23) }))
    ask('beyond its mask', () => expectations.get({ protocol: 'tcp', tuple: from('10.0.1.200', 23) }))
    ask('in another zone', () => expectations.get({ protocol: 'tcp', tuple: from('10.0.0.2', 22) }))
    ask('in its zone', () => expectations.get({ protocol: 'tcp', tuple: from('10.0.0.2', 22), zone: 3 }))
    ask('delete', () => expectations.delete({ tuple: { source: '10.0.0.2' } }))
    ask('its count', () => expectations.count())
    expectations.create(expected(24))
    ask('the master goes', () => flows.delete({ protocol: 'tcp', original: { sourcePort: 1 } }))
    ask('its count then', () => expectations.count())
    expectations.create(expected(25, { master: ends(4) }))
    ask('flush', () => expectations.flush())
    ask('its count at last', () => expectations.count())
  },

  'what else a flow may have'({ ct: { flows }, ask, raw }) {
    const label = (labels: Uint8Array): number => raw({ type: NEW, flags: 0, family: V4 }, { original: { ...ends(1), ...TCP }, labels })
    const moved = { correctionPosition: 1, offsetBefore: 2, offsetAfter: 3 }
    ask('sequence adjustments', () => flows.create(open(1, { originalSequenceAdjustment: moved, replySequenceAdjustment: moved })))
    ask('a master', () => flows.create(open(2, { master: { ...ends(1), ...TCP } })))
    ask('a master that is not there', () => flows.create(open(3, { master: { ...ends(9), ...TCP } })))
    ask('flags of TCP', () => flows.create(open(4, { flagsOriginal: { flags: ['SACK_PERM'], mask: ['SACK_PERM', 'BE_LIBERAL'] } })))
    ask('scales', () => flows.create(open(5, { windowScaleOriginal: 3, windowScaleReply: 4 })))
    ask('labels, which no rule uses', () => flows.create(open(6, { labels: Uint8Array.of(0, 0, 0, 1) })))
    ask('labels later', () => label(Uint8Array.of(0, 0, 0, 1)))
    ask('half a word of labels', () => label(Uint8Array.of(1, 1)))
    ask('too many labels', () => label(new Uint8Array(20).fill(1)))
    ask('a state', () => flows.update({ protocol: 'tcp', original: { sourcePort: 4 } }, { protocol: 'tcp', state: 'TIME_WAIT' }))
    ask('flags later', () =>
      flows.update(
        { protocol: 'tcp', original: { sourcePort: 4 } },
        { protocol: 'tcp', flagsReply: { flags: ['BE_LIBERAL'], mask: ['BE_LIBERAL', 'SACK_PERM'] } },
      ),
    )
    ask('all', () => flows.list())
    ask('zeroed', () => flows.list({}, { zeroCounters: true }))
    ask('dying', () => flows.list({}, { table: 'dying' }))
    ask('unconfirmed', () => flows.list({}, { table: 'unconfirmed' }))
    ask('statistics', () => flows.cpuStatistics().reduce((sum, { insert = 0, earlyDrop = 0 }) => sum + insert + earlyDrop, 0))
  },
}
