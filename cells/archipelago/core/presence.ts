import { type ConnectorId, connectorOf } from '../../wire/connector-id.ts'
import { type FencingToken, isEarlier } from '../../wire/fencing-token.ts'
import type { PeerId, Position } from '../../wire/peer.ts'
import type { DisconnectReason } from '../../wire/session-messages.ts'
import { type Announcement, noAnnouncement } from './announcements.ts'

/** What is known of a peer that is connected, or is expected to reconnect; times in ms by the monotonic clock. */
export interface Presence {
  /** Which room it knows: kept here so that one look-up finds all that is known of a peer. */
  readonly announcement: Announcement
  session: FencingToken | undefined
  /** Where the session takes island groups, if it is known to. */
  connector: ConnectorId | undefined
  position: Position | undefined
  /** The preferred island. */
  desiredRoom: string | undefined
  lastSeenAt: number
  /** Set while the peer is disconnected: when its place is given up. */
  graceUntil: number | undefined
  /** The last round in which it arrived, moved or changed its preferred island. */
  dirtyInRound: number
  /** When it did so first in that round. */
  dirtySince: number
}

/** Whether a peer has a session that can receive an announcement. */
export const isConnected = ({ graceUntil }: Readonly<Presence>): boolean => graceUntil === undefined

/** The content of one message about a peer. */
export interface PresenceUpdate {
  session?: FencingToken | undefined
  position?: Position | undefined
  desiredRoom?: string | undefined
}

/** Of a known session, of a new one, of one that is over, or of a new peer beyond the limit; the last two change nothing. */
export type UpdateOutcome = 'same' | 'new' | 'stale' | 'full'

/** Connectors that are remembered: those of many restarts. */
const MAX_CONNECTORS = 1_000

/** How long the place of a disconnected peer is kept, in ms, by the reason of its disconnect. */
export type GracePeriods = Readonly<Record<Exclude<DisconnectReason, 'left'>, number>>

/**
 * The peers of a cell with their sessions and positions (clustering.md §5.12-17). The last message counts. Sessions are fenced: a
 * late message of an older session changes nothing. A peer whose connection broke keeps its place for a grace period.
 */
export class PresenceTable {
  readonly #maxPeers: number
  readonly #grace: GracePeriods
  readonly #timeOfDay: () => number
  /** In the order of their last messages: the first has been silent the longest. */
  readonly #present = new Map<PeerId, Presence>()
  /** With the time of their disconnect. */
  readonly #away = new Map<PeerId, number>()
  readonly #connectors = new Map<ConnectorId, ConnectorId>()
  /** A round lasts from one flush to the next. */
  #round = 1
  #dirtyCount = 0

  /** @param timeOfDay in ms since the epoch, by which sessions are judged; all other times are of the monotonic clock */
  constructor(maxPeers: number, grace: GracePeriods, timeOfDay: () => number) {
    this.#timeOfDay = timeOfDay
    this.#maxPeers = maxPeers
    this.#grace = grace
  }

  get size(): number {
    return this.#present.size
  }

  /** Disconnected peers whose place is kept. */
  get awayCount(): number {
    return this.#away.size
  }

  /** Peers that arrived, moved or changed their preferred island since the last flush. */
  get dirtyCount(): number {
    return this.#dirtyCount
  }

  get(peer: PeerId): Readonly<Presence> | undefined {
    return this.#present.get(peer)
  }

  [Symbol.iterator](): IterableIterator<[PeerId, Readonly<Presence>]> {
    return this.#present[Symbol.iterator]()
  }

  /** A message about a peer; without a session it comes from a service without sessions, and is always accepted. */
  update(peer: PeerId, update: PresenceUpdate, now: number): UpdateOutcome {
    const known = this.#present.get(peer)
    if (!known && this.#present.size >= this.#maxPeers) return 'full'
    if (known && this.#isOlder(update.session, known.session)) return 'stale'
    const isNew = !known || (update.session !== undefined && update.session !== known.session)
    const presence = known ?? {
      announcement: noAnnouncement(peer),
      session: undefined,
      connector: undefined,
      position: undefined,
      desiredRoom: undefined,
      lastSeenAt: now,
      graceUntil: undefined,
      dirtyInRound: 0,
      dirtySince: now,
    }
    // A message without a session is of a connector of another kind, which may hold the player by now.
    if (update.session === undefined) presence.connector = undefined
    else if (isNew) presence.connector = this.#sameConnector(connectorOf(update.session))
    presence.session = update.session ?? presence.session
    presence.lastSeenAt = now
    if (isNew) this.#endGrace(peer, presence)
    this.#apply(presence, update, now)
    this.#present.delete(peer)
    // The same string as before, which tables that have it compare by its place in memory and not by its text.
    this.#present.set(presence.announcement.peer, presence)
    return isNew ? 'new' : 'same'
  }

  /** A session ended: the peer has left and is to be forgotten, is expected to reconnect, or has a newer session already (`stale`). */
  endSession(peer: PeerId, session: FencingToken | undefined, reason: DisconnectReason, now: number): 'gone' | 'away' | 'stale' {
    const known = this.#present.get(peer)
    if (known && this.#isOlder(session, known.session)) return 'stale'
    if (!known || reason === 'left') return 'gone'
    known.graceUntil = now + this.#grace[reason]
    this.#away.set(peer, now)
    return 'away'
  }

  forget(peer: PeerId): void {
    if (this.#present.get(peer)?.dirtyInRound === this.#round) this.#dirtyCount--
    this.#present.delete(peer)
    this.#away.delete(peer)
  }

  /** The peers without a message since `time`, the most silent first; visits no others. */
  silentSince(time: number): PeerId[] {
    const silent: PeerId[] = []
    for (const [peer, { lastSeenAt }] of this.#present) {
      if (lastSeenAt >= time) break
      silent.push(peer)
    }
    return silent
  }

  /** The peers that did not reconnect within their grace period. */
  graceExpired(now: number): PeerId[] {
    return [...this.#away.keys()].filter((peer) => (this.#present.get(peer)?.graceUntil ?? 0) <= now)
  }

  /** Since when a peer is disconnected; undefined while it is connected. */
  awaySince(peer: PeerId): number | undefined {
    return this.#away.get(peer)
  }

  /** When a peer arrived or moved, if it did so in the round of the last flush: what that flush decided answers it. */
  movedBeforeFlush({ dirtyInRound, dirtySince }: Readonly<Presence>): number | undefined {
    return dirtyInRound === this.#round - 1 ? dirtySince : undefined
  }

  /** Begins the next round and returns the number of dirty peers of the one that ends. */
  nextRound(): number {
    const dirty = this.#dirtyCount
    this.#round++
    this.#dirtyCount = 0
    return dirty
  }

  #isOlder(session: FencingToken | undefined, known: FencingToken | undefined): boolean {
    return session !== undefined && known !== undefined && isEarlier(session, known, this.#timeOfDay())
  }

  /** One string for all peers of a connector: to group them by it, its text is then not compared for each. */
  #sameConnector(connector: ConnectorId | undefined): ConnectorId | undefined {
    if (connector === undefined) return undefined
    const known = this.#connectors.get(connector)
    if (known !== undefined) return known
    if (this.#connectors.size >= MAX_CONNECTORS) this.#connectors.clear()
    this.#connectors.set(connector, connector)
    return connector
  }

  #endGrace(peer: PeerId, presence: Presence): void {
    presence.graceUntil = undefined
    this.#away.delete(peer)
  }

  #apply(presence: Presence, { position, desiredRoom }: PresenceUpdate, now: number): void {
    const hasNewPreference = desiredRoom !== undefined && desiredRoom !== '' && desiredRoom !== presence.desiredRoom
    const hasMoved = position !== undefined && !isSamePlace(position, presence.position)
    if (hasNewPreference) presence.desiredRoom = desiredRoom
    if (hasMoved) presence.position = position
    if (!presence.position || !(hasMoved || hasNewPreference) || presence.dirtyInRound === this.#round) return
    presence.dirtyInRound = this.#round
    presence.dirtySince = now
    this.#dirtyCount++
  }
}

const isSamePlace = (a: Position, b: Position | undefined): boolean =>
  b !== undefined && a.x === b.x && a.z === b.z && a.y === b.y
