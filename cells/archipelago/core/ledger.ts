import type { PeerId } from '../../wire/peer.ts'
import type { Move, MoveCause } from './islands.ts'

/** Why somebody is told its room: it changed, or the player may not know it. */
export type TellCause = MoveCause | 'retold'

interface Told {
  room: string
  /** Whether its player's present session heard it. */
  isKnown: boolean
  /** Place in the order of all tellings. */
  number: number
}

/**
 * What each peer was last told, and who is to be told something (clustering.md §5.15, 22). A peer is due while its room differs from
 * what its player knows: moving there and back costs no message, a failed token costs one more try.
 */
export class Ledger {
  readonly #told = new Map<PeerId, Told>()
  readonly #due = new Map<PeerId, TellCause>()
  #tellings = 0

  /** Who is to be told, and why. */
  get due(): ReadonlyMap<PeerId, TellCause> {
    return this.#due
  }

  /** How many tellings there were: what was said up to now can be told from what is said later. */
  get tellings(): number {
    return this.#tellings
  }

  /** The room a player believes to be in. */
  knownTo(peer: PeerId): string | undefined {
    const told = this.#told.get(peer)
    return told?.isKnown ? told.room : undefined
  }

  /** The room a peer was last told, in whatever session: where it belongs unless geometry says otherwise. */
  homeOf(peer: PeerId): string | undefined {
    return this.#told.get(peer)?.room
  }

  /** A flush moved peers. */
  moved(changes: readonly Move[]): void {
    for (const { peer, room, cause } of changes) {
      if (this.knownTo(peer) === room) this.#due.delete(peer)
      else this.#due.set(peer, cause)
    }
  }

  /** A player does not know its room, because its session is new or it missed what it was told (§5.15). */
  retell(peer: PeerId): void {
    const told = this.#told.get(peer)
    if (told) told.isKnown = false
    if (!this.#due.has(peer)) this.#due.set(peer, 'retold')
  }

  /** A peer was told its room, by us or by the archipelago we stand in for. */
  told(peer: PeerId, room: string): void {
    this.#told.set(peer, { room, isKnown: true, number: ++this.#tellings })
    this.#due.delete(peer)
  }

  /**
   * A connector says which room a session was last told. Where that is not what it was told before telling number `before`, the player
   * missed something. Of peers we told nothing, we take the connector's word: answers whether that was so.
   */
  compare(peer: PeerId, room: string | undefined, before = Number.POSITIVE_INFINITY): 'agrees' | 'adopted' | 'missed' {
    const told = this.#told.get(peer)
    if (!told) {
      if (room === undefined) return 'agrees'
      this.told(peer, room)
      return 'adopted'
    }
    if (told.number > before) return 'agrees'
    if (told.room === room) {
      if (!told.isKnown && this.#due.get(peer) === 'retold') this.#due.delete(peer)
      told.isKnown = true
      return 'agrees'
    }
    this.retell(peer)
    return 'missed'
  }

  /** A player left: nothing is known of it any more. */
  forget(peer: PeerId): void {
    this.#told.delete(peer)
    this.#due.delete(peer)
  }
}
