import t from 'tap'
import { COMMANDS } from '../src/commands.ts'
import { OPTIONS, protocolOptions } from '../src/options.ts'
import { outputHelp } from '../src/output.ts'
import { takersOf, usage } from '../src/usage.ts'
import { formats, protocols } from './program.ts'

const help = (chosen?: string): string =>
  usage(
    'conntrack v9',
    outputHelp(formats),
    protocols,
    protocols.find(({ name }) => name === chosen),
  )
/** The same with what is wrapped on one line. */
const unwrapped = (chosen?: string): string => help(chosen).replaceAll(/\n {20,}/g, ' ')

t.test('every command, option, format and protocol is in the help', async (t) => {
  const text = unwrapped()
  for (const { short, names, help } of COMMANDS) t.match(text, new RegExp(`^  (-${short}, |    )--${names[0]}.* ${help}$`, 'm'), names[0])
  for (const { short, names, help: what } of OPTIONS) {
    t.match(text, new RegExp(`^ +${short !== undefined && /[a-z]/i.test(short) ? `-${short}, ` : ''}--${names[0]}( |$)`, 'm'), names[0])
    t.ok(text.includes(what), what)
  }
  for (const [word, what] of outputHelp(formats)) t.ok(text.includes(`\n  ${word.padEnd(28)}${what}\n`), word)
  for (const { name } of protocols) t.match(text, new RegExp(`^Protocols .*\\b${name}\\b`, 'm'))
  t.match(text, /^ {2}-R, --load-file FILE /m)
})

t.test('it fits a terminal of 80 columns', async (t) => {
  for (const chosen of [undefined, ...protocols.map(({ name }) => name)])
    t.strictSame(
      help(chosen)
        .split('\n')
        .filter((line) => line.length > 80 || line !== line.trimEnd()),
      [],
      chosen ?? 'without -p',
    )
})

t.test('each option tells which commands take it, on flows and on expectations', async (t) => {
  const text = unwrapped()
  for (const option of OPTIONS) t.ok(new RegExp(`--${option.names[0]}[ \n].*\\(${takersOf(option)}\\)$`, 'm').test(text), option.names[0])
  const of = (name: string): string => takersOf(OPTIONS.find(({ names }) => names.includes(name)) ?? { ...OPTIONS[0], use: {} })
  t.equal(of('zero'), 'L')
  t.equal(of('tuple-src'), 'expect: LIEFC')
  t.equal(of('netns'), 'all; expect: all')
  t.match(of('src'), /^LGDIAU.*; expect: LGDI/)
})

t.test('the options of a protocol are in its help, and in no other', async (t) => {
  for (const protocol of protocols) {
    const text = unwrapped(protocol.name)
    t.match(text, `\nOptions with -p ${protocol.name}:\n`)
    for (const { names, help: what } of protocolOptions(protocol)) {
      t.match(text, new RegExp(`^ +--${names[0]} `, 'm'), `${protocol.name} --${names[0]}`)
      t.match(text, what)
    }
  }
  t.match(unwrapped('tcp'), / --state STATE +.*: NONE, SYN_SENT, .*, LISTEN \(/)
  t.notMatch(help('icmp'), /--sport/)
  t.notMatch(help(), /--sport/)
})
