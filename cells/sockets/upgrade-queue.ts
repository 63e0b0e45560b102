import type { Clock } from '../chassis/clock.ts'
import { AdmissionPace } from './core/admission-pace.ts'

/** An upgrade, and what becomes of it: one of the two. */
export interface QueuedUpgrade {
  admit(): void
  refuse(): void
}

export interface UpgradeQueueOptions {
  /** Upgrades admitted per second at most. */
  perSecond: number
  maxWaitMs: number
  /** Signatures that wait to be checked, or are checked. */
  checksWaiting(): number
  clock: Clock
}

const STEP_MS = 5

/**
 * Admits upgrades in the order of their arrival, at the pace of `AdmissionPace`: when another server has ended, the clients that come over
 * arrive as a steady stream, and the connected ones do not notice. The queue is as long as there may be connections.
 */
export class UpgradeQueue {
  readonly #options: UpgradeQueueOptions
  readonly #pace: AdmissionPace
  /** When each of them came, in the order of arrival. */
  readonly #queue = new Map<QueuedUpgrade, number>()
  #cancelStep: (() => void) | undefined

  constructor(options: UpgradeQueueOptions) {
    this.#options = options
    this.#pace = new AdmissionPace(options.perSecond, options.clock.monotonic())
  }

  /** Upgrades in the queue. */
  get waiting(): number {
    return this.#queue.size
  }

  /**
   * Admits an upgrade at its turn, or refuses it when that takes longer than `maxWaitMs`. Returns false when its turn came at once, true when
   * it waits.
   */
  enter(upgrade: QueuedUpgrade): boolean {
    const now = this.#options.clock.monotonic()
    if (this.#queue.size === 0 && this.#pace.admits(now, this.#options.checksWaiting())) {
      this.#admit(upgrade, now)
      return false
    }
    this.#queue.set(upgrade, now)
    this.#schedule()
    return true
  }

  /** Takes an upgrade out of the queue, of which the client waits no longer. */
  leave(upgrade: QueuedUpgrade): void {
    this.#queue.delete(upgrade)
  }

  /** Refuses the upgrades in the queue. */
  close(): void {
    this.#cancelStep?.()
    for (const upgrade of this.#queue.keys()) upgrade.refuse()
    this.#queue.clear()
  }

  #admit(upgrade: QueuedUpgrade, now: number): void {
    upgrade.admit()
    const after = this.#options.clock.monotonic()
    this.#pace.took(after - now, after)
  }

  #schedule(): void {
    this.#cancelStep ??= this.#options.clock.after(STEP_MS, () => this.#step())
  }

  #step(): void {
    this.#cancelStep = undefined
    const { clock, maxWaitMs, checksWaiting } = this.#options
    for (const [upgrade, queuedAt] of this.#queue) {
      const now = clock.monotonic()
      const isTooLate = now - queuedAt >= maxWaitMs
      if (!isTooLate && !this.#pace.admits(now, checksWaiting())) break
      this.#queue.delete(upgrade)
      if (isTooLate) upgrade.refuse()
      else this.#admit(upgrade, now)
    }
    if (this.#queue.size > 0) this.#schedule()
  }
}
