import type { Conversation } from './conversation.ts'

/** What has become of a conversation after some time. */
export interface Phase {
  /** The protocol's state, if it has one. */
  readonly state?: string
  /** Seconds until it would be forgotten, or less than 0 when it has been. */
  readonly timeout: number
  readonly isAnswered: boolean
  readonly isAssured: boolean
  /** Packets and bytes so far, of the client and of the server. */
  readonly sent: readonly [packets: number, bytes: number]
  readonly answered: readonly [packets: number, bytes: number]
}

/** Seconds that the kernel waits for another packet: net.netfilter.nf_conntrack_*_timeout* as they are usually. */
const TIMEOUTS = { established: 432_000, timeWait: 120, synSent: 120, synRecv: 60, stream: 120, single: 30, sctp: 210, gre: 180 }

/** Seconds between two packets of a conversation that goes on. */
const BEAT = 5
/** Seconds until the first answer, and until the connection stands. */
const [ANSWER, OPEN] = [0.4, 0.8]
/** Seconds from the first goodbye until both sides have said it. */
const CLOSED = 0.6

/** The phase of a conversation, so many seconds after its start. */
export function phase({ kind, seconds }: Conversation, elapsed: number): Phase {
  const talked = Math.min(elapsed, seconds)
  const quiet = elapsed > seconds ? elapsed - seconds : elapsed % BEAT
  const isAnswered = kind.isUnanswered !== true && elapsed >= Math.min(ANSWER, seconds)
  const sent = traffic(kind.rate[0], talked)
  const answered: Phase['answered'] = isAnswered ? traffic(kind.rate[1], talked) : [0, 0]
  const common = { isAnswered, isAssured: isAnswered && elapsed > OPEN && !kind.protocol.startsWith('icmp'), sent, answered }
  const over = elapsed > seconds
  switch (kind.protocol) {
    case 'tcp':
      if (elapsed < ANSWER) return { ...common, isAnswered: false, answered: [0, 0], state: 'SYN_SENT', timeout: TIMEOUTS.synSent - quiet }
      if (elapsed < OPEN) return { ...common, state: 'SYN_RECV', timeout: TIMEOUTS.synRecv - quiet }
      if (!over) return { ...common, state: 'ESTABLISHED', timeout: TIMEOUTS.established - quiet }
      if (quiet < CLOSED) return { ...common, state: quiet < CLOSED / 2 ? 'FIN_WAIT' : 'LAST_ACK', timeout: TIMEOUTS.timeWait - quiet }
      return { ...common, state: 'TIME_WAIT', timeout: TIMEOUTS.timeWait - quiet }
    case 'sctp':
      return { ...common, state: over ? 'SHUTDOWN_ACK_SENT' : 'ESTABLISHED', timeout: (over ? 3 : TIMEOUTS.sctp) - quiet }
    case 'gre':
      return { ...common, timeout: TIMEOUTS.gre - quiet }
    default:
      return { ...common, timeout: (common.isAssured && seconds > 2 ? TIMEOUTS.stream : TIMEOUTS.single) - quiet }
  }
}

function traffic(rate: number, seconds: number): readonly [packets: number, bytes: number] {
  const bytes = Math.ceil(rate * Math.max(seconds, 1))
  return [Math.ceil(bytes / 1100), bytes]
}
