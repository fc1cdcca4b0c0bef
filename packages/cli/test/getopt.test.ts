import t from 'tap'
import { getopt, type OptionSyntax } from '../src/getopt.ts'

const list: OptionSyntax = { short: 'L', names: ['dump'], argument: 'none' }
const remove: OptionSyntax = { short: 'D', names: ['delete'], argument: 'none' }
const source: OptionSyntax = { short: 's', names: ['src', 'orig-src'], argument: 'required' }
const output: OptionSyntax = { short: 'o', names: ['output'], argument: 'required' }
const mark: OptionSyntax = { short: 'm', names: ['mark'], argument: 'required' }
const state: OptionSyntax = { names: ['state'], argument: 'required' }
const stateful: OptionSyntax = { names: ['stateful'], argument: 'none' }
const sourcePort: OptionSyntax = { names: ['sport', 'orig-port-src'], argument: 'required' }
const nat: OptionSyntax = { short: 'n', names: ['src-nat'], argument: 'optional' }
const syntax = [nat, list, remove, source, output, mark, state, stateful, sourcePort]

/** What was seen, in short: options with their argument, then other words, then what was wrong. */
function seen(...argv: string[]): unknown[] {
  const { options, words, error } = getopt(argv, syntax)
  return [
    ...options.map(({ option, argument }) => (argument === undefined ? option.names[0] : [option.names[0], argument])),
    ...words.map((word) => ({ word })),
    ...(error === undefined ? [] : [error]),
  ]
}

t.test('nothing is nothing', async (t) => {
  t.same(seen(), [])
})

t.test('an option is a letter or a name', async (t) => {
  t.same(seen('-L'), ['dump'])
  t.same(seen('--dump'), ['dump'])
  t.same(seen('-s', '1.1.1.1'), [['src', '1.1.1.1']])
  t.same(seen('--src', '1.1.1.1'), [['src', '1.1.1.1']])
  t.same(seen('--orig-src', '1.1.1.1'), [['src', '1.1.1.1']], 'an option may have several names')
})

t.test('letters stand in clusters, and what follows one with an argument is the argument', async (t) => {
  t.same(seen('-LD'), ['dump', 'delete'])
  t.same(seen('-Lo', 'id'), ['dump', ['output', 'id']])
  t.same(seen('-Loid'), ['dump', ['output', 'id']])
  t.same(seen('-oLD'), [['output', 'LD']])
  t.same(seen('-s=1'), [['src', '=1']], 'to a letter, = is part of the argument')
})

t.test('a name may be shortened as long as one option is meant', async (t) => {
  t.same(seen('--du'), ['dump'])
  t.same(seen('--d'), [{ kind: 'ambiguous', written: '--d' }])
  t.same(seen('--st', 'x'), [{ kind: 'ambiguous', written: '--st' }])
  t.same(seen('--s', 'x'), [{ kind: 'ambiguous', written: '--s' }])
  t.same(seen('--src', 'x'), [['src', 'x']], 'the whole name wins over longer ones')
  t.same(seen('--orig-s', 'x'), [['src', 'x']])
  t.same(seen('--orig', 'x'), [{ kind: 'ambiguous', written: '--orig' }])
  t.same(seen('--stat', 'x'), [{ kind: 'ambiguous', written: '--stat' }])
  t.same(seen('--state', 'x'), [['state', 'x']], 'the whole name wins over longer ones')
  t.same(seen('--statef'), ['stateful'])
  t.same(seen('--nothing'), [{ kind: 'unknown', written: '--nothing' }])
  t.same(seen('--dumpster'), [{ kind: 'unknown', written: '--dumpster' }])
  t.same(seen('--Dump'), [{ kind: 'unknown', written: '--Dump' }])
})

t.test('a name that begins two names of one option is not ambiguous', async (t) => {
  const twins: OptionSyntax = { names: ['twin-a', 'twin-b'], argument: 'none' }
  t.same(getopt(['--twin'], [twins]).options.length, 1)
})

t.test('a name takes its argument after = too', async (t) => {
  t.same(seen('--src=1.1.1.1'), [['src', '1.1.1.1']])
  t.same(seen('--outp=1.1.1.1'), [['output', '1.1.1.1']])
  t.same(seen('--src='), [['src', '']], 'which may be empty')
  t.same(seen('--src=a=b'), [['src', 'a=b']])
  t.same(seen('--src', '=x'), [['src', '=x']])
  t.same(seen('--dump=expect'), [{ kind: 'argument not allowed', written: '--dump' }])
  t.same(seen('--dump='), [{ kind: 'argument not allowed', written: '--dump' }])
  t.same(seen('--=x'), [{ kind: 'ambiguous', written: '--' }])
})

t.test('an argument is whatever word comes next', async (t) => {
  t.same(seen('-s', '-L'), [['src', '-L']])
  t.same(seen('--src', '--'), [['src', '--']])
  t.same(seen('-s', ''), [['src', '']])
  t.same(seen('-m', '-1', '-L'), [['mark', '-1'], 'dump'])
})

t.test('an argument that may be is glued, behind =, or the next word that is no option', async (t) => {
  t.same(seen('-n'), ['src-nat'])
  t.same(seen('-n1.1.1.1', 'x'), [['src-nat', '1.1.1.1'], { word: 'x' }])
  t.same(seen('-n', '1.1.1.1', 'x'), [['src-nat', '1.1.1.1'], { word: 'x' }])
  t.same(seen('--src-n', '1.1.1.1'), [['src-nat', '1.1.1.1']])
  t.same(seen('--src-nat=1.1.1.1', 'x'), [['src-nat', '1.1.1.1'], { word: 'x' }])
  t.same(seen('-n', '-L', 'x'), ['src-nat', 'dump', { word: 'x' }])
  t.same(seen('-n', '-', '-L'), ['src-nat', 'dump', { word: '-' }])
  t.same(seen('--src-nat=', '-L'), [['src-nat', ''], 'dump'])
  t.same(seen('--src-nat', '--dump'), ['src-nat', 'dump'])
})

t.test('an argument that is missing is an error', async (t) => {
  t.same(seen('-s'), [{ kind: 'argument missing', written: '-s' }])
  t.same(seen('-Ls'), ['dump', { kind: 'argument missing', written: '-s' }])
  t.same(seen('--src'), [{ kind: 'argument missing', written: '--src' }])
  t.same(seen('--outp'), [{ kind: 'argument missing', written: '--outp' }])
})

t.test('reading stops at the first error', async (t) => {
  t.same(seen('-L', '-x', '-D'), ['dump', { kind: 'unknown', written: '-x' }])
  t.same(seen('-Lx', '-y'), ['dump', { kind: 'unknown', written: '-x' }])
  t.same(seen('-L-'), ['dump', { kind: 'unknown', written: '--' }])
  t.same(seen('-😀'), [{ kind: 'unknown', written: '-😀' }])
})

t.test('other words stand anywhere, and -- ends the options', async (t) => {
  t.same(seen('a', '-L', 'b', '-s', 'c', 'd'), ['dump', ['src', 'c'], { word: 'a' }, { word: 'b' }, { word: 'd' }])
  t.same(seen('-', '-L'), ['dump', { word: '-' }], 'a single dash is a word')
  t.same(seen('', '-L'), ['dump', { word: '' }])
  t.same(seen('a', '--', '-L', '--', 'b'), [{ word: 'a' }, { word: '-L' }, { word: '--' }, { word: 'b' }])
})

t.test('an option is told as the user wrote it', async (t) => {
  const written = (...argv: string[]): string[] => getopt(argv, syntax).options.map((one) => one.written)
  t.same(written('-Ls', 'x', '--mar=y', '--orig-src', 'z'), ['-L', '-s', '--mar', '--orig-src'])
})

t.test('an option knows the word behind it, unless that is an option', async (t) => {
  const following = (...argv: string[]): (string | undefined)[] => getopt(argv, syntax).options.map((one) => one.following)
  t.same(following('-L', 'expect'), ['expect'])
  t.same(following('--dump', 'expect'), ['expect'])
  t.same(following('-L'), [undefined])
  t.same(following('-L', '-D', 'x'), [undefined, 'x'])
  t.same(following('-L', '-'), [undefined])
  t.same(following('-L', ''), [''])
  t.same(following('-LD', 'x'), [undefined, 'x'], 'inside a cluster nothing is behind')
  t.same(following('-s', 'a', 'b'), ['b'], 'behind its argument')
  t.same(following('-sa', 'b'), ['b'])
})
