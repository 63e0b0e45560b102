import { type Rate, TokenBucket } from '../../chassis/token-bucket.ts'
import { floodRate } from '../../sockets/core/flood-rate.ts'

export interface SenderRateLimits {
  /** Frames of any kind. */
  messages: Rate
  bytes: Rate
  /** Updates above these rates that are dropped; a client that exceeds this as well does not mean to keep to its rates. */
  droppedUpdates: Rate
}

/** Counts what one client sends. */
export class SenderRates {
  readonly #messages: TokenBucket
  readonly #bytes: TokenBucket
  readonly #floodMessages: TokenBucket
  readonly #floodBytes: TokenBucket
  readonly #dropped: TokenBucket

  constructor({ messages, bytes, droppedUpdates }: SenderRateLimits, nowMs: number) {
    this.#messages = new TokenBucket(messages, nowMs)
    this.#bytes = new TokenBucket(bytes, nowMs)
    this.#floodMessages = new TokenBucket(floodRate(messages), nowMs)
    this.#floodBytes = new TokenBucket(floodRate(bytes), nowMs)
    this.#dropped = new TokenBucket(droppedUpdates, nowMs)
  }

  /** Counts a frame. */
  count(nowMs: number, bytes: number): 'within' | 'above' | 'flood' {
    if (!this.#floodMessages.take(nowMs) || !this.#floodBytes.take(nowMs, bytes)) return 'flood'
    return this.#messages.take(nowMs) && this.#bytes.take(nowMs, bytes) ? 'within' : 'above'
  }

  /** Counts an update that is dropped because of its sender's rate; false once there were too many of them. */
  mayDrop(nowMs: number): boolean {
    return this.#dropped.take(nowMs)
  }
}
