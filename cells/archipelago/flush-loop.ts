import type { Clock } from '../chassis/clock.ts'

/** The timer of the flushes. */
export interface FlushLoop {
  /** When the last flush ended, by the monotonic clock; the start of the loop before the first one. */
  readonly lastAt: number
  /** How long the last flush took, in ms. */
  readonly lastMs: number
  /** Starts the next flush now. */
  flushNow(): void
  stop(): void
}

/**
 * After a flush that took longer than its period, the pause as a share of that time: to process the messages that arrived
 * meanwhile.
 */
const PAUSE_SHARE = 0.5
const MIN_PAUSE_MS = 1

/**
 * Calls `flush` every `periodMs`, counted from start to start, and never twice at a time (clustering.md §5.21). A flush that
 * takes longer delays the next one. `lateMs` is the delay of the call: after a stall of the process there are unread messages.
 */
export function startFlushLoop(clock: Clock, periodMs: number, flush: (lateMs: number) => void): FlushLoop {
  let lastAt = clock.monotonic()
  let lastMs = 0
  let cancel = clock.after(0, () => run(lastAt))

  function run(plannedAt: number): void {
    const startedAt = clock.monotonic()
    flush(startedAt - plannedAt)
    lastAt = clock.monotonic()
    lastMs = lastAt - startedAt
    const pauseMs = lastMs < periodMs ? MIN_PAUSE_MS : lastMs * PAUSE_SHARE
    const nextAt = Math.max(startedAt + periodMs, lastAt + pauseMs)
    cancel = clock.after(nextAt - lastAt, () => run(nextAt))
  }

  return {
    get lastAt() {
      return lastAt
    },
    get lastMs() {
      return lastMs
    },
    flushNow() {
      cancel()
      const now = clock.monotonic()
      cancel = clock.after(0, () => run(now))
    },
    stop: () => cancel(),
  }
}
