import type { Clock } from '../chassis/clock.ts'

/** A loop that is turning. */
export interface FlushLoop {
  /** When the last flush ended, in ms since the epoch; the start of the loop before the first one. */
  readonly lastAt: number
  stop(): void
}

const LEAST_PAUSE_MS = 1

/**
 * Calls `flush` every `periodMs`, counted from start to start, at once for the first time and never twice at a time (clustering.md §5.21).
 * `lateMs` is how much later than planned it is called: after a stall there is unread mail.
 */
export function startFlushLoop(clock: Clock, periodMs: number, flush: (lateMs: number) => void): FlushLoop {
  let lastAt = clock.now()
  let cancel = clock.after(0, () => turn(lastAt))

  function turn(plannedAt: number): void {
    const startedAt = clock.now()
    flush(startedAt - plannedAt)
    lastAt = clock.now()
    const nextAt = Math.max(startedAt + periodMs, lastAt + LEAST_PAUSE_MS)
    cancel = clock.after(nextAt - lastAt, () => turn(nextAt))
  }

  return {
    get lastAt() {
      return lastAt
    },
    stop: () => cancel(),
  }
}
