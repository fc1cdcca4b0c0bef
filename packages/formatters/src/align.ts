/** A column of a table for people. */
export interface Column {
  /** What stands above it. */
  readonly title: string
  /** Numbers stand to the right. */
  readonly right?: true
  /** How soon it has to leave the row when the terminal is narrow: the highest first. Those of rank 0 never do. */
  readonly rank: number
  /** On a narrow terminal it stands on a second line, below the column before it. */
  readonly below?: true
  /** Its cells are words that have names already: `type=8 code=0`. */
  readonly named?: true
  /** Coloured by how the row is: `TONES`. */
  readonly toned?: true
}

/** What is known of the screen that a table is for. */
export interface Screen {
  /** Columns of characters; no limit if absent. */
  readonly width?: number
  /** Whether it shows colours. */
  readonly colors: boolean
}

/** ECMA-48 colours of rows in which some cell is this word. */
const TONES: ReadonlyMap<string, string> = new Map([
  ['ASSURED', '32'],
  ['UNREPLIED', '33'],
  ['OFFLOAD', '36'],
  ['HW_OFFLOAD', '36'],
])
const BOLD = '1'
const GAP = '  '

/** Where the cells of a row go. */
interface Arrangement {
  /** Columns of the first line and, on a narrow screen, of the second one. */
  readonly lines: readonly (readonly number[])[]
  readonly widths: number[]
  /** The columns that have no place: what is in them is named behind the row. */
  readonly rest: readonly number[]
  /** Blanks in front of a second line. */
  readonly indent: number
}

/**
 * Makes a table of rows of cells, as `tableRows` writes them: chunks of whole lines, the first of which has the titles. The first chunk
 * with a row decides the widths, so that a table of any length takes no memory, and a column grows with what comes later, while the screen
 * has room. Nothing is ever cut off, and what does not fit is named on a line below, `mark=7`. Columns in which nothing is are left out.
 */
export function aligner(columns: readonly Column[], screen: Screen, sink: (chunk: Uint8Array) => void): (chunk: Uint8Array) => void {
  const decoder = new TextDecoder()
  const encoder = new TextEncoder()
  let arrangement: Arrangement | undefined
  let isFirst = true
  return (chunk) => {
    const rows = decoder
      .decode(chunk)
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t'))
    if (isFirst) rows.shift()
    isFirst = false
    if (rows.length === 0) return
    let text = ''
    if (arrangement === undefined) {
      arrangement = arrange(columns, rows, screen.width)
      text = heading(columns, arrangement, screen)
    } else widen(arrangement, rows, screen.width)
    for (const row of rows) text += laidOut(row, columns, arrangement, screen)
    sink(encoder.encode(text))
  }
}

/** Characters of a text; that of addresses and numbers is as wide on the screen. */
const lengthOf = (text: string): number => [...text].length

const widthOf = (line: readonly number[], widths: readonly number[]): number =>
  line.reduce((sum, i) => sum + widths[i] + GAP.length, -GAP.length)

/** Makes room for later rows. */
function widen({ lines, widths }: Arrangement, rows: readonly (readonly string[])[], limit = Infinity): void {
  for (const line of lines) {
    for (const i of line) {
      const wanted = Math.max(widths[i], ...rows.map((row) => lengthOf(row[i] ?? '')))
      if (widthOf(line, widths) + wanted - widths[i] <= limit) widths[i] = wanted
    }
  }
}

function arrange(columns: readonly Column[], rows: readonly (readonly string[])[], limit = Infinity): Arrangement {
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...rows.map((row) => lengthOf(row[i] ?? ''))))
  const used = columns.flatMap(({ rank }, i) => (rank === 0 || rows.some((row) => row[i] !== '') ? [i] : []))
  const unused = columns.map((_, i) => i).filter((i) => !used.includes(i))
  if (widthOf(used, widths) <= limit) return { lines: [used], widths, rest: unused, indent: 0 }

  const second = used.filter((i) => columns[i].below)
  const [under] = second.map((i) => i - 1)
  if (under !== undefined) widths[under] = Math.max(widths[under], ...second.map((i) => widths[i]))
  const first = used.filter((i) => !columns[i].below)
  const left: number[] = []
  while (widthOf(first, widths) > limit) {
    const ranks = first.map((i) => columns[i].rank)
    const highest = Math.max(...ranks)
    if (highest === 0) break
    left.push(...first.splice(ranks.lastIndexOf(highest), 1))
  }
  const before = first.slice(0, first.indexOf(under))
  const rest = [...left, ...unused].toSorted((a, b) => a - b)
  return { lines: [first, second], widths, rest, indent: before.reduce((sum, i) => sum + widths[i] + GAP.length, 0) }
}

function heading(columns: readonly Column[], { lines, widths, indent }: Arrangement, { colors }: Screen): string {
  return lines
    .map((line, n) => {
      const titles = line.map((i) => padded(columns[i].title, widths[i], columns[i]))
      return `${painted(' '.repeat(n === 0 ? 0 : indent) + titles.join(GAP).trimEnd(), colors ? BOLD : undefined)}\n`
    })
    .join('')
}

function padded(cell: string, width: number, { right }: Column): string {
  const blanks = ' '.repeat(Math.max(0, width - lengthOf(cell)))
  return right ? blanks + cell : cell + blanks
}

const painted = (text: string, color: string | undefined): string => (color === undefined ? text : `\x1b[${color}m${text}\x1b[0m`)

function laidOut(row: readonly string[], columns: readonly Column[], { lines, widths, rest, indent }: Arrangement, screen: Screen): string {
  const tone = screen.colors ? row.map((cell) => TONES.get(cell)).find((color) => color !== undefined) : undefined
  const [first, ...below] = lines.map((line) => {
    const last = line.at(-1)
    return line
      .map((i) => {
        const cell = row[i] ?? ''
        const blanks = padded('', Math.max(0, widths[i] - lengthOf(cell)), columns[i])
        const shown = painted(cell, columns[i].toned && cell !== '' ? tone : undefined)
        return columns[i].right ? blanks + shown : i === last ? shown : shown + blanks
      })
      .join(GAP)
  })
  const extras = rest.filter((i) => row[i] !== '').flatMap((i) => words(columns[i], row[i]))
  const whole = [first, ...below.map((line) => ' '.repeat(indent) + line)].map((line) => line.trimEnd())
  return `${wrapped(whole, extras, screen.width ?? Infinity, indent || GAP.length).join('\n')}\n`
}

/** A cell out of its column: `mark=7`. */
const words = ({ title, named }: Column, cell: string): string[] => (named ? cell.split(' ') : [`${title.toLowerCase()}=${cell}`])

/** Puts words behind the last line while there is room, and then on lines of their own. */
function wrapped(lines: readonly string[], words: readonly string[], width: number, indent: number): string[] {
  const all = [...lines]
  for (const word of words) {
    const line = `${all[all.length - 1]}${GAP}${word}`
    // oxlint-disable-next-line no-control-regex
    if (lengthOf(line.replace(/\x1b\[\d+m/g, '')) <= width) all[all.length - 1] = line
    else all.push(' '.repeat(indent) + word)
  }
  return all
}
