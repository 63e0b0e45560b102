import type { PeerId } from '../../wire/peer.ts'
import { MOVE_CAUSES, type Move } from './islands.ts'

/** Why a room is announced to a peer: it changed, or the peer's session may not know it. */
export type AnnounceCause = (typeof ANNOUNCE_CAUSES)[number]

export const ANNOUNCE_CAUSES = [...MOVE_CAUSES, 'repeated'] as const

/** What a peer was told of its room, and whether it is due to be told again. Only `Announcements` changes it. */
export interface Announcement {
  readonly peer: PeerId
  /** The room last announced to it, in any session; undefined before the first one. */
  readonly room: string | undefined
  /** Whether the peer's present session received that announcement. */
  readonly isKnown: boolean
  /** The number of that announcement in the order of all. */
  readonly sequence: number
  /** Why it is due an announcement, if it is. */
  readonly due: AnnounceCause | undefined
  /** Whether it is in the list of those that became due. */
  readonly isListed: boolean
}

type OwnAnnouncement = { -readonly [Key in keyof Announcement]: Announcement[Key] }

/** Peers in the list of those that are due, without being so, for which it is not made anew. */
const MIN_UNLISTED = 1_000

/** Of a peer that was told nothing yet. */
export const noAnnouncement = (peer: PeerId): Announcement => ({
  peer,
  room: undefined,
  isKnown: false,
  sequence: 0,
  due: undefined,
  isListed: false,
})

/** The room that the peer's present session knows. */
export const roomKnown = ({ room, isKnown }: Announcement): string | undefined => (isKnown ? room : undefined)

/** The peers of the cell, each with its announcement: the `PresenceTable`. */
interface AnnouncedPeers extends Iterable<readonly [PeerId, { readonly announcement: Announcement }]> {
  get(peer: PeerId): { readonly announcement: Announcement } | undefined
}

/**
 * Which room each peer knows, and which peers are due an announcement (clustering.md §5.15, 22). A peer is due while its room
 * differs from the one it knows: moving away and back costs no message, a failed token costs one more attempt. Three parts write
 * here: the `PresenceTracker` what connectors and another leader report, the `LeadershipTerm` what a flush moved, the `Announcer`
 * what it published. Nothing is recorded of peers that are not present.
 */
export class Announcements {
  readonly #peers: AnnouncedPeers
  /** The peers that became due, in that order; some of them are due no longer. */
  #listed: OwnAnnouncement[] = []
  #dueCount = 0
  #lastSequence = 0

  constructor(peers: AnnouncedPeers) {
    this.#peers = peers
  }

  /** Peers that are due an announcement. */
  get dueCount(): number {
    return this.#dueCount
  }

  /** Of the peers that are due one, in the order in which they became so. */
  due(): readonly Announcement[] {
    this.#unlist()
    return this.#listed
  }

  /** The number of the last announcement: later ones have higher numbers. */
  get lastSequence(): number {
    return this.#lastSequence
  }

  /** The room last announced to a peer, in any session: it stays there unless geometry says otherwise. */
  lastRoomOf(peer: PeerId): string | undefined {
    return this.#of(peer)?.room
  }

  /** A flush moved peers. */
  recordMoves(changes: readonly Move[]): void {
    for (const { peer, room, cause } of changes) {
      const own = this.#of(peer)
      if (own) this.#setDue(own, roomKnown(own) === room ? undefined : cause)
    }
  }

  /** A peer does not know its room, because its session is new or missed the announcement (§5.15). */
  announceAgain(peer: PeerId): void {
    const own = this.#of(peer)
    if (own) this.#announceAgain(own)
  }

  /** No peer knows its room any more, because the rooms are new: announces to each the one it had. */
  announceAllAgain(): void {
    for (const [, { announcement }] of this.#peers) if (announcement.room !== undefined) this.#announceAgain(announcement)
  }

  /** A room was announced to a peer by the leader that this archipelago follows. */
  recordAnnounced(peer: PeerId, room: string): void {
    const own = this.#of(peer)
    if (own) this.recordPublished(own, room)
  }

  /** The same by this archipelago, which has found the peer already: a look-up for each of a hundred thousand peers takes its time. */
  recordPublished(announcement: Announcement, room: string): void {
    const own: OwnAnnouncement = announcement
    own.room = room
    own.isKnown = true
    own.sequence = ++this.#lastSequence
    this.#setDue(own, undefined)
  }

  /**
   * A connector reports the room a session knows. `missed`: it differs from the last announcement up to number `sequence`, so the
   * peer did not receive that one. `learned`: nothing was announced to this peer here, and the room of the report is now its last
   * one.
   */
  reconcile(peer: PeerId, room: string | undefined, sequence = Number.POSITIVE_INFINITY): 'agrees' | 'learned' | 'missed' {
    const own = this.#of(peer)
    if (own?.room === undefined) {
      if (!own || room === undefined) return 'agrees'
      this.recordPublished(own, room)
      return 'learned'
    }
    if (own.sequence > sequence) return 'agrees'
    if (own.room === room) {
      if (!own.isKnown && own.due === 'repeated') this.#setDue(own, undefined)
      own.isKnown = true
      return 'agrees'
    }
    this.#announceAgain(own)
    return 'missed'
  }

  /** The peer leaves, or is taken out of its island. */
  forget(peer: PeerId): void {
    const own = this.#of(peer)
    if (!own) return
    this.#setDue(own, undefined)
    own.room = undefined
    own.isKnown = false
    own.sequence = 0
  }

  #of(peer: PeerId): OwnAnnouncement | undefined {
    return this.#peers.get(peer)?.announcement
  }

  #announceAgain(own: OwnAnnouncement): void {
    own.isKnown = false
    if (own.due === undefined) this.#setDue(own, 'repeated')
  }

  #setDue(own: OwnAnnouncement, cause: AnnounceCause | undefined): void {
    if (own.due === undefined && cause !== undefined) {
      this.#dueCount++
      this.#list(own)
    } else if (own.due !== undefined && cause === undefined) this.#dueCount--
    own.due = cause
  }

  #list(own: OwnAnnouncement): void {
    if (own.isListed) return
    if (this.#listed.length > MIN_UNLISTED + 2 * this.#dueCount) this.#unlist()
    own.isListed = true
    this.#listed.push(own)
  }

  /** Takes those that are due no longer out of the list: all at once, as to find each in a set of a hundred thousand takes its time. */
  #unlist(): void {
    this.#listed = this.#listed.filter((own) => {
      own.isListed = own.due !== undefined
      return own.isListed
    })
  }
}
