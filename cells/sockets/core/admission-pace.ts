import { TokenBucket } from '../../chassis/token-bucket.ts'

/** Share of the time of the event loop in which upgrades are admitted: what follows each of them takes about twice as long again. */
const SHARE = 1 / 4
/** Milliseconds of the share that may be used at once after a pause: the connected players wait no longer than this. */
const BURST_MS = 2
/** Signatures that may wait to be checked while upgrades are admitted as fast as there is time for. */
const MAX_CHECKS_WAITING = 200
/** Upgrades per second while more of them wait: strangers who have signatures checked must not keep others out. */
const PER_SECOND_BEHIND = 500
const BURST_BEHIND = 10

/**
 * How fast upgrades are admitted: as fast as they leave most of the time to the connected players, and signatures can be checked. Both are
 * measured, so that a fast machine welcomes a storm of reconnecting players sooner than a slow one.
 */
export class AdmissionPace {
  readonly #atMost: TokenBucket
  readonly #behind: TokenBucket
  /** When the share of the time is used no more. */
  #usedUntil = Number.NEGATIVE_INFINITY

  /** @param perSecond upgrades at most, however much time there is */
  constructor(perSecond: number, nowMs: number) {
    this.#atMost = new TokenBucket({ perSecond, burst: perSecond }, nowMs)
    const behind = Math.min(perSecond, PER_SECOND_BEHIND)
    this.#behind = new TokenBucket({ perSecond: behind, burst: BURST_BEHIND }, nowMs)
  }

  /** Whether an upgrade may be admitted now; it then counts. @param checksWaiting signatures that wait to be checked, or are checked */
  admits(nowMs: number, checksWaiting: number): boolean {
    if (this.#usedUntil > nowMs + BURST_MS / SHARE) return false
    if (checksWaiting > MAX_CHECKS_WAITING && !this.#behind.take(nowMs)) return false
    return this.#atMost.take(nowMs)
  }

  /** An upgrade was admitted, which took so long. */
  took(ms: number, nowMs: number): void {
    this.#usedUntil = Math.max(this.#usedUntil, nowMs) + ms / SHARE
  }
}
