import type { Clock } from '../chassis/clock.ts'

/** Milliseconds of a turn of the event loop for the work: what else happens in it should not wait for longer. */
const TURN_MS = 4

/**
 * Work that comes in bursts: when another server or a proxy has ended, Node hands over the requests, or the ends, of hundreds of connections in
 * one turn of the event loop, without a pause. Each turn does as much of it as takes four milliseconds, and the next ones the rest, in the order
 * of arrival: the connected players would notice if it was all done at once.
 */
export class SlicedWork {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #maxWaiting: number
  readonly #waiting = new Set<() => void>()
  /** Until when this turn does some of it; undefined in a turn without any. */
  #turnEndsAt: number | undefined

  /** @param maxWaiting further work is done at once: where strangers cause it, it must not fill the memory */
  constructor(clock: Pick<Clock, 'monotonic'>, maxWaiting = Number.POSITIVE_INFINITY) {
    this.#clock = clock
    this.#maxWaiting = maxWaiting
  }

  /** What was left for the next turns. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Does something in this turn, or in one of the next ones. It must not throw. */
  do(task: () => void): void {
    if ((this.#waiting.size === 0 && this.#hasTime()) || this.#waiting.size >= this.#maxWaiting) task()
    else this.#waiting.add(task)
  }

  #hasTime(): boolean {
    const now = this.#clock.monotonic()
    if (this.#turnEndsAt === undefined) {
      this.#turnEndsAt = now + TURN_MS
      setImmediate(() => this.#nextTurn())
    }
    return now < this.#turnEndsAt
  }

  #nextTurn(): void {
    this.#turnEndsAt = undefined
    for (const task of this.#waiting) {
      if (!this.#hasTime()) return
      this.#waiting.delete(task)
      task()
    }
  }
}
