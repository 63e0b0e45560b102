import type { LRUCache } from 'lru-cache'
import { growingCache } from '../../chassis/growing-cache.ts'
import { type Rate, TokenBucket } from '../../chassis/token-bucket.ts'
import type { PeerId } from '../../wire/peer.ts'

/** Requests a wallet may make, and how many wallets are remembered. */
export interface WalletLimitOptions extends Rate {
  /** Wallets remembered at a time; the one without a request for longest is forgotten first. */
  maxWallets: number
}

/**
 * Limits the requests of each wallet. Only a request with a valid signature is counted, so that a client cannot use up the share
 * of another wallet by naming it; `waitMs` comes first and counts nothing.
 */
export class WalletLimit {
  readonly #rate: Rate
  readonly #buckets: LRUCache<PeerId, TokenBucket>

  constructor({ maxWallets, ...rate }: WalletLimitOptions) {
    this.#rate = rate
    this.#buckets = growingCache(maxWallets)
  }

  /** Wallets remembered now. */
  get size(): number {
    return this.#buckets.size
  }

  /** Milliseconds until the wallet may send the next request; 0 = now. */
  waitMs(wallet: PeerId, nowMs: number): number {
    return Math.ceil(this.#buckets.peek(wallet)?.waitMs(nowMs) ?? 0)
  }

  /** Counts one request with a valid signature; those that were verified at the same time may go beyond the burst. */
  count(wallet: PeerId, nowMs: number): void {
    const bucket = this.#buckets.get(wallet) ?? new TokenBucket(this.#rate, nowMs)
    bucket.reserve(nowMs)
    this.#buckets.set(wallet, bucket)
  }
}
