import type { SpanClock } from '../../../cells/chassis/clock.ts'

/** How far back writes of one object count. */
export const BUDGET_WINDOW_MS = 10_000
/** Writes of the same content in that time after which it is not written again. */
export const MAX_REPAIRS = 2
/** Writes of one object in that time after which nothing is written, not even new content. */
export const MAX_CHANGES = 20
/**
 * Pause between repairs of an object that another client keeps changing: even pauses, so that a repair follows soon after its
 * last change.
 */
const REPAIR_PAUSE_MS = BUDGET_WINDOW_MS / MAX_REPAIRS

interface Spent {
  /** When the latest writes were allowed, the newest last. */
  writes: number[]
  /** Those among them that wrote the content which is desired now. */
  repeats: number[]
  /** Another client undoes the writes faster than they are allowed. */
  contested: boolean
  usedAt: number
}

/**
 * Limits how often one object is written, so that a client that edits or deletes it ten times a second does not make the operator
 * do the same.
 */
export class WriteBudget {
  readonly #clock: SpanClock
  /** In the order in which they were used; objects that were not written lately are forgotten. */
  readonly #byObject = new Map<string, Spent>()

  constructor(clock: SpanClock) {
    this.#clock = clock
  }

  /**
   * Milliseconds until this object may be written; 0 = now, and the write counts. A repair writes the same as the write before
   * it.
   */
  take(key: string, isRepair: boolean): number {
    const now = this.#clock.monotonic()
    const spent = this.#use(key, now)
    const waitMs = Math.max(0, readyAt(spent, isRepair) - now)
    if (waitMs > 0) {
      spent.contested ||= isRepair
      return waitMs
    }
    if (!isRepair) spent.repeats.length = 0
    remember(spent.repeats, now, MAX_REPAIRS)
    remember(spent.writes, now, MAX_CHANGES)
    return 0
  }

  /** Objects written lately. */
  get size(): number {
    return this.#byObject.size
  }

  #use(key: string, now: number): Spent {
    for (const [other, { usedAt }] of this.#byObject) {
      if (now - usedAt < BUDGET_WINDOW_MS) break
      this.#byObject.delete(other)
    }
    const spent = this.#byObject.get(key) ?? { writes: [], repeats: [], contested: false, usedAt: now }
    spent.usedAt = now
    this.#byObject.delete(key)
    this.#byObject.set(key, spent)
    return spent
  }
}

function readyAt({ writes, repeats, contested }: Spent, isRepair: boolean): number {
  const changes = (writes.at(-MAX_CHANGES) ?? Number.NEGATIVE_INFINITY) + BUDGET_WINDOW_MS
  if (!isRepair) return changes
  const repairs = (repeats.at(-MAX_REPAIRS) ?? Number.NEGATIVE_INFINITY) + BUDGET_WINDOW_MS
  const even = contested ? (repeats.at(-1) ?? Number.NEGATIVE_INFINITY) + REPAIR_PAUSE_MS : Number.NEGATIVE_INFINITY
  return Math.max(changes, repairs, even)
}

function remember(times: number[], now: number, atMost: number): void {
  times.push(now)
  if (times.length > atMost) times.shift()
}
