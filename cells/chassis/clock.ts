/** The current time and timers; passed in, so that tests control both. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds since an arbitrary start. Unlike `now` it never jumps when the time of the machine is set: for measuring spans. */
  monotonic(): number
  /** Calls `callback` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, callback: () => void): () => void
}

/** For what measures spans and sets timers, and has no use for the time of day. */
export type SpanClock = Omit<Clock, 'now'>

/** One moment by both clocks: the time of day for what is shown or compared with other machines, the other one for spans. */
export interface Moment {
  readonly epochMs: number
  readonly monotonicMs: number
}

export const momentOf = (clock: Pick<Clock, 'now' | 'monotonic'>): Moment => ({
  epochMs: clock.now(),
  monotonicMs: clock.monotonic(),
})

/** The clock and the timers of the process. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}

/** A clock for tests that only `advance` moves. */
export class ManualClock implements Clock {
  #elapsed = 0
  #startedAt: number
  #timers: { at: number; callback: () => void }[] = []

  constructor(now = 1_760_000_000_000) {
    this.#startedAt = now
  }

  now = () => this.#startedAt + this.#elapsed

  monotonic = () => this.#elapsed

  after = (delayMs: number, callback: () => void): (() => void) => {
    const timer = { at: this.#elapsed + delayMs, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Moves the time forward and runs, in order, the callbacks that become due. */
  advance(byMs: number): void {
    const end = this.#elapsed + byMs
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (!next) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.#elapsed = Math.max(this.#elapsed, next.at)
      next.callback()
    }
    this.#elapsed = end
  }

  /** Sets the time of day, forward or (negative) back, as an administrator or NTP does; timers and spans are not affected. */
  jump(byMs: number): void {
    this.#startedAt += byMs
  }
}
