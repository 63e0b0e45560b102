import type { PeerId } from '../../wire/peer.ts'
import type { Move, MoveCause } from './islands.ts'

/** Why somebody is told its room: it changed, or the player may not know it. */
export type TellCause = MoveCause | 'retold'

interface Told {
  room: string
  at: number
}

/**
 * What each peer was last told, and who is to be told something (clustering.md §5.15, 22). A peer is due while its room differs from
 * what it was last told: moving there and back costs no message, a failed token costs one more try. Times in ms.
 */
export class Ledger {
  readonly #told = new Map<PeerId, Told>()
  readonly #due = new Map<PeerId, TellCause>()
  readonly #sessions = new Map<PeerId, string>()

  /** Who is to be told, and why. */
  get due(): ReadonlyMap<PeerId, TellCause> {
    return this.#due
  }

  /** The room a peer believes to be in. */
  lastTold(peer: PeerId): string | undefined {
    return this.#told.get(peer)?.room
  }

  /** A flush moved peers. */
  moved(changes: readonly Move[]): void {
    for (const { peer, room, cause } of changes) {
      if (this.#told.get(peer)?.room === room) this.#due.delete(peer)
      else this.#due.set(peer, cause)
    }
  }

  /**
   * A player says it is here. A new session knows nothing (§5.15). One that says so again was cut off for a while, yet not for longer than
   * silence is tolerated, or it would have been forgotten: it may have missed what it was told since `tolerated`.
   */
  connected(peer: PeerId, session: string, tolerated: number): void {
    const isSame = session !== '' && this.#sessions.get(peer) === session
    this.#sessions.set(peer, session)
    const told = this.#told.get(peer)
    if (told && (!isSame || told.at >= tolerated)) this.#retell(peer)
  }

  /** A player left: nothing is known of it any more. */
  forget(peer: PeerId): void {
    this.#told.delete(peer)
    this.#due.delete(peer)
    this.#sessions.delete(peer)
  }

  /** A peer was told its room. */
  told(peer: PeerId, room: string, now: number): void {
    this.#told.set(peer, { room, at: now })
    this.#due.delete(peer)
  }

  /** Whoever was told its room at `time` or later may not have heard it: makes them due again, answers how many. */
  retellSince(time: number): number {
    let count = 0
    for (const [peer, { at }] of this.#told) {
      if (at < time) continue
      this.#retell(peer)
      count++
    }
    return count
  }

  #retell(peer: PeerId): void {
    this.#told.delete(peer)
    this.#due.set(peer, 'retold')
  }
}
