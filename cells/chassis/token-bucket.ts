/** How much is allowed per second in the long run, and at once after a pause. */
export interface Rate {
  perSecond: number
  burst: number
}

/**
 * A token bucket that starts full. The time is passed in, in milliseconds; a clock that was set back adds no tokens and loses
 * none, one that was set forward adds at most a full bucket.
 */
export class TokenBucket {
  readonly #rate: Rate
  #tokens: number
  #filledAtMs: number

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate
    this.#tokens = rate.burst
    this.#filledAtMs = nowMs
  }

  /** Takes `amount` tokens if there are that many; takes none otherwise. */
  take(nowMs: number, amount = 1): boolean {
    this.#refill(nowMs)
    if (this.#tokens < amount) return false
    this.#tokens -= amount
    return true
  }

  /** Takes one token, also in advance; returns in how many milliseconds it is due. */
  reserve(nowMs: number): number {
    this.#refill(nowMs)
    this.#tokens -= 1
    return this.#msUntil(0)
  }

  /** Milliseconds until `amount` tokens can be taken; takes none. */
  waitMs(nowMs: number, amount = 1): number {
    this.#refill(nowMs)
    return this.#msUntil(amount)
  }

  /** A full bucket allows as much as a new one: it need not be kept. */
  isFull(nowMs: number): boolean {
    this.#refill(nowMs)
    return this.#tokens >= this.#rate.burst
  }

  #msUntil(tokens: number): number {
    return Math.max(0, ((tokens - this.#tokens) * 1_000) / this.#rate.perSecond)
  }

  #refill(nowMs: number): void {
    const gained = (Math.max(0, nowMs - this.#filledAtMs) * this.#rate.perSecond) / 1_000
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + gained)
    this.#filledAtMs = nowMs
  }
}
