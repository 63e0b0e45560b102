import { type Rate, TokenBucket } from '../../chassis/token-bucket.ts'

/** Two messages over the rate that are farther apart than this are two excesses. */
const PAUSE_MS = 2_000
/** An excess that lasts so long is no burst of a slow network. */
const ABUSE_MS = 10_000

/**
 * The rate of one kind of message of one client. Messages over the rate are dropped; only a client that exceeds it for ten seconds
 * without a pause is to be disconnected, because explorers do not come back from that.
 */
export class RateWithGrace {
  readonly #bucket: TokenBucket
  #excessSince = 0
  #lastExcess = Number.NEGATIVE_INFINITY

  constructor(rate: Rate, nowMs: number) {
    this.#bucket = new TokenBucket(rate, nowMs)
  }

  take(nowMs: number): 'allowed' | 'dropped' | 'abuse' {
    if (this.#bucket.take(nowMs)) return 'allowed'
    if (nowMs - this.#lastExcess > PAUSE_MS) this.#excessSince = nowMs
    this.#lastExcess = nowMs
    return nowMs - this.#excessSince >= ABUSE_MS ? 'abuse' : 'dropped'
  }
}
