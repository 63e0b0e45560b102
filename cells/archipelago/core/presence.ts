import type { FencingToken } from '../../wire/fencing-token.ts'
import type { PeerId, Position } from '../../wire/peer.ts'
import type { DisconnectReason } from '../../wire/session-messages.ts'

/** What is known of a player who is here, or is expected back; times in ms. */
export interface Presence {
  session: FencingToken | undefined
  position: Position | undefined
  /** The island it would rather be on. */
  desiredRoom: string | undefined
  lastSeenAt: number
  /** Its line broke: when its place is given up. */
  graceUntil: number | undefined
  /** The last round in which it moved, came or wished. */
  dirtyInRound: number
}

/** What was said of a player. */
export interface PresenceUpdate {
  session?: FencingToken | undefined
  position?: Position | undefined
  desiredRoom?: string | undefined
}

/** What a word was worth: of a session we know, of one that is new to us, of one that is over, or of somebody there is no room for. */
export type UpdateOutcome = 'same' | 'new' | 'stale' | 'full'

/** How long a place is kept whose player is expected back, in ms. */
export type GracePeriods = Readonly<Record<Exclude<DisconnectReason, 'left'>, number>>

/**
 * Who is here, in which session, and where (clustering.md §5.12-17). The last word counts. Sessions are fenced: a late word of an old one changes nothing. A player whose line broke keeps his place for a while.
 */
export class PresenceTable {
  readonly #maxPeers: number
  readonly #grace: GracePeriods
  /** In the order they were heard: the first is the most silent. */
  readonly #present = new Map<PeerId, Presence>()
  readonly #away = new Set<PeerId>()
  /** Rounds are from flush to flush. */
  #round = 1
  #stirredCount = 0

  constructor(maxPeers: number, grace: GracePeriods) {
    this.#maxPeers = maxPeers
    this.#grace = grace
  }

  get size(): number {
    return this.#present.size
  }

  /** Players whose place is kept. */
  get awayCount(): number {
    return this.#away.size
  }

  /** Players who moved, came or wished since the last flush. */
  get dirtyCount(): number {
    return this.#stirredCount
  }

  get(peer: PeerId): Readonly<Presence> | undefined {
    return this.#present.get(peer)
  }

  /** Whether there is somebody to be told something. */
  isConnected(peer: PeerId): boolean {
    return this.#present.has(peer) && !this.#away.has(peer)
  }

  [Symbol.iterator](): IterableIterator<[PeerId, Readonly<Presence>]> {
    return this.#present[Symbol.iterator]()
  }

  /** A player spoke: a word without a session is of a service that knows none, and always counts. */
  update(peer: PeerId, word: PresenceUpdate, now: number): UpdateOutcome {
    const known = this.#present.get(peer)
    if (!known && this.#present.size >= this.#maxPeers) return 'full'
    if (known && isOlder(word.session, known.session)) return 'stale'
    const isNew = !known || (word.session !== undefined && word.session !== known.session)
    const presence = known ?? {
      session: undefined,
      position: undefined,
      desiredRoom: undefined,
      lastSeenAt: now,
      graceUntil: undefined,
      dirtyInRound: 0,
    }
    presence.session = word.session ?? presence.session
    presence.lastSeenAt = now
    if (isNew) this.#isBack(peer, presence)
    this.#note(presence, word)
    this.#present.delete(peer)
    this.#present.set(peer, presence)
    return isNew ? 'new' : 'same'
  }

  /** A session ended. Answers whether its player is gone, is expected back, or has come back already. */
  endSession(peer: PeerId, session: FencingToken | undefined, how: DisconnectReason, now: number): 'gone' | 'away' | 'stale' {
    const known = this.#present.get(peer)
    if (known && isOlder(session, known.session)) return 'stale'
    if (!known || how === 'left') {
      this.forget(peer)
      return 'gone'
    }
    known.graceUntil = now + this.#grace[how]
    this.#away.add(peer)
    return 'away'
  }

  forget(peer: PeerId): void {
    if (this.#present.get(peer)?.dirtyInRound === this.#round) this.#stirredCount--
    this.#present.delete(peer)
    this.#away.delete(peer)
  }

  /** Who was not heard since `time`, the most silent first; looks at no others. */
  silentSince(time: number): PeerId[] {
    const silent: PeerId[] = []
    for (const [peer, { lastSeenAt }] of this.#present) {
      if (lastSeenAt >= time) break
      silent.push(peer)
    }
    return silent
  }

  /** Who did not come back in time. */
  graceExpired(now: number): PeerId[] {
    return [...this.#away].filter((peer) => (this.#present.get(peer)?.graceUntil ?? 0) <= now)
  }

  /** Begins another round, and says how many stirred in the one that ends. */
  nextRound(): number {
    const stirred = this.#stirredCount
    this.#round++
    this.#stirredCount = 0
    return stirred
  }

  #isBack(peer: PeerId, presence: Presence): void {
    presence.graceUntil = undefined
    this.#away.delete(peer)
  }

  #note(presence: Presence, { position, desiredRoom }: PresenceUpdate): void {
    const hasWish = desiredRoom !== undefined && desiredRoom !== '' && desiredRoom !== presence.desiredRoom
    const hasMoved = position !== undefined && !isSamePlace(position, presence.position)
    if (hasWish) presence.desiredRoom = desiredRoom
    if (hasMoved) presence.position = position
    if (!presence.position || !(hasMoved || hasWish) || presence.dirtyInRound === this.#round) return
    presence.dirtyInRound = this.#round
    this.#stirredCount++
  }
}

const isOlder = (session: FencingToken | undefined, known: FencingToken | undefined): boolean =>
  session !== undefined && known !== undefined && session < known

const isSamePlace = (a: Position, b: Position | undefined): boolean =>
  b !== undefined && a.x === b.x && a.z === b.z && a.y === b.y
