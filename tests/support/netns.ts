import { run, type Outcome } from './program.ts'

/** A network namespace of a test's own. */
export interface TestNamespace {
  readonly name: string
  /** The command, to be run in it. */
  inside(command: readonly string[]): string[]
  /** Runs a command in it. @throws Error when it fails */
  must(command: readonly string[], input?: string): Outcome
}

let made = 0

/** Whether there can be one: for the `skip` of a test. */
export const cannotMakeNamespaces: string | false = process.getuid?.() === 0 ? false : 'making a network namespace takes root'

/** Makes a network namespace, with its loopback up, that is gone when `t` ends. */
export function namespaceFor(t: { teardown(after: () => void): void }): TestNamespace {
  const name = `conntrack-ts-${process.pid}-${++made}`
  const inside = (command: readonly string[]): string[] => ['ip', 'netns', 'exec', name, ...command]
  const must = (command: readonly string[], input = ''): Outcome => {
    const outcome = run(inside(command), { input })
    if (outcome.status !== 0) throw new Error(`${command.join(' ')}: status ${outcome.status}\n${outcome.stderr}`)
    return outcome
  }
  ip('add', name)
  t.teardown(() => ip('delete', name))
  must(['ip', 'link', 'set', 'lo', 'up'])
  return { name, inside, must }
}

function ip(verb: string, name: string): void {
  const { status, stderr } = run(['ip', 'netns', verb, name])
  if (status !== 0) throw new Error(`ip netns ${verb} ${name}: ${stderr}`)
}
