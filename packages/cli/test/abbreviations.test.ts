import type { Protocol } from '@conntrack/core/plugin'
import t, { type Test } from 'tap'
import { COMMANDS } from '../src/commands.ts'
import { getopt } from '../src/getopt.ts'
import { OPTIONS, protocolOptions } from '../src/options.ts'
import { outputWords, outputWordsIn } from '../src/output.ts'
import { formats, protocols } from './program.ts'

// conntrack(8)'s long options: the names of one option stand together. Those of a protocol count once -p has named it.
const BASE: readonly string[] = `
  dump get delete create add update event flush counter stats version help
  src,orig-src dst,orig-dst reply-src reply-dst protonum timeout status zero event-mask tuple-src tuple-dst mask-src mask-dst nat-range
  mark id family src-nat dst-nat output secmark buffer-size any-nat zone label label-add label-del orig-zone reply-zone labelmap`
  .trim()
  .split(/\s+/)
const PORTS = `sport,orig-port-src dport,orig-port-dst reply-port-src reply-port-dst mask-port-src mask-port-dst
  tuple-port-src tuple-port-dst`.split(/\s+/)
const OF_PROTOCOLS: Readonly<Record<string, readonly string[]>> = {
  tcp: [...PORTS, 'state'],
  udp: PORTS,
  udplite: PORTS,
  sctp: [...PORTS, 'state', 'orig-vtag', 'reply-vtag'],
  dccp: [...PORTS, 'state', 'role'],
  icmp: ['icmp-type', 'icmp-code', 'icmp-id'],
  icmpv6: ['icmpv6-type', 'icmpv6-code', 'icmpv6-id'],
  gre: `srckey,orig-key-src dstkey,orig-key-dst reply-key-src reply-key-dst mask-key-src mask-key-dst tuple-key-src tuple-key-dst`.split(
    ' ',
  ),
}

/** The names that an option may be shortened to, and its own: as getopt_long(3) has it. */
function abbreviations(options: readonly string[]): [prefix: string, names: string][] {
  const prefixes = new Set(options.flatMap((names) => names.split(',').flatMap((name) => [...name].map((_, i) => name.slice(0, i + 1)))))
  return [...prefixes].flatMap((prefix): [string, string][] => {
    const exact = options.filter((names) => names.split(',').includes(prefix))
    const meant = exact.length > 0 ? exact : options.filter((names) => names.split(',').some((name) => name.startsWith(prefix)))
    return meant.length === 1 ? [[prefix, meant[0]]] : []
  })
}

function check(t: Test, options: readonly string[], protocol?: Protocol): void {
  const syntax = [...COMMANDS, ...OPTIONS, ...(protocol === undefined ? [] : protocolOptions(protocol))]
  for (const [prefix, names] of abbreviations(options)) {
    const { options: found, error } = getopt([`--${prefix}`, '1'], syntax)
    if (error !== undefined || found[0]?.option.names[0] !== names.split(',')[0])
      t.fail(`--${prefix} is not --${names}: ${error?.kind ?? found[0]?.option.names[0]}`)
  }
  t.pass(`${options.length} options`)
}

t.test('every abbreviation of an option of conntrack(8) means what it means there', async (t) => {
  check(t, BASE)
  for (const protocol of protocols) check(t, [...BASE, ...OF_PROTOCOLS[protocol.name]], protocol)
})

t.test('so does every abbreviation of a word of -o', async (t) => {
  const words = ['xml', 'extended', 'timestamp', 'id', 'ktimestamp', 'labels', 'userspace', 'save']
  for (const word of words.filter((one) => outputWords(formats).includes(one)))
    for (let end = 1; end <= word.length; end++) t.same(outputWordsIn([word.slice(0, end)], formats), [word])
})
