import { join } from 'node:path'
import ts from 'typescript-api'
import { COMPILER_OPTIONS } from '../support/compiler.ts'

/** What an editor shows of a word. */
export interface Hover {
  readonly word: string
  /** The type, as it is shown. */
  readonly text: string
  /** What the docblock says, without its tags. */
  readonly documentation: string
}

/**
 * What an editor shows of the words of a program that stand between `‹` and `›`, and of which it complains.
 * The program counts as a file of `directory`, where packages are found from.
 */
export function hoversOf(marked: string, directory: string): { readonly hovers: readonly Hover[]; readonly complaints: readonly string[] } {
  const places: number[] = []
  const program = marked.replaceAll(/‹(\w+)›/g, (found, word: string, index: number) => {
    // Each pair of marks before this one has gone.
    places.push(index - places.length * (found.length - word.length))
    return word
  })
  const file = join(directory, 'hovers-sample.ts')
  const { sys } = ts
  const read = (name: string): string | undefined => (name === file ? program : sys.readFile(name))
  const service = ts.createLanguageService({
    getScriptFileNames: () => [file],
    getScriptVersion: () => '1',
    getScriptSnapshot(name) {
      const text = read(name)
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
    },
    getCurrentDirectory: () => directory,
    getCompilationSettings: () => COMPILER_OPTIONS,
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
    fileExists: (name) => name === file || sys.fileExists(name),
    readFile: read,
    directoryExists: (name) => sys.directoryExists(name),
    getDirectories: (name) => sys.getDirectories(name),
    realpath: (name) => sys.realpath?.(name) ?? name,
  })
  const problems = [...service.getSyntacticDiagnostics(file), ...service.getSemanticDiagnostics(file)]
  return {
    hovers: places.map((at) => {
      const info = service.getQuickInfoAtPosition(file, at)
      const word = /^\w+/.exec(program.slice(at))?.[0] ?? ''
      return { word, text: ts.displayPartsToString(info?.displayParts), documentation: ts.displayPartsToString(info?.documentation) }
    }),
    complaints: problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
  }
}
