import type { Clock } from '../chassis/clock.ts'

/** Calls back once when `reset` was not called for so long. Resetting only notes the time, as events come by the thousand. */
export class SilenceTimer {
  /** Whether the callback was called. */
  hasPassed = false
  readonly #clock: Clock
  readonly #silenceMs: number
  readonly #onSilence: () => void
  #resetAt: number
  #cancel: () => void

  constructor(clock: Clock, silenceMs: number, onSilence: () => void) {
    this.#clock = clock
    this.#silenceMs = silenceMs
    this.#onSilence = onSilence
    this.#resetAt = clock.monotonic()
    this.#cancel = clock.after(silenceMs, this.#check)
  }

  reset(): void {
    this.#resetAt = this.#clock.monotonic()
  }

  cancel(): void {
    this.#cancel()
  }

  #check = (): void => {
    const leftMs = this.#resetAt + this.#silenceMs - this.#clock.monotonic()
    if (leftMs > 0) {
      this.#cancel = this.#clock.after(leftMs, this.#check)
      return
    }
    this.hasPassed = true
    this.#onSilence()
  }
}
