import { type Clock, systemClock } from './clock.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

/** What an exception belonged to, and what it ended: nothing beyond that. */
export type BugScope = 'request' | 'upgrade' | 'connection' | 'message'

const REPEAT_MS = 60_000
const MAX_KNOWN = 100

/**
 * Counts exceptions that no code expected, and logs them: each kind at once, its repetitions at most once a minute, because a
 * client that found one can cause it as often as it likes.
 */
export class BugReporter {
  readonly #log: Log
  readonly #clock: Clock
  readonly #bugs: Metrics['bugs']
  /** When each kind was logged last, and how often it occurred since. */
  readonly #known = new Map<string, { loggedMs: number; suppressed: number }>()

  constructor({ log, metrics, clock = systemClock }: { log: Log; metrics: Metrics; clock?: Clock }) {
    this.#log = log
    this.#clock = clock
    this.#bugs = metrics.bugs
  }

  report(scope: BugScope, error: unknown, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#bugs.inc({ scope })
    const kind = `${scope} ${placeOf(error)}`
    const now = this.#clock.monotonic()
    const known = this.#known.get(kind)
    if (known && now - known.loggedMs < REPEAT_MS) {
      known.suppressed++
      return
    }
    if (!known && this.#known.size >= MAX_KNOWN) this.#known.clear()
    this.#known.set(kind, { loggedMs: now, suppressed: 0 })
    this.#log.error({ err: error, scope, ...fields, ...(known && { suppressed: known.suppressed }) }, 'an unexpected exception')
  }
}

/** Where an error was thrown: its message may hold what the client sent, and so be another one each time. */
const placeOf = (error: unknown): string =>
  (error instanceof Error && error.stack?.split('\n').find((line) => line.startsWith('    at '))) || typeof error
