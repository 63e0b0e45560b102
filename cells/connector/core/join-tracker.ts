/** How it went lately for players who signed in and said where they are, and so should be on an island. */
export interface JoinCounts {
  /** Were given one. */
  given: number
  /** Waited longer than it takes, and were still there. */
  missed: number
  /** Wait for theirs. */
  waiting: number
}

/** What counts as lately, in steps of a tenth of it. */
export const JOIN_WINDOW_MS = 600_000
const BUCKETS = 10
const BUCKET_MS = JOIN_WINDOW_MS / BUCKETS

interface Bucket {
  number: number
  given: number
  missed: number
}

/**
 * Counts joins that are this cell's to answer for. A stranger can make none fail: who cannot sign in, says nothing or leaves early is
 * not counted, and whoever says where he stands is given an island by a cell that works.
 */
export class JoinTracker<Session extends object> {
  readonly #timeoutMs: number
  readonly #waiting = new Map<Session, number>()
  /** Sessions that were counted. */
  readonly #done = new WeakSet<Session>()
  #steps: Bucket[] = []

  /** @param timeoutMs longest that being given an island takes in a cell that works */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  /** A player said where he is. */
  started(session: Session, now: number): void {
    if (!this.#done.has(session) && !this.#waiting.has(session)) this.#waiting.set(session, now)
  }

  /** A player was given an island; answers whether it was his first, and in time. */
  given(session: Session, now: number): boolean {
    this.#sweep(now)
    if (this.#done.has(session)) return false
    this.#waiting.delete(session)
    this.#done.add(session)
    this.#step(now).given++
    return true
  }

  /** A player is gone, for whatever reason. */
  gone(session: Session, now: number): void {
    this.#sweep(now)
    this.#waiting.delete(session)
  }

  counts(now: number): JoinCounts {
    this.#sweep(now)
    const oldest = bucketNumber(now) - BUCKETS
    this.#steps = this.#steps.filter(({ number }) => number > oldest)
    return {
      given: this.#steps.reduce((sum, { given }) => sum + given, 0),
      missed: this.#steps.reduce((sum, { missed }) => sum + missed, 0),
      waiting: this.#waiting.size,
    }
  }

  /** Those who wait too long, oldest first. */
  #sweep(now: number): void {
    for (const [session, since] of this.#waiting) {
      if (now - since < this.#timeoutMs) return
      this.#waiting.delete(session)
      this.#done.add(session)
      this.#step(since + this.#timeoutMs).missed++
    }
  }

  #step(at: number): Bucket {
    const number = bucketNumber(at)
    const known = this.#steps.find((step) => step.number === number)
    if (known) return known
    const step = { number, given: 0, missed: 0 }
    this.#steps = [...this.#steps.filter((other) => other.number > number - BUCKETS), step]
    return step
  }
}

const bucketNumber = (at: number): number => Math.floor(at / BUCKET_MS)
