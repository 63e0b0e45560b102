import type { Clock } from '../chassis/clock.ts'

/** A loop that is turning. */
export interface FlushLoop {
  /** When the last flush ended, in ms since the epoch; the start of the loop before the first one. */
  readonly lastAt: number
  /** How long the last flush took, in ms. */
  readonly lastMs: number
  /** Makes the next flush come now. */
  hurry(): void
  stop(): void
}

/** Of the time a flush that took longer than its period, what is left free after it: for the mail that came meanwhile. */
const PAUSE_SHARE = 0.5
const LEAST_PAUSE_MS = 1

/**
 * Calls `flush` every `periodMs`, counted from start to start, and never twice at a time (clustering.md §5.21). One that takes longer makes the next
 * come later. `lateMs` is how much later than planned it is called: after a stall there is unread mail.
 */
export function startFlushLoop(clock: Clock, periodMs: number, flush: (lateMs: number) => void): FlushLoop {
  let lastAt = clock.now()
  let lastMs = 0
  let cancel = clock.after(0, () => turn(lastAt))

  function turn(plannedAt: number): void {
    const startedAt = clock.now()
    flush(startedAt - plannedAt)
    lastAt = clock.now()
    lastMs = lastAt - startedAt
    const pauseMs = lastMs < periodMs ? LEAST_PAUSE_MS : lastMs * PAUSE_SHARE
    const nextAt = Math.max(startedAt + periodMs, lastAt + pauseMs)
    cancel = clock.after(nextAt - lastAt, () => turn(nextAt))
  }

  return {
    get lastAt() {
      return lastAt
    },
    get lastMs() {
      return lastMs
    },
    hurry() {
      cancel()
      const now = clock.now()
      cancel = clock.after(0, () => turn(now))
    },
    stop: () => cancel(),
  }
}
