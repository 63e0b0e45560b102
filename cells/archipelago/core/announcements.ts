import type { PeerId } from '../../wire/peer.ts'
import type { Move, MoveCause } from './islands.ts'

/** Why somebody is told its room: it changed, or the player may not know it. */
export type AnnounceCause = MoveCause | 'retold'

interface Announcement {
  room: string
  /** Whether its player's present session heard it. */
  isKnown: boolean
  /** Place in the order of all tellings. */
  sequence: number
}

/**
 * What each peer was last told, and who is to be told something (clustering.md §5.15, 22). A peer is due while its room differs from
 * what its player knows: moving there and back costs no message, a failed token costs one more try.
 */
export class Announcements {
  readonly #told = new Map<PeerId, Announcement>()
  readonly #due = new Map<PeerId, AnnounceCause>()
  #tellings = 0

  /** Who is to be told, and why. */
  get due(): ReadonlyMap<PeerId, AnnounceCause> {
    return this.#due
  }

  /** How many tellings there were: what was said up to now can be told from what is said later. */
  get lastSequence(): number {
    return this.#tellings
  }

  /** The room a player believes to be in. */
  roomKnownTo(peer: PeerId): string | undefined {
    const recordAnnounced = this.#told.get(peer)
    return recordAnnounced?.isKnown ? recordAnnounced.room : undefined
  }

  /** The room a peer was last told, in whatever session: where it belongs unless geometry says otherwise. */
  lastRoomOf(peer: PeerId): string | undefined {
    return this.#told.get(peer)?.room
  }

  /** A flush moved peers. */
  recordMoves(changes: readonly Move[]): void {
    for (const { peer, room, cause } of changes) {
      if (this.roomKnownTo(peer) === room) this.#due.delete(peer)
      else this.#due.set(peer, cause)
    }
  }

  /** A player does not know its room, because its session is new or it missed what it was told (§5.15). */
  announceAgain(peer: PeerId): void {
    const told = this.#told.get(peer)
    if (told) told.isKnown = false
    if (!this.#due.has(peer)) this.#due.set(peer, 'retold')
  }

  /** A peer was told its room, by us or by the archipelago we stand in for. */
  told(peer: PeerId, room: string): void {
    this.#told.set(peer, { room, isKnown: true, sequence: ++this.#tellings })
    this.#due.delete(peer)
  }

  /**
   * A connector says which room a session was last told. Where that is not what it was told before telling number `before`, the player
   * missed something. Of peers we told nothing, we take the connector's word: answers whether that was so.
   */
  reconcile(peer: PeerId, room: string | undefined, before = Number.POSITIVE_INFINITY): 'agrees' | 'adopted' | 'missed' {
    const told = this.#told.get(peer)
    if (!told) {
      if (room === undefined) return 'agrees'
      this.told(peer, room)
      return 'adopted'
    }
    if (told.sequence > before) return 'agrees'
    if (told.room === room) {
      if (!told.isKnown && this.#due.get(peer) === 'retold') this.#due.delete(peer)
      told.isKnown = true
      return 'agrees'
    }
    this.announceAgain(peer)
    return 'missed'
  }

  /** A player left: nothing is known of it any more. */
  forget(peer: PeerId): void {
    this.#told.delete(peer)
    this.#due.delete(peer)
  }
}
