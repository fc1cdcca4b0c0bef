// timeout: 120
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { createCli } from '@conntrack/cli'
import { openConntrack } from '@conntrack/core'
import { type Attribute, flowRow, type Option, type Protocol, Text } from '@conntrack/core/plugin'
import { createKernel } from '@conntrack/core/testing'
import { csv, jsonSchema } from '@conntrack/formatters'
import { parse } from 'csv-parse/sync'
import t, { type Test } from 'tap'
import { candidates } from '../packages/cli/src/completion.ts'
import { installed } from '../packages/cli/src/installed.ts'
import { protocolOptions, wordsOf } from '../packages/cli/src/options.ts'
import { kept } from '../packages/cli/test/program.ts'
import { novel } from './support/novel.ts'

// All that is tried follows from the tables of each protocol: the eight of ours, and one of a stranger.
const protocols: readonly Protocol[] = [...installed.protocols, novel]

/** What the kernel answers: of ICMP it tracks a few types alone. */
const ARGUMENTS: Readonly<Record<string, string>> = { 'icmp-type': '8', 'icmpv6-type': '128' }

const rowOf = (protocol: Protocol, { sets }: Option): Attribute<unknown> => flowRow(protocol, sets) as Attribute<unknown>

/** An argument of an option that is no zero: one of its words, or what is printed of bytes that are all different. */
function argumentOf(protocol: Protocol, option: Option, nth: number): string {
  const known = ARGUMENTS[option.names[0]]
  if (known !== undefined) return known
  const { kind } = rowOf(protocol, option)
  if (kind.words !== undefined) return kind.words[Math.min(kind.words.length - 1, 3 + nth)] ?? ''
  const text = new Text()
  kind.print(
    text,
    Uint8Array.from({ length: kind.size ?? 0 }, (_, i) => i + nth + 1),
    0,
    kind.size ?? 0,
  )
  return text.toString()
}

/** The program with all protocols, over a kernel in memory that tracks them. */
function program() {
  const { socket } = createKernel({ protocols })
  const all = { ...installed.formats, csv: { ...installed.formats['csv'], flow: () => csv(protocols) } } as typeof installed.formats
  const cli = createCli({ ...installed, formats: all, protocols, open: () => openConntrack({ protocols, socket }) })
  return async (...words: string[]): Promise<{ status: number; stdout: string; stderr: string }> => {
    const { io, stdout, stderr } = kept()
    const status = await cli(words, io)
    return { status, stdout: stdout(), stderr: stderr() }
  }
}

/** Options of a command with arguments for all, or those that it may have as a `use`. */
function given(
  protocol: Protocol,
  command: 'create' | 'list' | 'get' | 'update' | 'delete',
  uses: readonly string[],
): (readonly [Option, string])[] {
  return protocol.options
    .filter(({ use }) => uses.includes(use[command] ?? ''))
    .map((option, i) => [option, argumentOf(protocol, option, i)] as const)
}

const written = (options: readonly (readonly [Option, string])[]): string[] =>
  options.flatMap(([{ names }, argument]) => [`--${names[0]}`, argument])

const ajv = new Ajv2020({ strict: true })
formats.default(ajv)
const isValid = ajv.compile(jsonSchema(protocols))

for (const protocol of protocols) {
  const { name, family = 'ipv4', labels } = protocol
  const [source, destination] = family === 'ipv4' ? ['192.0.2.1', '192.0.2.2'] : ['2001:db8::1', '2001:db8::2']
  const ends = ['-p', name, '-s', source, '-d', destination]
  const values = given(protocol, 'create', ['required', 'value', 'pair']).filter(([{ sets }]) => !sets.startsWith('reply.'))
  const made = ['-I', ...ends, '-t', '3000', ...written(values)]

  t.test(`${name}: help and completion know its options, their arguments and their words`, async (t) => {
    const { status, stdout } = await program()('-h', '-p', name)
    t.equal(status, 0)
    const help = stdout.replaceAll(/\n {20,}/g, ' ')
    for (const option of protocolOptions(protocol)) {
      t.match(help, `--${option.names[0]} ${option.placeholder}`, option.names[0])
      t.match(help, option.help)
      for (const [command, word] of [
        ['list', '-L'],
        ['get', '-G'],
        ['create', '-I'],
        ['add', '-A'],
        ['update', '-U'],
        ['delete', '-D'],
        ['event', '-E'],
      ] as const) {
        const offered = candidates([word, '-p', name, `--${option.names[0]}`], { ...installed, protocols }).map(([one]) => one)
        t.equal(offered.includes(`--${option.names[0]}`), option.use[command] !== undefined, `${word} --${option.names[0]}`)
      }
      const words = wordsOf(protocol, option)
      for (const one of words) t.match(help, one, `help has ${one}`)
      const shown = candidates(['-L', '-p', name, `--${option.names[0]}`, ''], { ...installed, protocols }).map(([one]) => one)
      if (option.use.list !== undefined) for (const one of words) t.ok(shown.includes(one), `completion has ${one}`)
    }
  })

  t.test(`${name}: a flow is shown by every format with all that it has`, async (t) => {
    const run = program()
    t.match(await run(...made), { status: 0 }, made.join(' '))
    const { stdout: line } = await run('-L')
    const { stdout: save } = await run('-L', '-o', 'save')
    const flow = JSON.parse((await run('-L', '-o', 'json')).stdout) as Record<string, Record<string, unknown>>
    t.ok(isValid(flow), ajv.errorsText(isValid.errors))
    t.equal(flow['protocol'], name)
    const [row] = parse((await run('-L', '-o', 'csv')).stdout, { columns: true })
    const { stdout: xml } = await run('-L', '-o', 'xml')
    wellFormed(t, xml)
    const { stdout: table } = await run('-L', '-o', 'table')
    t.match(line, new RegExp(`^${name} +${protocol.number} `))
    for (const [option, argument] of values) {
      const [first, field = first] = option.sets.split('.')
      const { kind } = rowOf(protocol, option)
      const value = kind.parse(argument)
      const label = (labels as Record<string, string>)[field]
      const isState = option.sets === protocol.state
      if (label !== undefined) t.match(line, ` ${label}=${argument} `)
      if (label !== undefined) t.match(xml, `<${label}>${argument}</${label}>`)
      if (isState) t.match(line, ` ${argument} src=`)
      if (isState) t.match(xml, `<state>${argument}</state>`)
      if (isState || label !== undefined) t.match(table, argument)
      if (option.saved === 'never') continue
      if (option.saved !== undefined || label !== undefined || isState) t.match(save, `--${option.names[0]} `)
      const inJson = first === field ? flow[field] : flow[first][field]
      t.same(kind.parse(String(inJson)), value, `JSON: ${option.sets}`)
      t.same(kind.parse((row as Record<string, string>)[option.sets]), value, `CSV: ${option.sets}`)
    }
  })

  t.test(`${name}: what happens to it is told with all that it has`, async (t) => {
    const { socket, subscribe } = createKernel({ protocols })
    using ct = openConntrack({ protocols, socket, subscribe })
    const watch = ct.flows.watch()
    const fields = Object.fromEntries(
      values
        .filter(([{ saved }]) => saved !== 'never')
        .map(([option, argument]) => [option.sets, rowOf(protocol, option).kind.parse(argument)]),
    )
    const nested: Record<string, unknown> = { original: { source, destination } }
    for (const [path, value] of Object.entries(fields)) {
      const [first, field] = path.split('.')
      if (field === undefined) nested[first] = value
      else nested[first] = { ...(nested[first] as object), [field]: value }
    }
    ct.flows.create({ protocol: name, timeout: 3000, ...nested })
    ct.flows.update({}, { mark: 9 })
    ct.flows.delete({ mark: 9 })
    const told: { type: string; flow: object }[] = []
    for await (const event of watch) {
      if ('flow' in event) told.push({ type: event.type, flow: event.flow })
      if (event.type === 'destroy') break
    }
    t.match(told, [
      { type: 'new', flow: { protocol: name, family, ...nested } },
      { type: 'update', flow: { protocol: name, mark: 9, ...nested } },
      { type: 'destroy', flow: { protocol: name, original: nested['original'] as object } },
    ])
  })

  t.test(`${name}: it is filtered, found, changed, deleted and made again by its options`, async (t) => {
    const run = program()
    await run(...made)
    const count = async (...words: string[]): Promise<string | undefined> =>
      / (\d+) flow entries/.exec((await run('-L', '-p', name, ...words)).stderr)?.[1]
    for (const one of given(protocol, 'list', ['condition'])) {
      const [{ names, sets, saved }, argument] = one
      if (sets.startsWith('reply.') || saved === 'never') continue
      t.equal(await count(...written([one])), '1', `--${names[0]} ${argument}`)
      t.equal(await count(`--${names[0]}`, `!${argument}`), '0', `--${names[0]} !${argument}`)
    }
    const pair = given(protocol, 'get', ['pair', 'required', 'value']).filter(([{ sets }]) => sets.startsWith('original.'))
    t.match((await run('-G', ...ends, ...written(pair))).stdout, new RegExp(`^${name} `))
    for (const [option] of given(protocol, 'update', ['value'])) {
      const argument = argumentOf(protocol, option, 1)
      const { status, stderr } = await run('-U', '-p', name, `--${option.names[0]}`, argument)
      t.match(stderr, ' flow entries have been updated.', `-U --${option.names[0]} ${argument}: ${status}`)
      if (option.saved !== 'never') t.equal(await count(`--${option.names[0]}`, argument), '1', `is ${argument} now`)
    }
    const { stdout: saved } = await run('-L', '-o', 'save')
    const conditions = written(given(protocol, 'delete', ['condition']).filter(([{ sets }]) => sets.startsWith('original.')))
    t.match((await run('-D', '-p', name, ...conditions)).stderr, ' 1 flow entries have been deleted.')
    t.equal((await run('-C')).stdout, '0\n')
    t.match(await run(...saved.trim().split(' ')), { status: 0 }, saved)
    t.equal((await run('-L', '-o', 'save')).stdout, saved)
  })
}

const xmllint = existsSync('/usr/bin/xmllint')

/** Whether a parser reads it, where there is one. */
function wellFormed(t: Test, xml: string): void {
  if (xmllint) t.equal(spawnSync('xmllint', ['--noout', '-'], { input: xml, encoding: 'utf8' }).stderr, '', xml)
}
