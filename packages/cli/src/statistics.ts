/** Words of the counters where they are not the field's name in snake case. */
const WORDS: Readonly<Record<string, string>> = { chainTooLong: 'chaintoolong' }

const word = (field: string): string => WORDS[field] ?? field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** What one CPU has counted: counters by field, in the order in which they are shown. */
type Counters = { readonly cpu: number } & { readonly [field: string]: number }

/** One line for each CPU: `cpu=0   \tfound=0 invalid=0 …`. `prefix` stands before each word. */
export function statisticsText(cpus: readonly { readonly cpu: number }[], prefix = ''): string {
  return (cpus as readonly Counters[])
    .map(({ cpu, ...counters }) => {
      const parts = Object.entries(counters).map(([field, value]) => `${prefix}${word(field)}=${value} `)
      return `cpu=${String(cpu).padEnd(4)}\t${parts.join('')}\n`
    })
    .join('')
}
