// runtimes: node
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { icmp } from '@conntrack/proto-icmp'
import { sctp } from '@conntrack/proto-sctp'
import { tcp } from '@conntrack/proto-tcp'
import t from 'tap'
import { COMMANDS } from '../src/commands.ts'
import { getopt, type OptionSyntax } from '../src/getopt.ts'
import { OPTIONS, protocolOptions } from '../src/options.ts'

// What glibc's getopt_long(3) makes of a command line is compared with ours, up to the first error.

/** A program that reads command lines, words with a blank before each, and tells what getopt_long() sees in them. */
function program(syntax: readonly OptionSyntax[]): string {
  const colons = { none: '', named: '', required: ':', optional: '::' }
  const words = { none: 'no', named: 'optional', required: 'required', optional: 'optional' }
  const short = syntax.map(({ short, argument }) => (short === undefined ? '' : short + colons[argument])).join('')
  const long = syntax.flatMap(({ names, argument }, i) =>
    names.map((name) => `{ "${name}", ${words[argument]}_argument, 0, ${1000 + i} },`),
  )
  const letters = syntax.flatMap(({ short }, i) => (short === undefined ? [] : [`case '${short}': return ${i};`]))
  const optional = syntax.flatMap(({ argument }, i) => (argument === 'optional' ? [`case ${i}: return 1;`] : []))
  return `
    #include <getopt.h>
    #include <stdio.h>
    #include <string.h>
    #include <unistd.h>
    static struct option table[] = { ${long.join('\n')} { 0, 0, 0, 0 } };
    static int option(int found) { switch (found) { ${letters.join('\n')} default: return found - 1000; } }
    static int may_have_argument(int option) { switch (option) { ${optional.join('\n')} default: return 0; } }
    int main(void) {
      static char line[65536];
      setvbuf(stdout, NULL, _IONBF, 0);
      dup2(1, 2);
      while (fgets(line, sizeof line, stdin)) {
        char *words[256] = { "getopt" }, *at = line;
        int count = 1, found;
        line[strcspn(line, "\\n")] = 0;
        while (*at) { *at++ = 0; words[count++] = at; at += strcspn(at, "\\037"); }
        words[count] = NULL;
        printf("line\\n");
        optind = 0;
        while ((found = getopt_long(count, words, "${short}", table, NULL)) != -1) {
          if (found == '?') continue;
          // To glibc the word behind is none, so programs take it themselves.
          if (may_have_argument(option(found)) && !optarg && words[optind] && *words[optind] != '-') optarg = words[optind++];
          char *next = words[optind];
          printf("option %d%s%s", option(found), optarg ? " =" : "", optarg ? optarg : "");
          printf("%s%s\\n", next && *next != '-' ? "\\037" : "", next && *next != '-' ? next : "");
        }
        for (; optind < count; optind++) printf("word %s\\n", words[optind]);
      }
    }`
}

/** glibc's words for what was wrong. */
const ERRORS: readonly [RegExp, (found: RegExpExecArray) => string][] = [
  [/: invalid option -- '(.)'$/, ([, letter]) => `unknown -${letter}`],
  [/: unrecognized option '(--[^=]*).*'$/, ([, name]) => `unknown ${name}`],
  [/: option '(--[^=]*).*' is ambiguous/, ([, name]) => `ambiguous ${name}`],
  [/: option '--.*' doesn't allow an argument$/, () => 'argument not allowed'],
  [/: option requires an argument -- '(.)'$/, ([, letter]) => `argument missing -${letter}`],
  [/: option '--.*' requires an argument$/, () => 'argument missing --'],
]

/** Each command line as glibc sees it. */
function glibc(syntax: readonly OptionSyntax[], lines: readonly string[][], directory: string): string[][] {
  const [source, binary] = [join(directory, 'getopt.c'), join(directory, 'getopt')]
  writeFileSync(source, program(syntax))
  const compiled = spawnSync('gcc', ['-o', binary, source], { encoding: 'utf8' })
  if (compiled.status !== 0) throw new Error(compiled.stderr)
  const input = lines.map((words) => `${words.map((word) => `\u001f${word}`).join('')}\n`).join('')
  const { stdout } = spawnSync(binary, { input, encoding: 'utf8', maxBuffer: 1 << 26 })
  const told = stdout.split(/^line\n/m).slice(1)
  return told.map((text) => {
    const all = text.trimEnd() === '' ? [] : text.slice(0, -1).split('\n')
    const wrong = all.findIndex((one) => one.startsWith('getopt: '))
    return wrong < 0 ? all : [...all.slice(0, wrong), worded(all[wrong])]
  })
}

function worded(message: string): string {
  for (const [pattern, words] of ERRORS) {
    const found = pattern.exec(message)
    if (found !== null) return words(found)
  }
  throw new Error(`what is ${message}?`)
}

/** The same as ours sees it. */
function ours<O extends OptionSyntax>(syntax: readonly O[], line: readonly string[]): string[] {
  const { options, words, error } = getopt(line, syntax)
  const found = options.map(({ option, argument, following }) => {
    const next = following === undefined ? '' : `\u001f${following}`
    return `option ${syntax.indexOf(option)}${argument === undefined ? '' : ` =${argument}`}${next}`
  })
  if (error === undefined) return [...found, ...words.map((word) => `word ${word}`)]
  const isLong = error.written.startsWith('--') && error.written.length > 2
  // glibc tells some names in full, where we repeat what was written.
  const written = error.kind === 'argument not allowed' ? '' : error.kind === 'argument missing' && isLong ? ' --' : ` ${error.written}`
  return [...found, error.kind + written]
}

/** Numbers that look random and are the same each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function randomLines(syntax: readonly OptionSyntax[], count: number, seed: number): string[][] {
  const below = numbers(seed)
  const one = <T>(list: readonly T[]): T => list[below(list.length)]
  const names = syntax.flatMap((option) => option.names)
  const letters = [...syntax.flatMap(({ short }) => (short === undefined ? [] : [short])), 'X', '?', ':', ';', '-']
  const values = ['1.1.1.1', 'expect', 'tcp', '', '-1', '=', 'a=b', '-', '--', 'x y', '!', '::1', '-L', '--src']
  const kinds: readonly (() => string)[] = [
    () => one(values),
    () => `-${one(letters)}`,
    () => `-${one(letters)}${one(letters)}${one(values)}`,
    () => `--${one(names)}`,
    () => {
      const name = one(names)
      return `--${name.slice(0, 1 + below(name.length))}`
    },
    () => `--${one(names)}=${one(values)}`,
    () => {
      const name = one(names)
      return `--${name.slice(0, below(name.length + 1))}=${one(values)}`
    },
  ]
  return Array.from({ length: count }, () => Array.from({ length: 1 + below(6) }, () => one(kinds)()))
}

const hasCompiler = spawnSync('gcc', ['--version']).status === 0

t.test('getopt() sees what glibc sees', { skip: hasCompiler ? false : 'there is no gcc' }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'conntrack-getopt-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  for (const protocol of [tcp, icmp, sctp]) {
    // Options of ours leave abbreviations alone, which is a rule that glibc has not.
    const syntax = [...COMMANDS, ...OPTIONS, ...protocolOptions(protocol)].filter((option) => !('isOurs' in option && option.isOurs))
    const names = syntax.flatMap((option) => option.names)
    const prefixes = [...new Set(names.flatMap((name) => Array.from(name, (_, i) => name.slice(0, i + 1))))]
    const lines = [
      ...prefixes.flatMap((prefix) => [[`--${prefix}`], [`--${prefix}=x`, 'y']]),
      ...randomLines(syntax, 1000, protocol.number),
    ]
    const expected = glibc(syntax, lines, directory)
    t.equal(expected.length, lines.length)
    const wrong = lines.flatMap((line, i) => {
      const [found, wanted] = [ours(syntax, line), expected[i]]
      return JSON.stringify(found) === JSON.stringify(wanted) ? [] : [{ line, found, wanted }]
    })
    t.same(wrong.slice(0, 5), [], `${lines.length} command lines with the options of ${protocol.name}`)
  }
})
