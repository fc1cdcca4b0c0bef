/** How arguments are written, by what stands for them in help. */
export const NOTATIONS: readonly (readonly [placeholder: string, help: string])[] = [
  ['ADDRESS', 'IPv4 or IPv6; as a condition also a network: 10.0.0.0/8, fd00::/8'],
  ['PORT', 'a number, or the name of a service'],
  ['PROTOCOL', 'a name, or a number from 0 to 255; to list, delete or update, also several'],
  ['MARK[/MASK]', 'a number, 0x for hexadecimal; with a mask, its bits alone count or change'],
  ['STATUS', 'ASSURED, SEEN_REPLY, EXPECTED, FIXED_TIMEOUT, OFFLOAD, …; UNREPLIED is !SEEN_REPLY, UNSET none of the first four'],
  ['[ADDRESS][:PORT]', 'what a flow is translated to; IPv6 before a port stands in brackets'],
]

/** What holds for every option that is a condition. */
export const CONDITIONS =
  'A condition may be a list (80,443), a range (8000-8080), or, with ! in front, anything but that. All conditions of a command line must hold.'
