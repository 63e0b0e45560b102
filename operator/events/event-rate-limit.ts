import type { Clock } from '../../cells/chassis/clock.ts'
import { type Rate, TokenBucket } from '../../cells/chassis/token-bucket.ts'

/** Events about one object: this many at once, then one more each minute. */
const OBJECT_RATE: Rate = { burst: 25, perSecond: 1 / 60 }
/** Events about everything together. */
const TOTAL_RATE: Rate = { burst: 500, perSecond: 10 }

/** How many Events may be made: nobody reads the hundredth. */
export interface EventRateLimit {
  /** Whether one more may be made about this object; if so, it counts. */
  take(uid: string): boolean
  /** Objects Events were made about lately. */
  readonly size: number
}

/** An allowance per object and one for all; who takes nothing is forgotten once its bucket is full again. */
export function createEventRateLimit(clock: Clock): EventRateLimit {
  /** The object an Event was asked for last comes last. */
  const byObject = new Map<string, TokenBucket>()
  const all = new TokenBucket(TOTAL_RATE, clock.now())

  return {
    take(uid) {
      const now = clock.now()
      for (const [other, bucket] of byObject) {
        if (!bucket.isFull(now)) break
        byObject.delete(other)
      }
      const bucket = byObject.get(uid) ?? new TokenBucket(OBJECT_RATE, now)
      byObject.delete(uid)
      byObject.set(uid, bucket)
      return bucket.waitMs(now) === 0 && all.take(now) && bucket.take(now)
    },
    get size() {
      return byObject.size
    },
  }
}
