import t from 'tap'
import { Failure, UsageError } from '../src/failure.ts'
import { type FormatOptions, outputOf, outputWords, recordOf } from '../src/output.ts'
import { formats as all } from './program.ts'

/** Formats that tell what they were asked for by their name. */
const formats = Object.fromEntries(
  Object.keys(all).map((name) => [
    name,
    { help: '', flow: (options: FormatOptions) => ({ name: `${name} ${JSON.stringify(options)}`, compile: () => () => {} }) },
  ]),
)

const chosen = (...words: string[]): string => outputOf(words, formats, 'list', 'conntrack').format.name
const refused = (...words: string[]): string => {
  try {
    return chosen(...words)
  } catch (error) {
    if (error instanceof UsageError || error instanceof Failure) return error.message
    throw error
  }
}

t.test('without -o there is a line, with words a line that shows more', async (t) => {
  t.equal(chosen(), 'line {"command":"-A"}')
  t.equal(chosen('extended'), 'line {"command":"-A","extended":true}')
  t.equal(chosen('id'), 'line {"command":"-A","id":true}')
  t.equal(chosen('ktimestamp'), 'line {"command":"-A","kernelTimestamp":true}')
  t.equal(chosen('userspace'), chosen(), 'since that is always shown')
  t.equal(outputOf(['labels'], formats, 'list', 'conntrack', ['a']).format.name, 'line {"command":"-A","labels":["a"]}')
  const both = 'line {"command":"-A","extended":true,"id":true}'
  t.equal(chosen('extended,id'), both)
  t.equal(chosen('extended', 'id'), both, 'in one list or several')
})

t.test('words may be shortened', async (t) => {
  t.equal(chosen('ext'), chosen('extended'))
  t.equal(chosen('e,i,k'), chosen('extended,id,ktimestamp'))
  t.equal(chosen('x'), chosen('xml'))
  t.equal(chosen('XML'), chosen('xml'), 'and in any case')
  t.equal(chosen('j'), chosen('json'))
})

t.test('a format is chosen by its name, and takes the words that it always shows', async (t) => {
  t.equal(chosen('json'), 'json {"command":"-A"}')
  t.equal(chosen('xml,ktimestamp'), 'xml {"command":"-A","kernelTimestamp":true}')
  t.equal(chosen('json,json', 'id'), 'json {"command":"-A","id":true}')
  t.equal(outputOf(['save'], formats, 'delete', 'conntrack').format.name, 'save {"command":"-D"}')
})

t.test('what cannot be is an error', async (t) => {
  const known = outputWords(formats).join(', ')
  t.match(refused('foo'), `Bad parameter \`foo' for option \`-o': expected some of ${known}`)
  for (const word of ['', 'id,', ',', 'line', 'idx']) t.match(refused(word), /^Bad parameter `/, word)
  t.equal(refused('json,xml'), 'cannot combine the outputs json and xml')
  t.match(refused('save,id'), /^cannot combine save output with any other output type/)
  t.equal(chosen('save,userspace'), 'save {"command":"-A"}', 'which says nothing')
})

t.test('expectations have formats of their own, and a format may have none for them', async (t) => {
  t.equal(outputOf([], all, 'list', 'expect').format.name, 'line')
  t.match(outputOf(['xml'], all, 'list', 'expect').format, { name: 'xml', tail: '</expect>\n' })
  t.equal(outputOf(['json'], all, 'list', 'expect').format.name, 'json')
  t.equal(outputOf(['save'], all, 'list', 'expect').format.name, 'save')
  const { flow, help } = all['save']
  t.throws(() => outputOf(['save'], { save: { flow, help } }, 'list', 'expect'), new UsageError("expectations cannot be written as `save'"))
})

t.test('what is no entry has formats of its own', async (t) => {
  t.equal(outputOf([], all, 'count', 'conntrack').record, undefined)
  t.equal(outputOf(['json'], all, 'count', 'conntrack').record?.({ count: 1 }), '{"version":1,"count":1}\n')
  for (const word of ['xml', 'id', 'save'])
    t.throws(
      () => outputOf([word], all, 'statistics', 'conntrack'),
      new UsageError(`no entries are written, so \`-o ${word}' says nothing: expected json`),
    )
})

t.test('errors are written as -o says, whatever else is wrong with it', async (t) => {
  t.equal(recordOf([], all), undefined)
  t.equal(recordOf(['xml', 'id'], all), undefined)
  for (const words of [['json'], ['j'], ['foo,json'], ['xml', 'json']]) t.equal(recordOf(words, all), all['json']?.record, words.join())
})
