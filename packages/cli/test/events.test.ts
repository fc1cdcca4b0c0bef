import t from 'tap'
import { flowWithId, ScriptedEvents } from '../../core/test/scripted-events.ts'
import { PROTOCOLS } from '../../core/test/scripted-conntrack.ts'
import type { Io } from '../src/io.ts'
import { createCli } from '../src/main.ts'
import { formats, kept, words } from './program.ts'

const VERSION = 'conntrack v9.9.9 (conntrack.ts)'

/** Runs -E while things happen. The kernel's queue keeps them until they are read. */
async function run(line: string, happen: (kernel: ScriptedEvents) => void, more: Partial<Io> = {}) {
  const kernel = new ScriptedEvents()
  const { io, stdout, stderr } = kept()
  const cli = createCli({ protocols: PROTOCOLS, formats, version: VERSION, open: () => kernel.conntrack })
  const ended = cli(words(line), { ...io, ...more })
  await new Promise((resolve) => setTimeout(resolve, 0))
  happen(kernel)
  const status = await ended
  return { status, stdout: stdout(), stderr: stderr(), kernel }
}

const life = (kernel: ScriptedEvents): void => {
  kernel.create(flowWithId(1))
  kernel.update(1, { mark: 7 })
  kernel.destroy(1)
}

t.test('-E shows events until there were enough, and then how many', async (t) => {
  const { status, stdout, stderr, kernel } = await run('-E --count 3', life)
  const flow = 'src=10.0.0.1 dst=10.9.9.9 sport=1 dport=443'
  const reply = 'src=10.9.9.9 dst=10.0.0.1 sport=443 dport=1'
  t.equal(status, 0)
  t.strictSame(stdout.split('\n'), [
    `    [NEW] stream   6 60 ${flow} [UNREPLIED] ${reply} mark=0`,
    ` [UPDATE] stream   6 ${flow} [UNREPLIED] ${reply} mark=7`,
    `[DESTROY] stream   6 60 ${flow} [UNREPLIED] ${reply} mark=7`,
    '',
  ])
  t.equal(stderr, `${VERSION}: 3 flow events have been shown.\n`)
  t.ok(kernel.subscriptions[0].closed)
})

t.test('-e chooses among events, in any spelling that conntrack(8) takes', async (t) => {
  for (const [line, groups] of [
    ['-E -e NEW', [1]],
    ['-E -e NEW,DESTROY', [1, 3]],
    ['-E -e N -e UPD', [1, 2]],
    ['-E --event-mask ALL', [1, 2, 3]],
    ['-E', [1, 2, 3]],
  ] as const) {
    const { kernel } = await run(`${line} --count 1`, life)
    t.strictSame(kernel.subscriptions[0].groups, groups, line)
  }
})

t.test('conditions hold for events', async (t) => {
  const { stdout } = await run('-E -m 1 --count 2', (kernel) => {
    for (const id of [1, 2, 3]) kernel.create(flowWithId(id, { mark: id % 2 }))
  })
  t.strictSame(stdout.match(/sport=\d+ dport=443/g), ['sport=1 dport=443', 'sport=3 dport=443'])
})

t.test('every format has a way to write events', async (t) => {
  const shown = async (format: string): Promise<string> => (await run(`-E -o ${format} --count 3`, life)).stdout
  const json = (await shown('json'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  t.match(json, [
    { version: 1, type: 'new', portId: 0, synthetic: false, timestamp: /^\d+$/, flow: { protocol: 'stream', id: 1, mark: 0 } },
    { type: 'update', flow: { mark: 7 } },
    { type: 'destroy' },
  ])
  t.match(
    await shown('xml'),
    /^<\?xml .*\n<conntrack>\n<flow type="new">.*\n<flow type="update">.*\n<flow type="destroy">.*<\/flow>\n<\/conntrack>\n$/,
  )
  t.match(await shown('xml,timestamp'), /<\/meta><when><hour>\d+<\/hour><min>\d\d<\/min><sec>\d\d<\/sec><wday>[1-7]<\/wday><day>\d+<\/day>/)
  t.match(await shown('save'), /^-A .*\n-U .*\n-D .*\n$/)
  t.match(await shown('csv'), /^event,timestamp,portId,synthetic,protocol,.*\r\nnew,\d+,0,false,stream,.*\r\nupdate,.*\r\ndestroy,.*\r\n$/)
  t.match(await shown('timestamp'), /^\[\d{10}\.\d{6}\]\t {4}\[NEW\] stream /)
  t.match(await shown('table'), /EVENT/)
})

t.test('a document is whole when nothing happened', async (t) => {
  const { stdout, stderr } = await run('-E -o xml --for 20ms', () => {})
  t.equal(stdout, '<?xml version="1.0" encoding="utf-8"?>\n<conntrack>\n</conntrack>\n')
  t.equal(stderr, `${VERSION}: 0 flow events have been shown.\n`)
})

const storm = (kernel: ScriptedEvents): void => {
  kernel.capacity = 1
  for (const id of [1, 2, 3]) kernel.create(flowWithId(id))
  kernel.capacity = 100
}

t.test('what was lost is told in numbers, and found', async (t) => {
  const { stdout, stderr } = await run('-E --count 3', storm)
  t.equal(stdout.match(/\[NEW\]/g)?.length, 3)
  t.equal(stdout.match(/ \[SYNTHETIC\]$/gm)?.length, 2)
  t.match(
    stderr,
    /^WARNING: 2 messages were lost in the last \d+\.\d{3} s, 2 in all: \d+ bytes were full, see --buffer-size; looking for what is missing\n/,
  )
  const records = await run('-E --count 3 -o json', storm)
  t.match(records.stdout, /"type":"overrun".*"lost":2/)
})

t.test('--no-resync tells it and looks for nothing', async (t) => {
  const { stdout, stderr, kernel } = await run('-E --no-resync --for 30ms', storm)
  t.equal(stdout.match(/\[NEW\]/g)?.length, 1)
  t.match(stderr, /2 messages were lost .* as --no-resync wants it/)
  t.equal(kernel.listed, 0)
})

t.test('-b asks for room in the kernel, and says what there is', async (t) => {
  const { stderr } = await run('-E -b 1M --for 10ms', () => {})
  t.match(stderr, /^NOTICE: Netlink socket buffer size has been set to 2097152 bytes\.\n/)
})

t.test('a signal ends it with status 0, and another asks for counters', async (t) => {
  const stop = new AbortController()
  let report = (): void => {}
  const { status, stderr } = await run(
    '-E',
    (kernel) => {
      life(kernel)
      setTimeout(() => {
        report()
        stop.abort('SIGINT')
      }, 20)
    },
    {
      stoppable: (work) => work(stop.signal),
      onReport: (listener) => {
        report = listener
        return () => {}
      },
    },
  )
  t.equal(status, 0)
  t.match(stderr, /^3 flow events have been shown: 0 messages were lost in 0 overruns.*\n.*: 3 flow events have been shown\.\n$/)
})

t.test('what was received before a signal is shown before the summary', async (t) => {
  const stop = new AbortController()
  const { stdout, stderr, kernel } = await run(
    '-E',
    (kernel) => {
      for (let id = 1; id <= 10_000; id++) kernel.create(flowWithId(id))
      stop.abort('SIGTERM')
      kernel.create(flowWithId(10_001))
    },
    { stoppable: (work) => work(stop.signal) },
  )
  t.equal(stdout.split('\n').length - 1, 10_000)
  t.match(stderr, /: 10000 flow events have been shown\.\n$/)
  t.ok(kernel.subscriptions[0].closed)
})

t.test('wrong options of events are told of by name and value', async (t) => {
  for (const [line, message] of [
    ['-E -e FOO', /`FOO' for option `-e': expected some of ALL, NEW, UPDATES, DESTROY/],
    ['-E -e NEW,', /`NEW,' for option `-e'/],
    ['-E -b x', /`x' for option `-b': expected bytes/],
    ['-E -b 0', /`0' for option `-b'/],
    ['-E --for soon', /`soon' for option `--for': expected a time/],
    ['-E --count 0', /`0' for option `--count': expected a number/],
    ['-E --count 1 --count 2', /`--count' is given twice/],
    ['-L -e NEW', /Illegal option `--event-mask' with this command/],
    ['-L -b 1', /Illegal option `--buffer-size' with this command/],
    ['-E -e DESTROY -l bit3', /what `-l' is about when a flow ends: expected -e NEW,UPDATES/],
    ['-E -e DESTROY --helper !ftp', /what `--helper' is about/],
    ['-E -z', /Illegal option `--zero' with this command/],
    ['-E dying', /-E .* `dying'/],
  ] as const) {
    const { status, stderr } = await run(line, () => {})
    t.equal(status, 2, line)
    t.match(stderr, message)
  }
})

t.test('--count without -E is how conntrack(8) abbreviates --counter', async (t) => {
  const { status, stdout } = await run('--count', () => {})
  t.strictSame([status, stdout], [0, '0\n'])
})
