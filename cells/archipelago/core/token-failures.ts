import { type Backoff, backoffMs } from '../../chassis/backoff.ts'
import type { PeerId } from '../../wire/peer.ts'

/** A peer whose last token could not be made. */
interface Failure {
  /** Attempts in a row, since the peer was last in an island. */
  attempts: number
  /** How often in a row the peer had to leave its island. */
  exits: number
  /** Until when it gets no island; 0 while it still has one. */
  outUntilMs: number
}

/** Flushes in which a failed token is tried again while the peer keeps its place. */
const MAX_ATTEMPTS = 5
const OUT: Backoff = { firstMs: 5_000, maxMs: 30_000 }

/**
 * Peers that cannot be told their room. One without a token is not in the room, whatever the engine says, and would be listed to
 * other peers and tried again with every flush. So a peer that the transport refuses leaves its island at once, and one whose
 * token fails does so after some attempts. It gets an island again with a heartbeat, after five seconds at first and half a minute later.
 */
export class TokenFailures {
  readonly #failures = new Map<PeerId, Failure>()

  get size(): number {
    return this.#failures.size
  }

  /** Records a failed attempt; whether the peer has to leave its island now. */
  failed(peer: PeerId, nowMs: number): boolean {
    const failure = this.#failures.get(peer) ?? { attempts: 0, exits: 0, outUntilMs: 0 }
    this.#failures.set(peer, failure)
    failure.attempts++
    if (failure.attempts < MAX_ATTEMPTS) return false
    this.#out(failure, nowMs)
    return true
  }

  /** The transport refuses the peer, which has to leave its island now. */
  refused(peer: PeerId, nowMs: number): void {
    const failure = this.#failures.get(peer) ?? { attempts: 0, exits: 0, outUntilMs: 0 }
    this.#failures.set(peer, failure)
    this.#out(failure, nowMs)
  }

  /** Whether the peer gets no island at this time. */
  isOut(peer: PeerId, nowMs: number): boolean {
    return (this.#failures.get(peer)?.outUntilMs ?? 0) > nowMs
  }

  /** The peer has its token, or has left. */
  forget(peer: PeerId): void {
    this.#failures.delete(peer)
  }

  #out(failure: Failure, nowMs: number): void {
    failure.attempts = 0
    failure.exits++
    failure.outUntilMs = nowMs + backoffMs(OUT, failure.exits)
  }
}
