import type { Clock } from '../chassis/clock.ts'
import { TokenBucket } from '../chassis/token-bucket.ts'

/** Somebody in the queue. */
interface QueuedUpgrade {
  since: number
  go: () => void
  refuse: () => void
}

const STEP_MS = 20

/**
 * Lets so many pass per second, in the order they came, and a second's worth at once after a pause: when another connector has ended, the
 * crowd that comes over meets a stream and not a wall, and nobody who is in notices. The queue is as long as there may be connections.
 */
export class UpgradeQueue {
  readonly #maxWaitMs: number
  readonly #clock: Clock
  readonly #admissions: TokenBucket
  /** In the order they came. */
  readonly #queue = new Set<QueuedUpgrade>()
  #cancelStep: (() => void) | undefined

  constructor({ perSecond, maxWaitMs }: { perSecond: number; maxWaitMs: number }, clock: Clock) {
    this.#maxWaitMs = maxWaitMs
    this.#clock = clock
    this.#admissions = new TokenBucket({ perSecond, burst: perSecond }, clock.now())
  }

  get waiting(): number {
    return this.#queue.size
  }

  /** Calls `go` when it is somebody's turn, or `refuse` when that took too long; leaves the queue by the returned function, if it has to wait. */
  enter(go: () => void, refuse: () => void): (() => void) | undefined {
    const now = this.#clock.now()
    if (this.#queue.size === 0 && this.#admissions.take(now)) {
      go()
      return undefined
    }
    const waiting: QueuedUpgrade = { since: now, go, refuse }
    this.#queue.add(waiting)
    this.#schedule()
    return () => this.#queue.delete(waiting)
  }

  /** Refuses whoever still waits. */
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
    const now = this.#clock.now()
    for (const waiting of this.#queue) {
      const isTooLate = now - waiting.since >= this.#maxWaitMs
      if (!isTooLate && !this.#admissions.take(now)) break
      this.#queue.delete(waiting)
      if (isTooLate) waiting.refuse()
      else waiting.go()
    }
    if (this.#queue.size > 0) this.#schedule()
  }
}
