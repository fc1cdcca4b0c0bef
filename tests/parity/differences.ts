/** What of a run is compared: `table` is how the table is afterwards. */
export type Aspect = 'status' | 'stdout' | 'summary' | 'table'

/** An intended difference between the original, version 1.4.7, and ours. */
export interface Difference {
  readonly reason: string
  /** What may differ; all else must be the same. */
  readonly in: readonly Aspect[]
  readonly lines: readonly string[]
}

/** All there are. What differs and is not here fails the test, and so does what is here and does not differ. */
export const DIFFERENCES: readonly Difference[] = [
  {
    reason: 'letters of commands cluster with those of options, as from 1.4.9 on; 1.4.7 swallows what is glued to a command',
    in: ['stdout', 'summary'],
    lines: ['-Lo id', '-Lp tcp'],
  },
  {
    reason: "a protocol's options may stand before -p",
    in: ['status', 'stdout', 'summary'],
    lines: ['--sport 1004 -p tcp -L', '-L --dport 443 -p tcp'],
  },
  {
    reason: 'ports may be written in hexadecimal; the original reads 0',
    in: ['stdout', 'summary'],
    lines: ['-L -p tcp --dport 0x1bb'],
  },
  {
    reason: 'keys of GRE are conditions; the original does not compare them',
    in: ['stdout', 'summary', 'table'],
    lines: ['-L -p gre --srckey 0x10', '-L -p gre --dstkey 0xffff -o extended', '-D -p gre --srckey 0x10'],
  },
  {
    reason: 'bits of the status that must be unset are conditions, alone or beside others, and so are those of NAT',
    in: ['status', 'stdout', 'summary'],
    lines: ['-L -u UNSET', '-L -u ASSURED,!SEEN_REPLY', '-L -u ASSURED -u SEEN_REPLY', '-L -u SRC_NAT'],
  },
  {
    reason: 'nothing is deleted that -L does not list; the original deletes all',
    in: ['status', 'stdout', 'summary', 'table'],
    lines: ['-D -u UNREPLIED', '-D -u !ASSURED', '-D -u UNSET', '-D -t 7'],
  },
  {
    reason: 'addresses of IPv6 are compared',
    in: ['status', 'stdout', 'summary', 'table'],
    lines: ['-L -n fd00::9', '-D -n fd00::9'],
  },
  {
    reason: '-j with an address means either translation, beside -p too',
    in: ['stdout', 'summary'],
    lines: ['-L -j 192.168.0.2 -p tcp'],
  },
  {
    reason: 'options that the original takes elsewhere work on these commands too',
    in: ['status', 'stdout', 'summary', 'table'],
    lines: [
      '-L -t 3000',
      '-L -i 1',
      '-L -r 10.0.0.0/24',
      '-L -q 10.0.0.0/24',
      '-D -j',
      '-I -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 9 --dport 9 -t 60 -f ipv4',
    ],
  },
  {
    reason: 'an entry may be asked for by the tuple of its reply direction',
    in: ['status', 'stdout', 'summary'],
    lines: ['-G -p tcp -r 10.0.0.2 -q 10.0.0.1 --reply-port-src 443 --reply-port-dst 1004'],
  },
  {
    reason: 'values are checked; the original reads 0, or a part of what was written',
    in: ['status', 'stdout', 'summary'],
    lines: [
      '-L -s 10.0.0.1/',
      '-L -f ipv4foo',
      '-L -m foo',
      '-L -m 0x100000000',
      '-L -m -1',
      '-L -w 65536',
      '-L --orig-zone foo',
      '-L -p tcp --sport 70000',
      '-L -p tcp --sport foo',
      '-L -p tcp --dport -1',
    ],
  },
  { reason: 'the original crashes', in: ['status'], lines: ['-L -p sctp --state FOO'] },
  { reason: 'a format of ours', in: ['status', 'stdout', 'summary'], lines: ['-L -o json'] },
  {
    reason: 'counters are not zeroed where not all are shown',
    in: ['status', 'stdout', 'summary'],
    lines: ['-L -z -n'],
  },
  {
    reason: '-u sets a bit of the mark in 1.4.7',
    in: ['table'],
    lines: ['-I -t 1000 -p udp -s 1.1.1.1 -d 2.2.2.2 --sport 10 --dport 20 -m 5 -u SEEN_REPLY,ASSURED'],
  },
  {
    reason: '-A changes the entry that is there, as from 1.4.8 on; 1.4.7 leaves it',
    in: ['summary', 'table'],
    lines: ['-A -t 1000 -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 2001 --dport 53 -m 77'],
  },
  {
    reason: 'every entry that was updated is shown; 1.4.7 takes the acknowledgement of one for the answer about the next',
    in: ['stdout'],
    lines: [
      '-U -f ipv4 -p tcp -m 5',
      '-U -f ipv4 -p tcp -m 0x100/0x100',
      '-U -p tcp --dport 443 -s 10.0.0.1 -m 9 -o extended',
      '-U -f ipv4 -p icmp -m 3',
      '-U -s fd00::/16 -m 3',
      '-U -d 10.0.0.0/30 -p tcp -m 3',
      '-U -r 192.168.0.2 -m 3',
      '-U -f ipv4 -n -m 3',
    ],
  },
  {
    reason: 'an update is of the very entry, in its zone; the original updates the one in zone 0',
    in: ['status', 'stdout', 'summary', 'table'],
    lines: [
      '-U -f ipv4 -m 5',
      '-U -f ipv4 -p udp -m 1/0xff -o id',
      '-U -f ipv4 -p udp --sport 2001 -m 3',
      '-U -f ipv4 -p udp --sport 2002 -m 3',
      '-U -f ipv4 -w 5 -m 3',
      '-U -w 5 -m 3',
    ],
  },
  {
    reason: 'an address after -g is a condition, as on -L; the original asks the kernel to translate, is refused, and tells of success',
    in: ['stdout', 'table'],
    lines: ['-U -f ipv4 -g 192.168.0.2 -p tcp -m 3'],
  },
  {
    reason: 'the kernel refuses a state of SCTP without tags, and the original tells of success',
    in: ['status', 'stdout', 'summary'],
    lines: ['-U -f ipv4 -p sctp --sport 4001 --state SHUTDOWN_SENT'],
  },
  {
    reason: 'an update works without -f; 1.4.7 names no family to the kernel, which refuses',
    in: ['status', 'stdout', 'summary', 'table'],
    lines: ['-U -m 5', '-U -p icmp -m 3'],
  },
  { reason: 'one family is emptied; the original empties both', in: ['table'], lines: ['-F -f ipv4', '-F -f ipv6'] },
  { reason: 'a file has no summaries', in: ['summary'], lines: ['-R @flush'] },
]
