/** What passes per second, and how much at once after a silence. */
export interface Rate {
  perSecond: number
  burst: number
}

/** A token bucket: how much a client may still say. Times in ms. */
export class Bucket {
  readonly #rate: Rate
  #left: number
  #at: number

  constructor(rate: Rate, now: number) {
    this.#rate = rate
    this.#left = rate.burst
    this.#at = now
  }

  /** Takes `amount` if that much is left; takes nothing otherwise. */
  take(amount: number, now: number): boolean {
    this.#left = Math.min(this.#rate.burst, this.#left + ((now - this.#at) * this.#rate.perSecond) / 1000)
    this.#at = now
    if (this.#left < amount) return false
    this.#left -= amount
    return true
  }
}
