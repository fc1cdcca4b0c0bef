// runtimes: node
import t from 'tap'
import { namespace, needsRoot, OURS } from './support/namespace.ts'

// oxlint-disable-next-line no-control-regex
const COLOUR = /\u001b\[\d+m/g
const V6 = ['2001:db8:1234:5678:9abc:def0:1234:5678', '2001:db8:1234:5678:9abc:def0:1234:9999']

t.test('a table fits the terminal, on each runtime, and has colours there alone', { skip: needsRoot }, async (t) => {
  using netns = namespace()
  const made = netns.run(OURS, `-I -s ${V6[0]} -d ${V6[1]} -p tcp --sport 40001 --dport 443 --state ESTABLISHED -t 3000 -m 7`.split(' '))
  t.equal(made.status, 0, made.stderr)
  // script(1) gives the program a terminal of its own.
  const onTerminal = (columns: number, environment: Record<string, string>): string[] => {
    const command = `stty cols ${columns} && ${OURS} -L -o table 2>/dev/null`
    const { stdout } = netns.run('script', ['-qec', command, '/dev/null'], { TERM: 'xterm', ...environment })
    return stdout.trimEnd().split(/\r?\n/)
  }
  for (const runtime of ['bun', 'node', 'deno']) {
    const environment = { CONNTRACK_RUNTIME: runtime, NO_COLOR: '' }
    const narrow = onTerminal(80, environment)
    t.match(narrow.join('\n'), /\u001b\[33mESTABLISHED\u001b\[0m {2}\[2001:.*\]:40001/, runtime)
    t.strictSame(
      narrow.map((line) => line.replace(COLOUR, '')).filter((line) => line.length > 80),
      [],
      'nothing is wider than the terminal',
    )
    t.ok(
      V6.every((address) => narrow.some((line) => line.includes(`[${address}]:`))),
      'and no address is cut',
    )
    t.equal(onTerminal(200, environment).length, 2, 'a wide terminal has a line for each flow')
    for (const [name, value] of [
      ['NO_COLOR', '1'],
      ['TERM', 'dumb'],
    ] as const)
      t.notMatch(onTerminal(80, { ...environment, [name]: value }).join('\n'), '\u001b', `${name}=${value}`)
    const { stdout } = netns.run(OURS, ['-L', '-o', 'table'], environment)
    t.match(stdout, /^PROTO .*\ntcp {4}ESTABLISHED .*\n$/, 'a pipe has neither colours nor a width')
  }
})
