/** The joins of the last ten minutes, of players who signed in and sent their position, and so should be given an island. */
export interface RecentJoins {
  /** Players who were given an island in time. */
  given: number
  /** Players who waited longer than `timeoutMs`, and were still connected then. */
  missed: number
  /** Players who wait for their island now. */
  waiting: number
}

/** Joins are counted this long, in buckets of a tenth of it. */
export const JOIN_WINDOW_MS = 600_000
const BUCKETS = 10
const BUCKET_MS = JOIN_WINDOW_MS / BUCKETS

interface Bucket {
  number: number
  given: number
  missed: number
}

/**
 * Counts the joins that the cell is responsible for. A client cannot make a join fail: one that fails to sign in, sends nothing
 * or leaves early is not counted, and one that sends its position is given an island by a cell that works.
 */
export class JoinTracker<Session extends object> {
  readonly #timeoutMs: number
  readonly #onMissed: (session: Session) => void
  readonly #waiting = new Map<Session, number>()
  /** Sessions that were counted. */
  readonly #counted = new WeakSet<Session>()
  #buckets: Bucket[] = []

  /**
   * @param timeoutMs longest time in which a cell that works gives a player an island
   * @param onMissed a player waited longer
   */
  constructor(timeoutMs: number, onMissed: (session: Session) => void = () => {}) {
    this.#timeoutMs = timeoutMs
    this.#onMissed = onMissed
  }

  /** A player sent their position. */
  started(session: Session, now: number): void {
    if (!this.#counted.has(session) && !this.#waiting.has(session)) this.#waiting.set(session, now)
  }

  /** A player was given an island; returns how many milliseconds they waited, if it was their first, and in time. */
  given(session: Session, now: number): number | undefined {
    this.#countMissed(now)
    if (this.#counted.has(session)) return undefined
    const since = this.#waiting.get(session) ?? now
    this.#waiting.delete(session)
    this.#counted.add(session)
    this.#bucketAt(now).given++
    return now - since
  }

  /** A session ended, for any reason. */
  ended(session: Session, now: number): void {
    this.#countMissed(now)
    this.#waiting.delete(session)
  }

  counts(now: number): RecentJoins {
    this.#countMissed(now)
    const oldest = bucketNumber(now) - BUCKETS
    this.#buckets = this.#buckets.filter(({ number }) => number > oldest)
    return {
      given: this.#buckets.reduce((sum, { given }) => sum + given, 0),
      missed: this.#buckets.reduce((sum, { missed }) => sum + missed, 0),
      waiting: this.#waiting.size,
    }
  }

  /** Counts the sessions that wait too long; they are stored oldest first. */
  #countMissed(now: number): void {
    for (const [session, since] of this.#waiting) {
      if (now - since < this.#timeoutMs) return
      this.#waiting.delete(session)
      this.#counted.add(session)
      this.#bucketAt(since + this.#timeoutMs).missed++
      this.#onMissed(session)
    }
  }

  #bucketAt(at: number): Bucket {
    const number = bucketNumber(at)
    const known = this.#buckets.find((bucket) => bucket.number === number)
    if (known) return known
    const bucket = { number, given: 0, missed: 0 }
    this.#buckets = [...this.#buckets.filter((other) => other.number > number - BUCKETS), bucket]
    return bucket
  }
}

const bucketNumber = (at: number): number => Math.floor(at / BUCKET_MS)
