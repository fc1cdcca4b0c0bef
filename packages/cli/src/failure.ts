import { errnoText, NetlinkError, type Outcome as ManyOutcome } from '@conntrack/core'

/** Exit status of an error of the kernel, of output, and of "0 entries" where that is an error. */
export const FAILED = 1
/** Exit status of wrong options. */
export const WRONG_USAGE = 2
/** Exit status of a program that writes to a pipe nobody reads any more: 128 + SIGPIPE. */
export const BROKEN_PIPE = 141

/** Wrong options or values: the message is for the user, and a hint at the help follows. */
export class UsageError extends Error {
  override name = 'UsageError'
  /** The word that is wrong, or how it begins, where one is. */
  readonly written: string | undefined

  constructor(message: string, written?: string, options?: ErrorOptions) {
    super(message, options)
    this.written = written
  }
}

/** An error with an exit status of its own and a message for the user. */
export class Failure extends Error {
  override name = 'Failure'
  readonly status: number

  constructor(message: string, status: number = FAILED, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

/** What a failure is to the shell: a status, and what to say of it. */
export interface Outcome {
  readonly status: number
  /** For people; empty where there is nothing to say. */
  readonly message: string
  /** For programs: the kernel's name of the error (`ENOENT`), `USAGE` or `FAILED`. */
  readonly code: string
  /** Another line for people: what to do next. */
  readonly hint?: string
}

const HINT = "Try `conntrack -h' or 'conntrack --help' for more information."

/** The words and the status for whatever was thrown. */
export function outcomeOf(error: unknown): Outcome {
  const message = shortened(error instanceof Error ? error.message : String(error))
  if (error instanceof UsageError || error instanceof RangeError) return { status: WRONG_USAGE, message, code: 'USAGE', hint: HINT }
  if (error instanceof Failure) return { status: error.status, message, code: codeOf(error.cause) }
  if (error instanceof NetlinkError) return { status: FAILED, message: `Operation failed: ${reason(error)}`, code: error.code }
  const code = codeOf(error)
  return code === 'EPIPE' ? { status: BROKEN_PIPE, message: '', code } : { status: FAILED, message, code }
}

/** Characters in a line of a message. Whoever has given ten megabytes does not want to see them again. */
const LONGEST = 1000

/** A message whose lines can be looked at: the middle of those that are too long is left out. */
export function shortened(message: string): string {
  if (message.length <= LONGEST) return message
  const line = (one: string): string =>
    one.length <= LONGEST ? one : `${one.slice(0, LONGEST / 2)} [${one.length - LONGEST} characters] ${one.slice(-LONGEST / 2)}`
  return message.split('\n').map(line).join('\n')
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException | undefined)?.code ?? 'FAILED'

/** Why an entry has no labels, and what to do. */
export const NO_ROOM_FOR_LABELS =
  'the kernel keeps labels only of connections that began when a rule was about labels, such as `ct label set ct label` of nft(8)'

/** The kernel's answers that have better words than strerror(3) has, by command and code. */
const REASONS: Readonly<Record<string, string>> = {
  EPERM: 'sorry, you must be root or get CAP_NET_ADMIN capability to do this',
  EINVAL: 'invalid parameters',
  ENOMEM: 'not enough memory',
  ETIME: 'conntrack has expired',
  'IPCTNL_MSG_CT_NEW EEXIST': 'Such conntrack exists, try -U to update',
  'IPCTNL_MSG_CT_GET ENOENT': "such conntrack doesn't exist",
  'IPCTNL_MSG_CT_DELETE ENOENT': "such conntrack doesn't exist",
  'IPCTNL_MSG_CT_NEW ENOENT': "such conntrack doesn't exist",
  'IPCTNL_MSG_CT_GET EAFNOSUPPORT': 'protocol not supported',
}

/** The error of a command on many entries of which some were refused: how many for which reason, and the first few by their tuples. */
export function refusalOf({ refused, refusals }: ManyOutcome): Error | undefined {
  const [first] = refusals
  const count = Object.values(refused).reduce((sum, each) => sum + each, 0)
  if (first === undefined || count === 1) return first?.error
  const reasons = Object.entries(refused).map(([code, each]) => {
    const example = refusals.find(({ error }) => error.code === code)
    return `${each} entries: ${example === undefined ? code : reason(example.error)}`
  })
  const named = refusals.map(({ error, entry }) => `\n  ${tupleText(entry)}: ${error.code}`)
  return new Failure(`Operation failed: ${reasons.join('; ')}. The first:${named.join('')}`, FAILED, { cause: first.error })
}

/** An entry as a message names it: its protocol and tuple. */
function tupleText(entry: unknown): string {
  const { protocol, original, tuple, zone } = entry as Record<string, unknown>
  const { protocolNumber: _, ...fields } = (original ?? tuple ?? {}) as Record<string, unknown>
  const zoned = zone === undefined ? fields : { ...fields, zone }
  const told = Object.entries(zoned).filter(([, value]) => typeof value !== 'object')
  return [protocol, ...told.map(([name, value]) => `${name}=${String(value)}`)].join(' ')
}

function reason(error: NetlinkError): string {
  const { command, code, errno, detail } = error
  // A system call of ours failed, and its message says what is missing and how to get it.
  if (!command.startsWith('IPCTNL_')) return error.message
  const text = REASONS[`${command} ${code}`] ?? REASONS[code] ?? errnoText(errno)
  return detail === undefined ? text : `${text} (${detail})`
}
