import type { PeerId } from '../../wire/peer.ts'

/** How often one wallet may ask, and how many wallets are remembered. */
export interface WalletLimitOptions {
  /** Requests that may come at once. */
  burst: number
  /** Requests regained per second. */
  perSecond: number
  /** Wallets remembered at a time; the one unseen for longest is forgotten first. */
  maxWallets: number
}

/**
 * Limits what one wallet asks for: a leaky bucket each. Only proven requests are counted, so that nobody can use up somebody
 * else's share by naming them; asking whether the share is used up comes first and is free.
 */
export class WalletLimit {
  readonly #options: WalletLimitOptions
  // Oldest first: a Map keeps the order of insertion, and every request inserts anew.
  readonly #buckets = new Map<PeerId, { level: number; atMs: number }>()

  constructor(options: WalletLimitOptions) {
    this.#options = options
  }

  /** Wallets remembered now. */
  get size(): number {
    return this.#buckets.size
  }

  /** Milliseconds until the wallet may ask again; 0 = now. */
  waitMs(wallet: PeerId, nowMs: number): number {
    const excess = this.#level(wallet, nowMs) + 1 - this.#options.burst
    return Math.max(0, Math.ceil((excess / this.#options.perSecond) * 1000))
  }

  /** Counts one proven request. */
  count(wallet: PeerId, nowMs: number): void {
    const level = this.#level(wallet, nowMs) + 1
    this.#buckets.delete(wallet)
    this.#buckets.set(wallet, { level, atMs: nowMs })
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= this.#options.maxWallets) break
      this.#buckets.delete(oldest)
    }
  }

  #level(wallet: PeerId, nowMs: number): number {
    const bucket = this.#buckets.get(wallet)
    if (!bucket) return 0
    return Math.max(0, bucket.level - (Math.max(0, nowMs - bucket.atMs) / 1000) * this.#options.perSecond)
  }
}
