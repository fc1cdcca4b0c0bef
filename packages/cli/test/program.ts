import { installed } from '../src/installed.ts'
import type { Io } from '../src/io.ts'

/** The protocols and formats of the program itself. */
export const { protocols, formats } = installed

/** The words of a command line; blanks part them, and '' is an empty one. */
export function words(line: string): string[] {
  return line === '' ? [] : line.split(' ').map((word) => (word === "''" ? '' : word))
}

/** Output that is kept. */
export function kept(): { readonly io: Io; readonly stdout: () => string; readonly stderr: () => string } {
  const decoder = new TextDecoder()
  let [out, err] = ['', '']
  return {
    io: {
      out: (bytes) => {
        out += decoder.decode(bytes)
      },
      err: (line) => {
        err += `${line}\n`
      },
    },
    stdout: () => out,
    stderr: () => err,
  }
}
