import type { Clock } from '../../cells/chassis/clock.ts'

/** Events about one object: this many at once, then one more each minute. */
const BURST = 25
const REFILL_MS = 60_000
/** Events about everything together. */
const TOTAL_BURST = 500
const TOTAL_REFILL_MS = 100

/** How many Events may be made: nobody reads the hundredth. */
export interface EventRateLimit {
  /** Whether one more may be made about this object; if so, it counts. */
  take(uid: string): boolean
  /** Objects Events were made about lately. */
  readonly size: number
}

interface Bucket {
  /** What may still be taken, as of `at`. */
  level: number
  at: number
}

/** An allowance per object and one for all; who takes nothing is forgotten once its bucket is full again. */
export function createEventRateLimit(clock: Clock): EventRateLimit {
  const byObject = new Map<string, Bucket>()
  const all: Bucket = { level: TOTAL_BURST, at: clock.now() }

  function fill(bucket: Bucket, burst: number, refillMs: number, now: number): Bucket {
    bucket.level = Math.min(burst, bucket.level + (now - bucket.at) / refillMs)
    bucket.at = now
    return bucket
  }

  return {
    take(uid) {
      const now = clock.now()
      for (const [other, { at }] of byObject) {
        if (now - at < BURST * REFILL_MS) break
        byObject.delete(other)
      }
      const bucket = fill(byObject.get(uid) ?? { level: BURST, at: now }, BURST, REFILL_MS, now)
      byObject.delete(uid)
      byObject.set(uid, bucket)
      fill(all, TOTAL_BURST, TOTAL_REFILL_MS, now)
      if (bucket.level < 1 || all.level < 1) return false
      bucket.level--
      all.level--
      return true
    },
    get size() {
      return byObject.size
    },
  }
}
