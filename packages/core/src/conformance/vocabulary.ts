import { flowTable } from '../tables/flow.ts'
import { expectationRow, flowRow, type Option, type Protocol } from '../tables/protocol.ts'
import { type Check, must, same } from './check.ts'

/** What a protocol says of itself: names, words and options. */
export function vocabulary(protocol: Protocol): Check[] {
  const { name, number, tuple, protoinfo, labels, state, options } = protocol
  return [
    {
      name: 'it has a name and a number, and a word for every field of its tuple',
      run() {
        must(/^[a-z][a-z0-9]*$/.test(name), `the name '${name}' is not made of small letters and digits`)
        must(Number.isInteger(number) && number >= 0 && number <= 255, `the number ${number} is not one of 0 to 255`)
        same(Object.keys(labels).toSorted(), Object.keys(tuple).toSorted(), 'fields with a word')
        const words = Object.values(labels)
        for (const word of words) must(/^[a-z]+$/.test(word), `the word '${word}' is not made of small letters`)
        same([...new Set(words)], words, 'words, each for one field')
        must(state === undefined || Object.hasOwn(protoinfo, state), `the state '${state}' is not in protoinfo`)
      },
    },
    {
      name: 'its fields are no other fields of a flow',
      run() {
        const common = flowTable({}, {})
        const taken = ['protocol', 'family', 'nat', ...Object.keys(common)]
        same(
          Object.keys(protoinfo).filter((field) => taken.includes(field)),
          [],
          'fields of protoinfo that every flow has',
        )
        same(
          Object.keys(tuple).filter((field) => field in common.original.table),
          [],
          'fields of the tuple that every tuple has',
        )
      },
    },
    {
      name: 'its options are about fields that exist, each under names of its own',
      run() {
        const names = options.flatMap((option) => option.names)
        same([...new Set(names)], names, 'names, each of one option')
        for (const one of names) must(OPTION_NAME.test(one), `the option's name '${one}' is not three small letters, or words with dashes`)
        for (const option of options) aboutRight(protocol, option)
        const about = new Set(options.map(({ sets }) => sets))
        same(
          Object.keys(tuple).filter((field) => !about.has(`original.${field}`)),
          [],
          'fields of the tuple without an option',
        )
      },
    },
    {
      name: 'what a command needs, it can be told: both ends of a pair, and every field that is required',
      run() {
        for (const command of ['get', 'create', 'add'] as const) {
          const paired = options.filter(({ use }) => use[command] === 'pair').map(({ sets }) => sets)
          for (const direction of ['original.', 'reply.']) {
            const ends = paired.filter((path) => path.startsWith(direction))
            must(ends.length % 2 === 0, `${command} has half a pair: ${ends.join(', ')}`)
          }
          const told = new Set(options.filter(({ use }) => use[command] !== undefined).map(({ sets }) => sets))
          const silent = Object.keys(tuple).filter((field) => !told.has(`original.${field}`))
          must(silent.length === 0, `${command} cannot be told ${silent.join(', ')}`)
        }
      },
    },
  ]
}

const OPTION_NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)+$|^[a-z]{3,}$/

function aboutRight(protocol: Protocol, option: Option): void {
  const { names, help, argument, use, expectation } = option
  rowOf(protocol, option)
  must(/^\S.{5,60}[^. ]$/.test(help), `the help of --${names[0]} is not a line without a full stop: '${help}'`)
  must(/^[A-Z]+(\/[A-Z]+|\[\/[A-Z]+\])?$/.test(argument), `the argument of --${names[0]} is not in capitals: '${argument}'`)
  must(Object.keys({ ...use, ...expectation }).length > 0, `no command takes --${names[0]}`)
}

/** The row that an option is about: of flows, or of expectations if it is for them alone. @throws RangeError */
export function rowOf(protocol: Protocol, { sets, use }: Option): ReturnType<typeof flowRow> {
  return (Object.keys(use).length > 0 ? flowRow : expectationRow)(protocol, sets)
}
