/** A block of code in a document. */
export interface Block {
  /** The words after the fence: the language, and what is to be done with the block. */
  readonly language: string
  readonly words: readonly string[]
  readonly text: string
  /** The line that it begins in, from 1. */
  readonly line: number
}

/** The blocks of code in a document. */
export function blocks(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\S*)[ \t]*(.*)\n([\s\S]*?)^```$/gm)].map(({ 1: language, 2: words, 3: text, index }) => ({
    language,
    words: words.split(' ').filter(Boolean),
    text,
    line: markdown.slice(0, index).split('\n').length,
  }))
}

/** Where a document points to. */
export function links(markdown: string): string[] {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```$/gm, '').replaceAll(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target)
}

/** The anchors of a document's headings, as GitHub makes them: of equal ones the second has `-1`. */
export function anchors(markdown: string): Set<string> {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```$/gm, '')
  const seen = new Map<string, number>()
  const found = [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => {
    const plain = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    const count = seen.get(plain) ?? 0
    seen.set(plain, count + 1)
    return count === 0 ? plain : `${plain}-${count}`
  })
  return new Set(found)
}

/** The command lines of `conntrack` in a block of shell: those of a pipe too, and without what follows them. */
export function commandLines(text: string): string[][] {
  return text.split('\n').flatMap((line) => {
    const command = line.replace(/^[#$] /, '').replace(/ {2,}#.*$/, '')
    return parts(command)
      .filter(([program]) => /^(\.\/)?conntrack$/.test(program ?? ''))
      .map(([, ...words]) => words)
  })
}

/** The commands of a line of shell, each as its words. */
function parts(line: string): string[][] {
  const commands: string[][] = [[]]
  for (const [, operator, single, double, bare] of line.matchAll(/(\|\||&&|[|;&]|>+ ?\S+|2>&1)|'([^']*)'|"([^"]*)"|([^\s'"|;&>]+)/g)) {
    if (operator !== undefined) {
      if (!operator.startsWith('>') && operator !== '2>&1') commands.push([])
      continue
    }
    commands[commands.length - 1].push(single ?? double ?? bare)
  }
  return commands
}
