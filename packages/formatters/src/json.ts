import {
  type EventFormatter,
  type ProtocolVariant,
  type Formatter,
  type Member,
  payloadLength,
  type Shape,
  Text,
  word,
} from '@conntrack/core/plugin'
import { byType, type EventOptions } from './event.ts'
import { type LabelNames, labelsInJson } from './labels.ts'
import { constant } from './markup.ts'
import { placeIfAny, type Step, sequence } from './parts.ts'

/** Version of the JSON that is written: it changes when a name or a type does, not when a field is added. */
export const JSON_VERSION = 1

const OPEN = word('{')
const CLOSE = word('}')
const BRACE = 0x7b
const COMMA = 0x2c

/** What JSON has besides the fields of the SDK. */
export interface JsonOptions {
  /** Names of labels: `labelNames` stands beside `labels`, whose bytes tell of those without a name too. */
  readonly labels?: LabelNames
}

/**
 * A flow as one line of JSON: `version`, and the fields of the SDK's flow by the same names. Numbers of 64 bits are strings of
 * decimal digits, bytes are strings of hexadecimal digits, and what the kernel did not send is not there.
 */
export function json({ labels }: JsonOptions = {}): Formatter<ProtocolVariant> {
  return {
    name: 'json',
    compile(shape) {
      return sequence([constant(`{"version":${JSON_VERSION},`), fieldsOf(shape, labels), constant('}\n')])
    },
  }
}

/**
 * Events as lines of JSON: `version` and the SDK's event, with the entry nested in it as `flow` or `expectation`, and the name of the
 * program that made the change where it is known. Reports are lines too.
 */
export function eventJson(
  key: 'flow' | 'expectation',
  { program, labels }: EventOptions & JsonOptions = {},
): EventFormatter<ProtocolVariant> {
  return {
    name: 'json',
    compile(shape) {
      const fields = fieldsOf(shape, labels)
      const entryKey = word(`,"${key}":{`)
      return ({ type, timestamp, portId, synthetic, entry }, text) => {
        text.word(EVENT[type])
        text.string(`"${timestamp}","portId":${portId},"synthetic":${synthetic}`)
        const name = portId === 0 ? undefined : program?.(portId)
        if (name !== undefined) {
          text.string(',"program":')
          text.json(name)
        }
        text.word(entryKey)
        fields(entry, text)
        text.string('}}\n')
      }
    },
    report: (report, text) => text.string(jsonRecord(report)),
  }
}

const EVENT = byType((type) => `{"version":${JSON_VERSION},"type":"${type}","timestamp":`)

/** The fields of an entry, `"protocol":"tcp","family":"ipv4",…`, without the braces around them. */
function fieldsOf(shape: Shape<ProtocolVariant>, labels: LabelNames | undefined): Step {
  const named = placeIfAny(shape, 'labels')
  const fields = sequence([object(shape.members), ...(labels === undefined || named === undefined ? [] : [labelsInJson(named, labels)])])
  const head = word(`"protocol":${JSON.stringify(shape.variant.name)},"family":`)
  return (entry, text) => {
    text.word(head)
    text.word(entry.message.family === AF_INET6 ? IPV6 : IPV4)
    fields(entry, text)
  }
}

/**
 * What is no entry as a line of JSON, such as a count: `version`, and the fields as they are; a bigint as a string of decimal digits.
 */
export function jsonRecord(fields: object): string {
  const text = new Text(256)
  text.json({ version: JSON_VERSION, ...fields })
  return `${text.toString()}\n`
}

const AF_INET6 = 10
const IPV4 = word('"ipv4"')
const IPV6 = word('"ipv6"')

function object(members: readonly Member[]): Step {
  return sequence(members.map((member) => (member.members === undefined ? leaf(member) : nest(member, member.members))))
}

function nest({ name, slot, always }: Member, members: readonly Member[]): Step {
  const key = word(`${JSON.stringify(name)}:`)
  const fields = object(members)
  return (entry, text) => {
    if (entry.slots[slot] === 0 && !always) return
    writeKey(text, key)
    text.word(OPEN)
    fields(entry, text)
    text.word(CLOSE)
  }
}

function leaf({ name, places }: Member): Step {
  const key = word(`${JSON.stringify(name)}:`)
  return ({ bytes, slots }, text) => {
    for (const { slot, kind } of places) {
      const at = slots[slot]
      if (at === 0) continue
      writeKey(text, key)
      kind.json(text, bytes, at, kind.size ?? payloadLength(bytes, at))
      return
    }
  }
}

function writeKey(text: Text, key: Uint8Array): void {
  if (text.bytes[text.length - 1] !== BRACE) text.byte(COMMA)
  text.word(key)
}
