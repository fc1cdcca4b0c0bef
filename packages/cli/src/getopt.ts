/** An option as getopt_long(3) sees it: a letter, long names, and whether an argument follows. */
export interface OptionSyntax {
  readonly short?: string
  readonly names: readonly string[]
  /** An optional argument is glued to the option, or the next word if that is no option; a named one stands behind `=` alone. */
  readonly argument: 'none' | 'required' | 'optional' | 'named'
  /** Not an option of conntrack(8): its name takes no abbreviation away from those that are. */
  readonly isOurs?: boolean
}

/** One option as it stood on the command line. */
export interface Parsed<O extends OptionSyntax> {
  readonly option: O
  /** As the user wrote it, with dashes: `-s`, `--src`. */
  readonly written: string
  readonly argument: string | undefined
  /** The word that follows, if it is no option: what commands take as the name of a table. */
  readonly following: string | undefined
}

/** What getopt_long(3) makes of the words after the program's name. */
export interface CommandLine<O extends OptionSyntax> {
  readonly options: readonly Parsed<O>[]
  /** Words that are no options and no arguments of options. */
  readonly words: readonly string[]
  /** The first thing that was wrong; what came after it is not read. */
  readonly error: SyntaxProblem | undefined
}

/** What can be wrong with an option's form. `written` is as in {@link Parsed}. */
export interface SyntaxProblem {
  readonly kind: 'unknown' | 'ambiguous' | 'argument missing' | 'argument not allowed'
  readonly written: string
}

/**
 * Reads words as glibc's getopt_long(3) does: clusters (`-Lo id`), glued arguments (`-stcp`), unambiguous prefixes of long names,
 * `--name=value`, options and other words in any order, `--` as the end of options.
 */
export function getopt<O extends OptionSyntax>(argv: readonly string[], syntax: readonly O[]): CommandLine<O> {
  const options: Parsed<O>[] = []
  const words: string[] = []
  let position = 0
  const done = (error?: SyntaxProblem): CommandLine<O> => ({ options, words, error })
  const following = (): string | undefined => {
    const next = argv[position]
    return next === undefined || next.startsWith('-') ? undefined : next
  }

  while (position < argv.length) {
    const word = argv[position++]
    if (word === '--') {
      words.push(...argv.slice(position))
      break
    }
    if (!word.startsWith('-') || word === '-') {
      words.push(word)
      continue
    }
    if (word.startsWith('--')) {
      const equals = word.indexOf('=')
      const written = equals < 0 ? word : word.slice(0, equals)
      const found = longOption(written.slice(2), syntax)
      if (typeof found === 'string') return done({ kind: found, written })
      let argument = equals < 0 ? undefined : word.slice(equals + 1)
      if (found.argument === 'none' && argument !== undefined) return done({ kind: 'argument not allowed', written })
      if (found.argument === 'required' && argument === undefined) {
        if (position === argv.length) return done({ kind: 'argument missing', written })
        argument = argv[position++]
      }
      if (found.argument === 'optional' && argument === undefined && following() !== undefined) argument = argv[position++]
      options.push({ option: found, written, argument, following: following() })
      continue
    }
    for (let i = 1; i < word.length; i++) {
      const written = `-${String.fromCodePoint(word.codePointAt(i) ?? 0)}`
      const option = syntax.find(({ short }) => short === word[i])
      if (option === undefined) return done({ kind: 'unknown', written })
      if (option.argument === 'none' || option.argument === 'named') {
        options.push({ option, written, argument: undefined, following: i === word.length - 1 ? following() : undefined })
        continue
      }
      const glued = i + 1 < word.length
      if (!glued && option.argument === 'optional' && following() === undefined) {
        options.push({ option, written, argument: undefined, following: undefined })
        continue
      }
      if (!glued && position === argv.length) return done({ kind: 'argument missing', written })
      const argument = glued ? word.slice(i + 1) : argv[position++]
      options.push({ option, written, argument, following: following() })
      break
    }
  }
  return done()
}

/** The option of this long name: the same, or the only one that begins so, where those of conntrack(8) come first. */
function longOption<O extends OptionSyntax>(name: string, syntax: readonly O[]): O | 'unknown' | 'ambiguous' {
  const exact = syntax.find(({ names }) => names.includes(name))
  if (exact !== undefined) return exact
  const all = syntax.filter(({ names }) => names.some((one) => one.startsWith(name)))
  const original = all.filter(({ isOurs }) => !isOurs)
  const candidates = original.length > 0 ? original : all
  return candidates.length === 1 ? candidates[0] : candidates.length === 0 ? 'unknown' : 'ambiguous'
}
