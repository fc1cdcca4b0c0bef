import t from 'tap'
import { csv, json, line, save, xml } from '../src/index.ts'
import { PROTOCOLS, printedFlow } from './printed.ts'
import { invalid } from './valid-json.ts'

/** CTA_LABELS with these bits. */
function labels(...bits: number[]): Uint8Array {
  const bytes = new Uint8Array(16)
  for (const bit of bits) bytes[bit >> 3] |= 1 << (bit & 7)
  return bytes
}

const NAMES = ['zero', undefined, undefined, 'lbl3']
NAMES[64] = 'my label'

t.test('a line ends with the labels that have names', async (t) => {
  const end = (...bits: number[]): string => printedFlow(line({ labels: NAMES }), { use: 1, labels: labels(...bits) }).split('use=1')[1]
  t.equal(end(3), ' labels=lbl3\n')
  t.equal(end(64, 0, 3), ' labels=zero,lbl3,my label\n', 'lowest bit first')
  t.equal(end(5, 3), ' labels=lbl3\n')
  t.equal(end(5, 127), ' labels\n', 'the bare word where none has a name')
  t.equal(printedFlow(line({ labels: NAMES }), { use: 1 }).split('use=1')[1], '\n', 'and nothing where there are none')
  t.notMatch(printedFlow(line(), { labels: labels(3) }), 'label')
})

t.test('xml has an element for each', async (t) => {
  const shown = printedFlow(xml({ labels: NAMES }), { mark: 7, labels: labels(3, 64, 127), use: 1 })
  t.match(shown, '<mark>7</mark><labels><label>lbl3</label><label>my label</label></labels><use>1</use>')
  t.match(printedFlow(xml({ labels: NAMES }), { labels: labels(127) }), '<labels></labels>')
  t.notMatch(printedFlow(xml(), { labels: labels(3) }), 'label')
})

t.test('JSON and CSV have the names beside the bytes', async (t) => {
  const flow = { labels: labels(3, 64, 127), id: 7 }
  const object = printedFlow(json({ labels: NAMES }), flow)
  t.match(object, '"labels":"08000000000000000100000000000080","id":7,"labelNames":["lbl3","my label"]}')
  t.equal(invalid(object), undefined)
  t.match(printedFlow(json({ labels: NAMES }), { labels: labels(5) }), '"labelNames":[]}')
  t.notMatch(printedFlow(json({ labels: NAMES }), {}), 'label', 'nothing where the kernel told of none')
  t.notMatch(printedFlow(json(), flow), 'labelNames')
  const rows = csv(PROTOCOLS, { labels: NAMES })
  t.match(rows.head, /,labelNames\r\n$/)
  t.match(printedFlow(rows, flow), /,"lbl3,my label"\r\n$/)
  t.match(printedFlow(rows, { labels: labels(3) }), /,lbl3\r\n$/)
  t.match(printedFlow(rows, {}), /,\r\n$/)
})

t.test('a saved flow has all of its labels, by number where they have no name', async (t) => {
  t.match(printedFlow(save('-A', { labels: NAMES }), { labels: labels(0, 3, 127) }), ' --label-add zero,lbl3,bit127 ')
  t.match(printedFlow(save(), { labels: labels(3) }), ' --label-add bit3 ')
  t.match(printedFlow(save('-A', { labels: NAMES }), { labels: labels(3, 64) }), ' --label-add "lbl3,my label" ', 'in quotes for a blank')
  t.match(printedFlow(save('-D', { labels: NAMES }), { labels: labels(3) }), ' -l lbl3 ')
  t.notMatch(printedFlow(save(), { labels: labels() }), 'label')
})
