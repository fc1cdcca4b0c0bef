/** How a picture of a terminal is made. */
export interface PictureOptions {
  /** As wide as the terminal was, in characters. */
  readonly columns: number
  /** What is told to those who do not see it. */
  readonly title: string
}

/** A piece of a line that looks the same all along. */
interface Span {
  readonly text: string
  /** Where it begins, in characters. */
  readonly at: number
  readonly look: Look
}

/** Bold, and a colour of ECMA-48 by its number. */
interface Look {
  readonly bold: boolean
  readonly color: number | undefined
}

const PLAIN: Look = { bold: false, color: undefined }
const [SIZE, WIDTH, HEIGHT, MARGIN] = [14, 8.4, 19, 16]
const [GROUND, TEXT] = ['#0d1117', '#c9d1d9']
/** Of the colours those that the program uses: green, yellow, cyan; red is for what should not be there. */
const COLORS: ReadonlyMap<number, string> = new Map([
  [31, '#ff7b72'],
  [32, '#56d364'],
  [33, '#e3b341'],
  [36, '#39c5cf'],
])

/** Lines of a terminal, with ECMA-48 colours in them, as an SVG. Each piece of text is as wide as its characters, whatever the font. */
export function svgOf(lines: readonly string[], { columns, title }: PictureOptions): string {
  const [width, height] = [columns * WIDTH + 2 * MARGIN, lines.length * HEIGHT + 2 * MARGIN]
  let look = PLAIN
  const texts = lines.flatMap((line, row) => {
    const { spans, last } = spansOf(line, look)
    look = last
    return spans.map((span) => textOf(span, MARGIN + row * HEIGHT + SIZE))
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="${GROUND}"/>`,
    `<g font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${SIZE}" fill="${TEXT}">`,
    ...texts,
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

function spansOf(line: string, before: Look): { readonly spans: readonly Span[]; readonly last: Look } {
  const spans: Span[] = []
  let look = before
  let at = 0
  // oxlint-disable-next-line no-control-regex
  for (const [, codes, text = ''] of line.matchAll(/\x1b\[([\d;]*)m|([^\x1b]+)/g)) {
    if (codes !== undefined) look = codes.split(';').reduce((one, code) => changed(one, Number(code)), look)
    // Pieces are parted at wide gaps: blanks are not drawn.
    for (const { 0: piece, index } of text.matchAll(/\S+(?: \S+)*/g)) spans.push({ text: piece, at: at + index, look })
    at += text.length
  }
  return { spans, last: look }
}

function changed(look: Look, code: number): Look {
  if (code === 0) return PLAIN
  if (code === 1) return { ...look, bold: true }
  if (code === 22) return { ...look, bold: false }
  if (code === 39) return { ...look, color: undefined }
  return COLORS.has(code) ? { ...look, color: code } : look
}

function textOf({ text, at, look: { bold, color } }: Span, y: number): string {
  const style = `${bold ? ' font-weight="bold"' : ''}${color === undefined ? '' : ` fill="${COLORS.get(color)}"`}`
  return `<text x="${round(MARGIN + at * WIDTH)}" y="${y}" textLength="${round(text.length * WIDTH)}"${style}>${escaped(text)}</text>`
}

const round = (number: number): number => Math.round(number * 100) / 100

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
