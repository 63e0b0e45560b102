import type { SpanClock } from '../../cells/chassis/clock.ts'
import { type Rate, TokenBucket } from '../../cells/chassis/token-bucket.ts'

/** Events about one object: so many at once, then one more each minute. */
const OBJECT_RATE: Rate = { burst: 25, perSecond: 1 / 60 }
/** Events about all objects together. */
const TOTAL_RATE: Rate = { burst: 500, perSecond: 10 }

/** Limits the Events about one object and about all objects; an object is forgotten once its bucket is full again. */
export class EventRateLimit {
  readonly #clock: SpanClock
  /** The object that was asked for last comes last. */
  readonly #byObject = new Map<string, TokenBucket>()
  readonly #all: TokenBucket

  constructor(clock: SpanClock) {
    this.#clock = clock
    this.#all = new TokenBucket(TOTAL_RATE, clock.monotonic())
  }

  /** Whether one more Event about the object with this uid may be created; if so, it counts. */
  take(uid: string): boolean {
    const now = this.#clock.monotonic()
    for (const [other, bucket] of this.#byObject) {
      if (!bucket.isFull(now)) break
      this.#byObject.delete(other)
    }
    const bucket = this.#byObject.get(uid) ?? new TokenBucket(OBJECT_RATE, now)
    this.#byObject.delete(uid)
    this.#byObject.set(uid, bucket)
    return bucket.waitMs(now) === 0 && this.#all.take(now) && bucket.take(now)
  }

  /** Objects that had Events lately. */
  get size(): number {
    return this.#byObject.size
  }
}
