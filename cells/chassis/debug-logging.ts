import type { SpanClock } from './clock.ts'
import type { Running } from './lifecycle.ts'
import type { Log } from './log.ts'

/** How long everything is logged after a signal: a level that is forgotten would fill the disks of a node. */
const DEBUG_MS = 10 * 60_000

/** Where signals arrive: the process, or a test. */
export interface Signals {
  on(signal: NodeJS.Signals, listener: () => void): unknown
  off(signal: NodeJS.Signals, listener: () => void): unknown
}

/**
 * Lets an administrator see everything a process does without a restart, which would end the connections of players: SIGUSR1 logs
 * everything for ten minutes, and a second one ends that. Without a listener, Node.js would open its debugger at this signal.
 */
export function debugLoggingOnSignal(log: Log, clock: SpanClock, signals: Signals = process): Running {
  const configured = log.level
  let cancel: (() => void) | undefined
  const end = () => {
    cancel?.()
    cancel = undefined
    log.info({ logLevel: configured }, 'the configured log level holds again')
    log.level = configured
  }
  const onSignal = () => {
    if (cancel) return end()
    log.level = 'debug'
    cancel = clock.after(DEBUG_MS, end)
    log.info({ minutes: DEBUG_MS / 60_000 }, 'everything is logged for a while; another SIGUSR1 ends that')
  }
  signals.on('SIGUSR1', onSignal)
  return {
    stop: async () => {
      signals.off('SIGUSR1', onSignal)
      if (cancel) end()
    },
  }
}
