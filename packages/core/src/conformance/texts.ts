import { type Entry, type Formatter, printer } from '../schema/entry.ts'
import type { Attribute } from '../schema/table.ts'
import { Text } from '../schema/text.ts'
import { flowTable } from '../tables/flow.ts'
import type { Option, Protocol, ProtocolVariant } from '../tables/protocol.ts'
import { kernelEncoder } from '../testing/codec.ts'
import { type Check, must, refusal, same } from './check.ts'
import { entryOf, flowLayout } from './entries.ts'
import { type Fields, randomFields, randomValue } from './fields.ts'
import { inAllCases } from './random.ts'
import { rowOf } from './vocabulary.ts'
import { numbered } from './wire.ts'

/** Formatters that a protocol is tried with, as `@conntrack/formatters` has them: `{ line: line(), json: json(), save: save() }`. */
export interface Formatters {
  /** What `conntrack -L` prints. */
  readonly line: Formatter<ProtocolVariant>
  /** `-o json`. */
  readonly json: Formatter<ProtocolVariant>
  /** `-o save`. */
  readonly save: Formatter<ProtocolVariant>
}

/** Whether the two ways out, objects and text, tell the same, and what is printed can be said. */
export function texts(protocol: Protocol, { line, json, save }: Formatters): Check[] {
  const { labels, state, options } = protocol
  return [
    ...options.map((option) => ({
      name: `--${option.names[0]} takes what is shown`,
      run: () => takesWhatIsShown(rowOf(protocol, option) as Attribute<unknown>, protocol.number),
    })),
    {
      name: 'a line has all that the object has, under the words for it',
      run: () =>
        eachFlow(protocol, line, (text, flow) => {
          const words = text.trimEnd().split(' ')
          for (const [field, label] of Object.entries(labels)) {
            const shown = words.filter((word) => word.startsWith(`${label}=`)).map((word) => word.slice(label.length + 1))
            same(shown.length, 2, `times that ${label}= is in '${text}'`)
            for (const [i, side] of ['original', 'reply'].entries()) {
              const value = (flow[side] as Fields)[field]
              if (value !== undefined) same(shown[i], printed(protocol.tuple[field] as Attribute<unknown>, value), `${side} ${label}`)
            }
          }
          const value = state === undefined ? undefined : flow[state]
          if (state === undefined || value === undefined) return
          const word = printed(protocol.protoinfo[state] as Attribute<unknown>, value)
          must(words.includes(word), `the state ${word} is not in '${text}'`)
        }),
    },
    {
      name: 'JSON has the very fields of the object',
      run: () =>
        eachFlow(protocol, json, (text, flow) => {
          const { version: _, protocol: name, family: __, ...fields } = JSON.parse(text) as Fields
          same(name, protocol.name, 'protocol')
          same(fields, JSON.parse(JSON.stringify(flow, plain)), 'fields')
        }),
    },
    {
      name: 'what is saved is read by its options, and says the same',
      run: () =>
        eachFlow(protocol, save, (text, flow) => {
          const words = text.trimEnd().split(' ')
          for (const option of options) {
            const value = at(flow, option.sets)
            if (value === undefined || !isSaved(option, value)) continue
            const saved = words[words.indexOf(`--${option.names[0]}`) + 1]
            must(words.includes(`--${option.names[0]}`), `--${option.names[0]} is not in '${text}'`)
            same((rowOf(protocol, option) as Attribute<unknown>).kind.parse(saved), value, `--${option.names[0]} ${saved}`)
          }
        }),
    },
  ]
}

/** Prints flows by chance. */
export function eachFlow(protocol: Protocol, formatter: Formatter<ProtocolVariant>, look: (text: string, flow: Fields) => void): void {
  const { number, tuple, protoinfo } = protocol
  const table = flowTable(tuple, protoinfo)
  const tables = flowLayout([protocol])
  const kernel = kernelEncoder(table)
  const print = printer(formatter)
  inAllCases(300, number, (random) => {
    const entry = entryOf(tables, kernel.encode(numbered(randomFields(random, table, 'ipv4'), 'original', number)))
    look(textOf(entry, print), entry.decode())
  })
}

function textOf(entry: Entry<ProtocolVariant>, print: (entry: Entry<ProtocolVariant>, text: Text) => void): string {
  const text = new Text()
  print(entry, text)
  return text.toString()
}

/** Whether `save` has to tell a value: it is given to new flows, and no value that they have anyway. */
function isSaved({ use, saved = 'always' }: Option, value: unknown): boolean {
  return use.create !== undefined && (saved === 'always' || (saved === 'unless zero' && Number(value) !== 0))
}

/** The value of a flow's field by its path: `original.sourcePort`. */
export const at = (flow: Fields, path: string): unknown =>
  path.split('.').reduce<unknown>((level, part) => (level as Fields | undefined)?.[part], flow)

/** Values of 64 bits are strings in JSON, and bytes hexadecimal digits. */
function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  return value instanceof Uint8Array ? Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('') : value
}

/** A value as a line shows it. */
export function printed({ kind }: Attribute<unknown>, value: unknown): string {
  const payload = new Uint8Array(kind.size ?? kind.lengthOf?.(value) ?? 0)
  const length = kind.write(payload, 0, value)
  const text = new Text()
  kind.print(text, payload, 0, length)
  return text.toString()
}

function takesWhatIsShown(row: Attribute<unknown>, seed: number): void {
  const { kind } = row
  inAllCases(300, seed, (random) => {
    // States without a name are all shown by the first one, so that what is shown is compared.
    const shown = printed(row, randomValue(random, kind))
    if (shown !== '') same(printed(row, kind.parse(shown)), shown, 'shown again')
  })
  for (const wrong of ['no such value', ''])
    must(refusal(() => kind.parse(wrong), `'${wrong}' is taken for a value`) instanceof RangeError, 'a wrong value is not a RangeError')
}
