import type { Protocol } from '@conntrack/core/plugin'
import { COMMANDS } from './commands.ts'
import { type CliOption, OPTIONS, protocolOptions } from './options.ts'

const LEFT = 34

const row = (left: string, right: string): string =>
  left.length < LEFT - 2 ? `  ${left.padEnd(LEFT - 2)}${right}\n` : `  ${left}\n${' '.repeat(LEFT)}${right}\n`

/** The help: what there is, composed from the same tables that the program runs by. */
export function usage(version: string, formats: readonly string[], protocols: readonly Protocol[], chosen: Protocol | undefined): string {
  const options = chosen === undefined ? [] : protocolOptions(chosen)
  return [
    `${version}: list and change the kernel's connection tracking table\n`,
    '\nUsage: conntrack COMMAND [TABLE] [OPTION…]\n',
    '\nCommands:\n',
    ...COMMANDS.map(({ short, names, help }) => row(`-${short}, --${names[0]}`, help)),
    row('-R, --load-file FILE [--continue]', 'do the command lines of a file, or of standard input (-)'),
    `\nTables: ${[...new Set(COMMANDS.flatMap(({ tables }) => tables))].join(', ')}\n`,
    '\nOptions, and the commands that take them:\n',
    ...OPTIONS.map(optionRow),
    `\nFormats of -o: ${formats.join(', ')}\n`,
    `Protocols of -p: ${protocols.map(({ name }) => name).join(', ')}, any other by number or by its name in /etc/protocols\n`,
    ...(options.length === 0 ? [] : [`\nOptions with -p ${chosen?.name}:\n`, ...options.map(optionRow)]),
  ].join('')
}

function optionRow({ short, names, placeholder, help, use, expectation }: CliOption): string {
  const letter = short !== undefined && /[a-z]/.test(short) ? `-${short}, ` : '    '
  const takers = COMMANDS.filter(({ command }) => use[command] !== undefined).map(({ short: taker }) => taker)
  const ofExpectations = COMMANDS.filter(({ command }) => expectation?.[command] !== undefined).map(({ short: taker }) => taker)
  const lists = [takers.join(''), ofExpectations.length === 0 ? '' : `expect: ${ofExpectations.join('')}`].filter((list) => list !== '')
  return row(`${letter}--${names[0]} ${placeholder}`, `${help} (${lists.join('; ')})`)
}
