import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { launcher, RUNTIMES } from '../support/program.ts'

/** What a command did. */
export interface Ran {
  readonly stdout: string
  readonly stderr: string
  readonly status: number | null
}

const CONDITION = '--conditions=@conntrack/source'
const SERVER = fileURLToPath(new URL('server.ts', import.meta.url))
const TRAFFIC = fileURLToPath(new URL('traffic.py', import.meta.url))
/** The words before a script, for each runtime. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  bun: [CONDITION],
  node: [CONDITION],
  deno: ['run', '--quiet', '--allow-all', '--no-config', '--no-lock', '--node-modules-dir=manual', CONDITION],
}

/** What programs here read in /etc. */
const ETC = ['protocols', 'services', 'nsswitch.conf', 'ld.so.cache', 'localtime', 'passwd', 'group']
const LABELS = `# labels of the tests
1 first
3 lbl3
0x10 my label
64 lbl64
127 last
9 lbl3
3 other
200 far
`

let made = 0

/** A network namespace with an /etc of its own, which names labels, where both programs are run. */
export class World {
  readonly directory: string
  readonly #name: string
  readonly #etc: string
  readonly #servers = new Map<string, Server>()
  #holder: ChildProcess
  #traffic: ChildProcess | undefined

  private constructor() {
    this.#name = `ct-parity-${process.pid}-${made++}`
    this.directory = mkdtempSync(join(tmpdir(), 'conntrack-parity-'))
    this.#etc = join(this.directory, 'etc')
    mkdirSync(join(this.#etc, 'xtables'), { recursive: true })
    for (const name of ETC) if (existsSync(`/etc/${name}`)) cpSync(`/etc/${name}`, join(this.#etc, name))
    writeFileSync(join(this.#etc, 'xtables/connlabel.conf'), LABELS)
    execFileSync('ip', ['netns', 'add', this.#name])
    const hold = 'mount --bind "$1" /etc && echo ready && exec cat'
    this.#holder = spawn('ip', ['netns', 'exec', this.#name, 'sh', '-c', hold, 'sh', this.#etc], { stdio: ['pipe', 'pipe', 'inherit'] })
  }

  static async open(): Promise<World> {
    const world = new World()
    await spoken(world.#holder)
    return world
  }

  /** Sends packets of every protocol, and keeps their sockets open. */
  async traffic(): Promise<void> {
    this.#traffic = spawn('nsenter', this.#through(['python3', '-I', TRAFFIC]), { stdio: ['pipe', 'pipe', 'inherit'] })
    await spoken(this.#traffic)
  }

  /** Runs a program to its end. */
  run([program, ...words]: readonly [string, ...string[]], environment: NodeJS.ProcessEnv = process.env): Ran {
    const { stdout, stderr, status, signal } = spawnSync('nsenter', this.#through([program, ...words]), {
      encoding: 'utf8',
      env: environment,
    })
    return { stdout, stderr, status: signal === null ? status : null }
  }

  /** Starts a program that goes on. */
  start([program, ...words]: readonly [string, ...string[]], environment: NodeJS.ProcessEnv = process.env): ChildProcess {
    return spawn('nsenter', this.#through([program, ...words]), { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** Runs Debian's conntrack. */
  original(words: readonly string[]): Ran {
    return this.run(['conntrack', ...words])
  }

  /** The same while others run. */
  async originalAside(words: readonly string[]): Promise<Ran> {
    const child = spawn('nsenter', this.#through(['conntrack', ...words]), { stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const [code] = (await once(child, 'close')) as [number | null]
    return { stdout, stderr, status: code }
  }

  /** Runs ours, in a process of that runtime that is already there, or with `launcher` as a program of its own. */
  async ours(words: readonly string[], runtime = 'bun'): Promise<Ran> {
    if (runtime === 'launcher') return this.run([launcher, ...words])
    let server = this.#servers.get(runtime)
    if (server === undefined) {
      server = new Server(
        spawn('nsenter', this.#through([RUNTIMES[runtime], ...WORDS[runtime], SERVER]), { stdio: ['pipe', 'pipe', 'inherit'] }),
      )
      this.#servers.set(runtime, server)
    }
    return server.run(words)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const children = [...[...this.#servers.values()].map(({ child }) => child), this.#traffic, this.#holder]
    for (const child of children) {
      if (child === undefined || child.exitCode !== null) continue
      const ended = once(child, 'exit')
      child.stdin?.end()
      await ended
    }
    execFileSync('ip', ['netns', 'del', this.#name])
    rmSync(this.directory, { recursive: true })
  }

  #through(command: readonly string[]): string[] {
    return ['-t', String(this.#holder.pid), '-m', '-n', ...command]
  }
}

/** Waits until a program has written something. */
async function spoken(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve())
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it was ready`)))
  })
}

/** A process that runs command lines, one at a time. */
class Server {
  readonly child: ChildProcess
  readonly #answers: AsyncIterator<string>

  constructor(child: ChildProcess) {
    this.child = child
    this.#answers = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  }

  async run(words: readonly string[]): Promise<Ran> {
    this.child.stdin?.write(`${JSON.stringify(words)}\n`)
    const { value, done } = await this.#answers.next()
    if (done) throw new Error(`the program has ended over ${words.join(' ')}`)
    return JSON.parse(value) as Ran
  }
}
