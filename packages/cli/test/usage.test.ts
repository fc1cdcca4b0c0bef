import t from 'tap'
import { COMMANDS } from '../src/commands.ts'
import { OPTIONS, protocolOptions } from '../src/options.ts'
import { outputWords } from '../src/output.ts'
import { usage } from '../src/usage.ts'
import { formats, protocols } from './program.ts'

const help = (chosen?: string): string =>
  usage(
    'conntrack v9',
    outputWords(formats),
    protocols,
    protocols.find(({ name }) => name === chosen),
  )

t.test('every command, option, format and protocol is in the help', async (t) => {
  const text = help()
  for (const { short, names, help } of COMMANDS) t.match(text, `  -${short}, --${names[0]} `, help)
  for (const { short, names, help: what } of OPTIONS) {
    t.match(text, new RegExp(`^ +${short !== undefined && /[a-z]/.test(short) ? `-${short}, ` : ''}--${names[0]}( |$)`, 'm'), names[0])
    t.match(text, what)
  }
  for (const word of [...outputWords(formats), ...protocols.map(({ name }) => name)]) t.match(text, word)
})

t.test('each option tells which commands take it, on flows and on expectations', async (t) => {
  const text = help().replaceAll(/\n {20,}/g, ' ')
  const letters = (uses: object): string =>
    COMMANDS.filter(({ command }) => command in uses)
      .map(({ short }) => short)
      .join('')
  for (const { names, use, expectation = {} } of OPTIONS) {
    const lists = [letters(use), letters(expectation) && `expect: ${letters(expectation)}`].filter((list) => list !== '')
    t.match(text, new RegExp(`--${names[0]} .*\\(${lists.join('; ')}\\)$`, 'm'), names[0])
  }
})

t.test('the options of a protocol are in its help, and in no other', async (t) => {
  for (const protocol of protocols) {
    const text = help(protocol.name)
    t.match(text, `\nOptions with -p ${protocol.name}:\n`)
    for (const { names, help: what } of protocolOptions(protocol)) {
      t.match(text, new RegExp(`^ +--${names[0]} `, 'm'), `${protocol.name} --${names[0]}`)
      t.match(text, what)
    }
  }
  t.notMatch(help('icmp'), /--sport/)
  t.notMatch(help(), /--sport/)
})
