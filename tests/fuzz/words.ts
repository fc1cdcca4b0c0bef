/** Text that whoever prints, quotes or parses it may get wrong. */
export const HOSTILE_TEXTS: readonly string[] = [
  '',
  ' ',
  'ftp',
  'two words',
  '"',
  '\\',
  '"quoted"',
  "'",
  '-D',
  '#',
  'a\nb',
  'a\r\n-F\n',
  'a\tb',
  '\u001b[2J\u001b]0;title\u0007',
  '\u009b31m',
  '\u007f',
  '\u202egnp.exe',
  '\u2028\u2029',
  '</helper>',
  '<!-- ]]> &amp; &#0;',
  '<![CDATA[',
  '","x":"',
  '{}',
  "=cmd|' /C calc'!A0",
  'a,b;c',
  '%s%n',
  '$(reboot)`reboot`',
  'é€𝄞',
  '\ufeff',
  '\ufffe\uffff',
  'A'.repeat(300),
]

/** Bytes that are no UTF-8, or hold a NUL. */
const RAW: readonly (readonly number[])[] = [
  [0],
  [0x66, 0x74, 0x70, 0, 0x78],
  [0xff, 0xfe, 0xfd],
  [0xc3],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xe2, 0x82],
]

/** The same and more as bytes. */
export const hostileWords: readonly Uint8Array[] = [
  ...HOSTILE_TEXTS.map((text) => new TextEncoder().encode(text)),
  ...HOSTILE_TEXTS.map((text) => new TextEncoder().encode(`${text}\0`)),
  ...RAW.map((bytes) => Uint8Array.from(bytes)),
]
