import { expectationMessages, flowMessages } from '../tables/messages.ts'
import { Refusal } from './refusal.ts'

/** The kernel's name of a message that can be sent to it: `'IPCTNL_MSG_CT_NEW'`. */
export type KernelCommand = (
  | (typeof flowMessages)[keyof typeof flowMessages]
  | (typeof expectationMessages)[keyof typeof expectationMessages]
)['command']

const COMMANDS: ReadonlyMap<number, string> = new Map(
  [...Object.values(flowMessages), ...Object.values(expectationMessages)].map(({ type, command }) => [type, command]),
)

/** Bad days, and a count of requests. */
export class Faults {
  /** Dumps that are yet to be interrupted. */
  interruptions = 0
  readonly #counts = new Map<string, number>()
  readonly #plans = new Map<string, (() => void)[]>()

  /** Plans what happens before one of the next requests of a kind is done; a Refusal that is thrown there is the kernel's answer. */
  plan(command: KernelCommand, action: () => void, times = 1): void {
    const plans = this.#plans.get(command) ?? []
    plans.push(...Array.from({ length: times }, () => action))
    this.#plans.set(command, plans)
  }

  /** Counts a request, and lets happen what was planned for it. @throws Refusal */
  meet(type: number): void {
    const command = COMMANDS.get(type)
    if (command === undefined) throw new Refusal('EINVAL')
    this.#counts.set(command, this.count(command) + 1)
    this.#plans.get(command)?.shift()?.()
  }

  /** How often a kind of request, or any at all, was made. */
  count(command?: string): number {
    if (command !== undefined) return this.#counts.get(command) ?? 0
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Whether this dump is to be an interrupted one. */
  takeInterruption(): boolean {
    if (this.interruptions === 0) return false
    this.interruptions--
    return true
  }
}
