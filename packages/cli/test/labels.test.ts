import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { UsageError } from '../src/failure.ts'
import {
  addLabels,
  type LabelMap,
  labelMap,
  labelsToAdd,
  labelsToDelete,
  parseLabelMap,
  parseLabels,
  parseLabelsCondition,
} from '../src/labels.ts'

const MAP: LabelMap = { path: 'map', names: parseLabelMap('3 three\n64 my label\n127 last\n200 far\n'), problem: undefined }

/** The bits that are set. */
const bits = (labels: Uint8Array): number[] =>
  Array.from({ length: 8 * labels.length }, (_, bit) => bit).filter((bit) => (labels[bit >> 3] >> (bit & 7)) & 1)

const refusal = (argument: string, map = MAP): string => {
  try {
    parseLabels(argument, map)
  } catch (error) {
    return (error as RangeError).message
  }
  throw new Error(`${argument} is understood`)
}

t.test('a file of labels has a bit and a name in each line', async (t) => {
  const names = (text: string): object => Object.assign({}, parseLabelMap(text))
  t.same(names('3 eth0-in\n4 eth0-out\n'), { 3: 'eth0-in', 4: 'eth0-out' })
  t.same(names('0x10 hex\n010 octal\n0 zero'), { 0: 'zero', 8: 'octal', 16: 'hex' }, 'bits are numbers as C has them')
  t.same(names('  7\t two words  \n'), { 7: 'two words' }, 'blanks around are no part of a name')
  t.same(names('# 1 comment\n\n1 one\r\n'), { 1: 'one' })
  t.same(names('1 one\n1 other\n2 one\n'), { 1: 'one' }, 'what comes first counts')
  t.same(names('1 under_score\n2 a,b\n3\nfoo bar\n-1 minus\n1024 far\n1023 last\n4 ü\n'), { 1023: 'last' }, 'what is no line is none')
})

t.test('labels are bits of sixteen bytes', async (t) => {
  const cases: [argument: string, ...bits: number[]][] = [
    ['three', 3],
    ['three,last', 3, 127],
    ['my label', 64],
    ['three,three', 3],
    ['bit0', 0],
    ['bit100,three', 3, 100],
  ]
  for (const [argument, ...wanted] of cases) {
    const labels = parseLabels(argument, MAP)
    t.equal(labels.length, 16)
    t.same(bits(labels), wanted, argument)
  }
  t.same(bits(parseLabels('bit5', { ...MAP, names: parseLabelMap('9 bit5') })), [9], 'a name is a name, whatever it looks like')
})

t.test('a label that cannot be is an error that names it', async (t) => {
  t.match(refusal('three,nope'), "unknown label 'nope': it is not in map")
  t.match(refusal(''), "unknown label ''")
  t.match(refusal('Three'), "unknown label 'Three'", 'case counts')
  t.match(refusal('bit'), "unknown label 'bit'")
  t.match(refusal('bit128'), "label 'bit128' is bit 128, and a connection has 128")
  t.match(refusal('far'), "label 'far' is bit 200, and a connection has 128")
  t.match(refusal('a', { path: 'x', names: [], problem: 'no file' }), "unknown label 'a': no file")
})

t.test('labels that must and must not be set', async (t) => {
  const wanted = (argument: string) => {
    const { all, none } = parseLabelsCondition(argument, MAP)
    return { all: bits(all), none: bits(none) }
  }
  t.same(wanted('three'), { all: [3], none: [] })
  t.same(wanted('three,!last,bit1'), { all: [1, 3], none: [127] })
  t.same(wanted('!three,!last'), { all: [], none: [3, 127] })
})

t.test('a change tells the kernel which bits it is about', async (t) => {
  const three = parseLabels('three', MAP)
  t.same(labelsToAdd(three), { labels: three, labelsMask: three })
  t.same(labelsToDelete(three), { labels: new Uint8Array(16), labelsMask: three })
  t.same(bits(labelsToDelete().labelsMask).length, 128, 'all where none are named')
  t.same(bits(addLabels(three, parseLabels('last', MAP))), [3, 127])
})

t.test('the file is read when names are asked for', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'conntrack-labels-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'map')
  const map = labelMap(path)
  writeFileSync(path, '5 five\n')
  t.same(Object.assign({}, map().names), { 5: 'five' })
  t.equal(map(), map(), 'once')
  t.throws(() => labelMap(join(directory, 'none'))(), UsageError, 'a file that was named must be there')
  const missing = labelMap(undefined)()
  t.equal(missing.path, '/etc/xtables/connlabel.conf', 'the usual one may be missing')
})
