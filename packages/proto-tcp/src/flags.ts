import { bits, type Kind, word } from '@conntrack/core/plugin'

/** IP_CT_TCP_FLAG_*, lowest bit first. */
const names = bits('TCP flags', 1, [
  'WINDOW_SCALE',
  'SACK_PERM',
  'CLOSE_INIT',
  'BE_LIBERAL',
  'DATA_UNACKNOWLEDGED',
  'MAXACK_SET',
  'CHALLENGE_ACK',
  'SIMULTANEOUS_OPEN',
])

type Names = ReturnType<typeof names.read>

/** struct nf_ct_tcp_flags: the flags, and when they are sent to the kernel, which of them to change. */
export interface WindowFlags {
  readonly flags: Names
  readonly mask: Names
}

/** Flags with one more, which the mask lets through. */
export function withFlag({ flags, mask }: WindowFlags = { flags: [], mask: [] }, flag: Names[number]): WindowFlags {
  const added = (names: Names): Names => (names.includes(flag) ? names : [...names, flag])
  return { flags: added(flags), mask: added(mask) }
}

/**
 * struct nf_ct_tcp_flags, two bytes. As an argument: `FLAGS[/MASK]`, each a list of names; without a mask these flags are set and the
 * others stay, or as a condition, these are set and the others do not matter.
 */
export const windowFlags: Kind<WindowFlags> = {
  name: 'TCP flags and mask',
  size: 2,
  read: (bytes, at) => ({ flags: names.read(bytes, at, 1), mask: names.read(bytes, at + 1, 1) }),
  write(bytes, at, { flags, mask }) {
    names.write(bytes, at, flags)
    names.write(bytes, at + 1, mask)
    return 2
  },
  print(text, bytes, at) {
    names.print(text, bytes, at, 1)
    text.string('/')
    names.print(text, bytes, at + 1, 1)
  },
  json(text, bytes, at) {
    text.word(FLAGS)
    names.json(text, bytes, at, 1)
    text.word(MASK)
    names.json(text, bytes, at + 1, 1)
    text.word(END)
  },
  schema: { type: 'object', required: ['flags', 'mask'], properties: { flags: names.schema, mask: names.schema } },
  parse(argument) {
    const [flags, mask = flags, ...rest] = argument.split('/')
    if (argument === '' || rest.length > 0) throw new RangeError('expected FLAGS or FLAGS/MASK')
    return { flags: listed(flags), mask: listed(mask) }
  },
  // The kernel tells flags without a mask, so that the mask of a condition is one for their byte.
  condition(argument) {
    const { flags, mask } = windowFlags.parse(argument)
    return { value: { flags: flags.filter((flag) => mask.includes(flag)), mask: [] }, mask: { flags: mask, mask: [] } }
  },
}

const listed = (argument: string): Names => (argument === '' ? [] : names.parse(argument))

const FLAGS = word('{"flags":')
const MASK = word(',"mask":')
const END = word('}')
