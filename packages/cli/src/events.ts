import type { EventReport, Overrun, Watch, WatchOptions } from '@conntrack/core'
import type { Job, Surroundings } from './run.ts'
import { programNames } from './programs.ts'

/** What is counted while events are shown. */
interface Counters {
  shown: number
  lost: number
  overruns: number
  found: number
  gaveWay: number
}

/** Shows events until a signal comes, the time is over or there were enough. What was lost is told on stderr. */
export async function showEvents(
  { watched, events }: Job,
  { io, say }: Surroundings,
  name: 'flow' | 'expectation',
  watch: (options: WatchOptions<never>) => Watch<unknown>,
): Promise<number> {
  if (watched === undefined || events === undefined) throw new Error('events that are not watched')
  const { duration, limit, receiveBuffer, resync, reliable } = watched
  const counters: Counters = { shown: 0, lost: 0, overruns: 0, found: 0, gaveWay: 0 }
  const stopReporting = io.onReport?.(() => io.err(counted(counters, name)))
  const { stoppable = (work) => work(new AbortController().signal) } = io
  try {
    await stoppable(async (signal) => {
      using source = watch({ events: watched.events, receiveBuffer, resync, reliable })
      using _end = finishing(source, signal, duration, () => {
        io.err(`WARNING: after ${PATIENCE / 1000} s there were still events that had been received; they are not shown`)
      })
      if (receiveBuffer !== undefined) io.err(`NOTICE: Netlink socket buffer size has been set to ${source.receiveBuffer} bytes.`)
      if (source.hasEvents === false)
        io.err("WARNING: the kernel makes no events in this namespace: net.netfilter.nf_conntrack_events is 0, `sysctl -w' can set it to 1")
      await source.print(events(programNames()), io.out, {
        limit,
        onEvent: () => {
          counters.shown++
        },
        onReport: (report) => {
          count(counters, report)
          const warning = warningOf(report, counters, { resync, size: source.receiveBuffer })
          if (warning !== undefined) io.err(warning)
        },
      })
    })
  } finally {
    stopReporting?.()
  }
  say(`${counters.shown} ${name} events have been shown.`)
  return 0
}

/** Milliseconds that may pass with showing what was received before the end. */
const PATIENCE = 10_000

/**
 * Ends it when a signal comes, or after so many milliseconds, unless this is disposed of before: what was received by then is shown. If
 * that takes too long it is closed, and `onLeft` called.
 */
function finishing(source: Watch<unknown>, signal: AbortSignal, duration: number | undefined, onLeft: () => void): Disposable {
  let patience: ReturnType<typeof setTimeout> | undefined
  const finish = (): void => {
    source.finish()
    patience ??= setTimeout(() => {
      onLeft()
      source.close()
    }, PATIENCE)
  }
  const timer = duration === undefined ? undefined : setTimeout(finish, duration)
  signal.addEventListener('abort', finish, { once: true })
  if (signal.aborted) finish()
  return {
    [Symbol.dispose]() {
      for (const one of [timer, patience]) clearTimeout(one)
      signal.removeEventListener('abort', finish)
    },
  }
}

function count(counters: Counters, report: EventReport): void {
  if (report.type === 'overrun') {
    counters.overruns = report.times
    counters.lost += report.lost
  } else if (report.type === 'resynced') counters.found += report.new + report.update + report.destroy
  else counters.gaveWay += report.updates + report.coalesced
}

const counted = ({ shown, lost, overruns, found, gaveWay }: Counters, name: string): string =>
  `${shown} ${name} events have been shown: ${lost} messages were lost in ${overruns} overruns, ${found} events were found by comparing, ${gaveWay} gave way`

function warningOf(
  report: EventReport,
  { lost }: Counters,
  settings: { readonly resync: boolean; readonly size: number },
): string | undefined {
  if (report.type === 'resynced')
    return `NOTICE: the table was compared with what was shown: ${report.new} new, ${report.update} update and ${report.destroy} destroy events were missing`
  return report.type === 'overrun' ? overrunText(report, lost, settings) : undefined
}

function overrunText(
  { lost, since, timestamp }: Overrun,
  all: number,
  { resync, size }: { readonly resync: boolean; readonly size: number },
): string {
  const seconds = (Number((timestamp - since) / 1_000_000n) / 1000).toFixed(3)
  const cure = resync ? 'looking for what is missing' : 'what they told is lost, as --no-resync wants it'
  return `WARNING: ${lost} messages were lost in the last ${seconds} s, ${all} in all: ${size} bytes were full, see --buffer-size; ${cure}`
}
