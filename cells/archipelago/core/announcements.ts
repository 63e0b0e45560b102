import type { PeerId } from '../../wire/peer.ts'
import type { Move, MoveCause } from './islands.ts'

/** Why a room is announced to a peer: it changed, or the peer's session may not know it. */
export type AnnounceCause = MoveCause | 'repeated'

interface Announcement {
  room: string
  /** Whether the peer's present session received it. */
  isKnown: boolean
  /** Its number in the order of all announcements. */
  sequence: number
}

/**
 * Which room each peer knows, and which peers are due an announcement (clustering.md §5.15, 22). A peer is due while its room
 * differs from the one it knows: moving away and back costs no message, a failed token costs one more attempt. Three parts write
 * here: the `PresenceTracker` what connectors and another leader report, the `LeadershipTerm` what a flush moved, the `Announcer`
 * what it published.
 */
export class Announcements {
  readonly #last = new Map<PeerId, Announcement>()
  readonly #due = new Map<PeerId, AnnounceCause>()
  #lastSequence = 0

  /** The peers that are due an announcement, and why. */
  get due(): ReadonlyMap<PeerId, AnnounceCause> {
    return this.#due
  }

  /** The number of the last announcement: later ones have higher numbers. */
  get lastSequence(): number {
    return this.#lastSequence
  }

  /** The room that the peer's present session knows. */
  roomKnownTo(peer: PeerId): string | undefined {
    const last = this.#last.get(peer)
    return last?.isKnown ? last.room : undefined
  }

  /** The room last announced to a peer, in any session: it stays there unless geometry says otherwise. */
  lastRoomOf(peer: PeerId): string | undefined {
    return this.#last.get(peer)?.room
  }

  /** A flush moved peers. */
  recordMoves(changes: readonly Move[]): void {
    for (const { peer, room, cause } of changes) {
      if (this.roomKnownTo(peer) === room) this.#due.delete(peer)
      else this.#due.set(peer, cause)
    }
  }

  /** A peer does not know its room, because its session is new or missed the announcement (§5.15). */
  announceAgain(peer: PeerId): void {
    const last = this.#last.get(peer)
    if (last) last.isKnown = false
    if (!this.#due.has(peer)) this.#due.set(peer, 'repeated')
  }

  /** No peer knows its room any more, because the rooms are new: announces to each the one it had. */
  announceAllAgain(): void {
    for (const peer of this.#last.keys()) this.announceAgain(peer)
  }

  /** A room was announced to a peer, by this archipelago or by the leader it follows. */
  recordAnnounced(peer: PeerId, room: string): void {
    this.#last.set(peer, { room, isKnown: true, sequence: ++this.#lastSequence })
    this.#due.delete(peer)
  }

  /**
   * A connector reports the room a session knows. `missed`: it differs from the last announcement up to number `sequence`, so the
   * peer did not receive that one. `learned`: nothing was announced to this peer here, and the room of the report is now its last
   * one.
   */
  reconcile(peer: PeerId, room: string | undefined, sequence = Number.POSITIVE_INFINITY): 'agrees' | 'learned' | 'missed' {
    const last = this.#last.get(peer)
    if (!last) {
      if (room === undefined) return 'agrees'
      this.recordAnnounced(peer, room)
      return 'learned'
    }
    if (last.sequence > sequence) return 'agrees'
    if (last.room === room) {
      if (!last.isKnown && this.#due.get(peer) === 'repeated') this.#due.delete(peer)
      last.isKnown = true
      return 'agrees'
    }
    this.announceAgain(peer)
    return 'missed'
  }

  /** The peer left. */
  forget(peer: PeerId): void {
    this.#last.delete(peer)
    this.#due.delete(peer)
  }
}
