import type { Clock } from '../chassis/clock.ts'
import { TokenBucket } from '../chassis/token-bucket.ts'

interface QueuedUpgrade {
  queuedAt: number
  admit: () => void
  refuse: () => void
}

const STEP_MS = 20

/**
 * Admits so many upgrades per second in the order of their arrival, and a second's worth at once after a pause: when another
 * server has ended, the clients that come over arrive as a steady stream, and the connected ones do not notice. The queue is as
 * long as there may be connections.
 */
export class UpgradeQueue {
  readonly #maxWaitMs: number
  readonly #clock: Clock
  readonly #admissions: TokenBucket
  /** In the order of arrival. */
  readonly #queue = new Set<QueuedUpgrade>()
  #cancelStep: (() => void) | undefined

  constructor({ perSecond, maxWaitMs }: { perSecond: number; maxWaitMs: number }, clock: Clock) {
    this.#maxWaitMs = maxWaitMs
    this.#clock = clock
    this.#admissions = new TokenBucket({ perSecond, burst: perSecond }, clock.monotonic())
  }

  /** Upgrades in the queue. */
  get waiting(): number {
    return this.#queue.size
  }

  /**
   * Calls `admit` at the upgrade's turn, or `refuse` when that takes longer than `maxWaitMs`. The returned function leaves the
   * queue; undefined when the upgrade was admitted at once.
   */
  enter(admit: () => void, refuse: () => void): (() => void) | undefined {
    const now = this.#clock.monotonic()
    if (this.#queue.size === 0 && this.#admissions.take(now)) {
      admit()
      return undefined
    }
    const queued: QueuedUpgrade = { queuedAt: now, admit, refuse }
    this.#queue.add(queued)
    this.#schedule()
    return () => this.#queue.delete(queued)
  }

  /** Refuses the upgrades in the queue. */
  close(): void {
    this.#cancelStep?.()
    for (const { refuse } of this.#queue) refuse()
    this.#queue.clear()
  }

  #schedule(): void {
    this.#cancelStep ??= this.#clock.after(STEP_MS, () => this.#step())
  }

  #step(): void {
    this.#cancelStep = undefined
    const now = this.#clock.monotonic()
    for (const queued of this.#queue) {
      const isTooLate = now - queued.queuedAt >= this.#maxWaitMs
      if (!isTooLate && !this.#admissions.take(now)) break
      this.#queue.delete(queued)
      if (isTooLate) queued.refuse()
      else queued.admit()
    }
    if (this.#queue.size > 0) this.#schedule()
  }
}
