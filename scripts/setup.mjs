// Installs what package.json asks for, unless that is done already. Plain JavaScript, as it runs before anything is installed.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = join(root, 'node_modules', '.conntrack-setup')
const lock = join(root, '.setup.lock')
const beat = 1_000
const stale = 15 * beat

const say = (text) => process.stderr.write(`conntrack: ${text}\n`)

/** What an installation depends on, as one hash. */
function wanted() {
  const hash = createHash('sha256')
  const patches = readdirSync(join(root, 'patches')).sort()
  for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', ...patches.map((name) => `patches/${name}`)]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0')
  }
  return hash.digest('hex')
}

/** Whether the last installation still holds. Its date moves on, as the launcher only compares that with the lockfile's. */
function isDone() {
  try {
    if (readFileSync(stamp, 'utf8') !== wanted()) return false
  } catch {
    return false
  }
  try {
    if (statSync(stamp).mtimeMs <= statSync(join(root, 'pnpm-lock.yaml')).mtimeMs) utimesSync(stamp, new Date(), new Date())
  } catch {
    // Somebody else's clone: it holds all the same.
  }
  return true
}

/** One set-up at a time: the holder touches its directory every second, so one that was killed is noticed. Gives the way to let go. */
async function acquire() {
  const owner = join(lock, `${process.pid}-${Date.now()}`)
  for (let said = false; ; ) {
    try {
      mkdirSync(lock)
      writeFileSync(owner, '')
      // Time for whoever took this directory for the stale one before it to have moved it away.
      await sleep(100)
      statSync(owner)
      break
    } catch (error) {
      if (error.code !== 'EEXIST' && error.code !== 'ENOENT') throw error
    }
    if (isDone()) return undefined
    removeStale()
    if (!said) say('waiting for another set-up of this clone')
    said = true
    await sleep(200)
  }
  const timer = setInterval(() => {
    try {
      utimesSync(lock, new Date(), new Date())
    } catch {
      // Gone: a set-up that is not alone does no harm that pnpm does not see to.
    }
  }, beat)
  return () => {
    clearInterval(timer)
    rmSync(lock, { recursive: true, force: true })
  }
}

function removeStale() {
  try {
    if (Date.now() - statSync(lock).mtimeMs < stale) return
    const away = `${lock}.${process.pid}`
    renameSync(lock, away)
    rmSync(away, { recursive: true, force: true })
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
}

/** The environment for pnpm, with npm's way to the registry in pnpm's own words: it does not read npm's variables. */
function environment() {
  const env = { ...process.env }
  // These leave out what is for development, and here there is nothing else.
  for (const name of Object.keys(env)) if (/^(NODE_ENV|npm_config_(omit|production|only))$/i.test(name)) delete env[name]
  const words = { registry: 'REGISTRY', cafile: 'CAFILE', 'https-proxy': 'HTTPS_PROXY', proxy: 'HTTP_PROXY', noproxy: 'NOPROXY' }
  const { stdout } = spawnSync('npm', ['config', 'get', ...Object.keys(words)], { cwd: root, encoding: 'utf8' })
  // A registry that cannot be reached is a matter of ten seconds, not of seventy.
  env.npm_config_fetch_retry_mintimeout ??= env.PNPM_CONFIG_FETCH_RETRY_MINTIMEOUT ??= '1000'
  for (const line of (stdout ?? '').split('\n')) {
    const [, name, value] = /^([a-z-]+) ?= ?"?(.+?)"?$/.exec(line) ?? []
    if (words[name] !== undefined && value !== 'null') env[`PNPM_CONFIG_${words[name]}`] ??= value
  }
  return env
}

/** Runs pnpm through npm's npx, quietly. Gives what went wrong, if anything. */
function install(pnpm) {
  const child = spawn('npx', ['-y', pnpm, 'install', '--frozen-lockfile', '--config.confirmModulesPurge=false'], {
    cwd: root,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  // At a terminal ^C has reached the child as well.
  process.on('SIGINT', () => undefined)
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`npx cannot be run (${error.message})`))
    child.on('close', (status, signal) => {
      if (status === 0) return resolve(undefined)
      if (process.env.CI || process.argv.includes('--verbose')) process.stderr.write(output)
      resolve(`${pnpm} install ${signal ? `got ${signal}` : `exited with ${status}`}: ${telling(output)}`)
    })
  })
}

/** The one line of a failed installation's output that says most. */
function telling(output) {
  const lines = output.split('\n').map((line) => line.replace(/^npm (error|ERR!)/, '').trim())
  for (const pattern of [/ERR_PNPM_\w+\W+\w/, /failed, reason|failed:/, /\berror\b/i, /./]) {
    const line = lines.find((each) => pattern.test(each))
    if (line !== undefined) return line
  }
  return 'and said nothing'
}

async function setUp() {
  if (isDone()) return
  const release = await acquire()
  if (release === undefined) return
  try {
    // Done while this one waited.
    if (isDone()) return
    say('setting up (first run, about half a minute)')
    const hash = wanted()
    const pnpm = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager
    const failure = await install(pnpm)
    if (failure !== undefined) throw new Error(failure)
    writeFileSync(stamp, hash)
  } finally {
    release()
  }
}

try {
  await setUp()
} catch (error) {
  say(`set-up failed: ${error.message} (npm run setup -- --verbose says more)`)
  process.exitCode = 1
}
