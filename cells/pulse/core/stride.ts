const MAX_STRIDE = 4
/** Weight of the last tick in the average. */
const SMOOTHING = 0.1

/**
 * Every how many ticks each client is served. It grows when the ticks take more than half of the time between them, so that a relay with
 * more to do than it can sends less often instead of late, and shrinks when the ticks would take no more than a quarter with it.
 */
export class Stride {
  readonly #intervalMs: number
  #averageMs = 0
  current = 1

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  /** Takes note of how long a tick took. */
  observe(tookMs: number): void {
    this.#averageMs += (tookMs - this.#averageMs) * SMOOTHING
    const share = this.#averageMs / this.#intervalMs
    const shareWithLess = (share * this.current) / Math.max(1, this.current - 1)
    if (share > 0.5 && this.current < MAX_STRIDE) this.#become(this.current + 1)
    else if (this.current > 1 && shareWithLess < 0.25) this.#become(this.current - 1)
  }

  /** Expects the work to be spread over more or fewer ticks from now on. */
  #become(next: number): void {
    this.#averageMs *= this.current / next
    this.current = next
  }
}
