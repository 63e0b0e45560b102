import type { Clock } from '../chassis/clock.ts'
import { DeadlineExceeded, withDeadline } from '../chassis/deadline.ts'
import type { Log } from '../chassis/log.ts'
import type { RoomTransport } from '../rtc/room-transport.ts'
import type { ConnectorId } from '../wire/connector-id.ts'
import type { PeerId } from '../wire/peer.ts'
import type { Subjects } from '../wire/subjects.ts'
import { AnnouncementMessages, type Receiver } from './announcement-messages.ts'
import type { AnnounceCause, Announcement, Announcements } from './core/announcements.ts'
import type { Islands } from './core/islands.ts'
import { isConnected, type Presence, type PresenceTable } from './core/presence.ts'
import type { ArchipelagoMetrics } from './metrics.ts'

/** The rooms of the peers, the transport that issues tokens for them, and the bus on which they are announced. */
export interface AnnouncerDeps {
  islands: Islands
  announcements: Announcements
  transport: RoomTransport
  subjects: Subjects
  clock: Clock
  log: Log
  metrics: ArchipelagoMetrics
  presence: PresenceTable
  /** Whether peers are told in groups, where their connectors take them. */
  mayGroup(): boolean
  /**
   * Publishes a message, concatenated from pieces, in this term; false once the lease is over, and then nothing was published.
   */
  publish(subject: string, ...pieces: readonly Uint8Array[]): boolean
  /** The peer got its announcement. */
  onAnnounced(peer: Readonly<Presence>, cause: AnnounceCause): void
  /** The transport refuses the peer. */
  onRefused(peer: PeerId): void
  /** An attempt to mint the peer's token failed. */
  onFailed(peer: PeerId): void
  /** Resolves once everything published so far has reached the broker. */
  delivered(): Promise<void>
  /** Whether this archipelago still holds its lease. */
  mayPublish(): boolean
  /** Peers listed in a message at most. */
  maxPeersListed: number
}

const MAX_TOKENS_IN_FLIGHT = 64
/**
 * Milliseconds of announcing before the event loop goes on and the broker has to have taken what was published: all peers of a
 * large cell may be due at once.
 */
const SLICE_MS = 8
/** Peers of a room that are announced to together, before the end of the slice is looked at. */
const MAX_TOGETHER = 200
/** Milliseconds a transport has to mint a token. */
const TOKEN_DEADLINE_MS = 5_000

/**
 * Announces their rooms to the peers that are due, without delaying the flushes: a token that takes long or fails affects its own
 * peer only, which is tried again after the next flush while it keeps its place.
 */
export class Announcer {
  readonly #deps: AnnouncerDeps
  readonly #inFlight = new Set<PeerId>()
  #pending: IterableIterator<Announcement> = [][Symbol.iterator]()
  readonly #messages: AnnouncementMessages
  /** The peers whose tokens could not be minted since the last flush. */
  readonly #failed = new Set<PeerId>()
  #sliceEndsAt = 0
  #isPausing = false

  constructor(deps: AnnouncerDeps) {
    this.#deps = deps
    this.#messages = new AnnouncementMessages(deps.islands, deps.maxPeersListed)
  }

  /** Starts announcing to all peers that are due. */
  announce(): void {
    const { mayPublish, announcements, log } = this.#deps
    if (this.#failed.size > 0) log.warn({ failed: this.#failed.size }, 'could not mint the tokens of some peers')
    this.#failed.clear()
    this.#messages.clear()
    if (!mayPublish()) return
    this.#pending = [...announcements.due()][Symbol.iterator]()
    this.#continue()
  }

  /** The members of a room changed after the flush. */
  forgetPeers(room: string): void {
    this.#messages.forget(room)
  }

  #continue = (): void => {
    this.#isPausing = false
    this.#sliceEndsAt = this.#deps.clock.monotonic() + SLICE_MS
    this.#fill()
  }

  #fill(): void {
    const { clock, delivered } = this.#deps
    while (this.#inFlight.size < MAX_TOKENS_IN_FLIGHT && !this.#isPausing) {
      if (clock.monotonic() >= this.#sliceEndsAt) {
        this.#isPausing = true
        // A disconnected broker confirms nothing, so there is no confirmation to wait for.
        delivered().then(this.#continue, this.#continue)
        return
      }
      const peer = this.#nextPending()
      if (peer === undefined) return
      if (this.#mayAttempt(peer)) this.#attempt(peer)
    }
  }

  /** Skips those that were announced to together with another one of their room. */
  #nextPending(): PeerId | undefined {
    let next = this.#pending.next()
    while (!next.done && next.value.due === undefined) next = this.#pending.next()
    return next.done ? undefined : next.value.peer
  }

  /** A peer whose token could not be minted is tried again after the next flush. */
  #mayAttempt(peer: PeerId): boolean {
    return !this.#inFlight.has(peer) && !this.#failed.has(peer)
  }

  /** A peer that is due and can receive an announcement now: one that is disconnected gets it when it is connected again. */
  #due(peer: PeerId): Readonly<Presence> | undefined {
    const presence = this.#deps.presence.get(peer)
    return presence?.announcement.due !== undefined && isConnected(presence) ? presence : undefined
  }

  /** Where the session of the peer takes island groups; undefined where it is told by itself. */
  #connectorOf({ connector }: Readonly<Presence>): ConnectorId | undefined {
    return this.#deps.mayGroup() ? connector : undefined
  }

  #attempt(peer: PeerId): void {
    try {
      const pending = this.#announceTo(peer)
      if (pending) void this.#await(peer, pending)
    } catch (error) {
      this.#fail(peer, error)
    }
  }

  async #await(peer: PeerId, pending: Promise<void>): Promise<void> {
    this.#inFlight.add(peer)
    try {
      await pending
    } catch (error) {
      this.#fail(peer, error)
    } finally {
      this.#inFlight.delete(peer)
      this.#fill()
    }
  }

  #fail(peer: PeerId, error: unknown): void {
    const { log, metrics, islands, onFailed } = this.#deps
    this.#failed.add(peer)
    metrics.tokenFailed[error instanceof DeadlineExceeded ? 'deadline' : 'error'].inc()
    log.debug({ err: error, peer }, 'could not mint the token of a peer')
    if (islands.has(peer)) onFailed(peer)
  }

  /** Returns nothing where the transport does not wait for anything: a promise for each of a hundred thousand peers takes its time. */
  #announceTo(peer: PeerId): Promise<void> | undefined {
    const { islands, transport } = this.#deps
    for (let room = islands.roomOf(peer), due = this.#due(peer); room !== undefined && due; due = this.#due(peer)) {
      const minted = transport.connectionString(peer, room, 'island')
      if (minted instanceof Promise) return this.#announceLater(peer, room, minted)
      const connector = this.#connectorOf(due)
      if (connector === undefined || minted === undefined) room = this.#deliver(peer, room, minted)
      else return this.#announceTogether(room, connector, { presence: due, connStr: minted })
    }
    return undefined
  }

  /** Announces a room to a peer and to all others of it that are due and take groups: the list of peers is copied once for each connector. */
  #announceTogether(room: string, connector: ConnectorId, first: Receiver): undefined {
    const { islands, metrics } = this.#deps
    const groups = new Map([[connector, [first]]])
    let together = 1
    for (const { peer } of islands.membersOf(room)) {
      if (together >= MAX_TOGETHER) break
      const presence = this.#due(peer)
      if (presence?.connector === undefined || presence === first.presence || !this.#mayAttempt(peer)) continue
      const connStr = this.#mintNow(peer, room)
      if (connStr === undefined) continue
      together++
      const group = groups.get(presence.connector)
      if (group) group.push({ presence, connStr })
      else groups.set(presence.connector, [{ presence, connStr }])
    }
    metrics.tokens.inc(together)
    for (const [of, receivers] of groups) this.#publishGroup(room, of, receivers)
  }

  /** A token that the transport mints without waiting; one that it waits for is announced by itself. */
  #mintNow(peer: PeerId, room: string): string | undefined {
    const { transport } = this.#deps
    try {
      const minted = transport.connectionString(peer, room, 'island')
      if (minted instanceof Promise) void this.#await(peer, this.#announceLater(peer, room, minted))
      else if (minted === undefined) this.#refuse(peer)
      else return minted
    } catch (error) {
      this.#fail(peer, error)
    }
    return undefined
  }

  async #announceLater(peer: PeerId, room: string, minted: Promise<string | undefined>): Promise<void> {
    const { clock } = this.#deps
    const connStr = await withDeadline(minted, { clock, ms: TOKEN_DEADLINE_MS, what: 'minting a token' })
    if (this.#deliver(peer, room, connStr) !== undefined) await this.#announceTo(peer)
  }

  /** Publishes the announcement; returns the room in which the peer is by now, if that needs another token. */
  #deliver(peer: PeerId, room: string, connStr: string | undefined): string | undefined {
    const { islands, subjects, metrics, publish, mayPublish } = this.#deps
    // While the token was minted the peer may have left or moved on, or another archipelago may have taken over.
    const current = islands.roomOf(peer)
    const due = mayPublish() ? this.#due(peer) : undefined
    if (!due) return undefined
    if (connStr === undefined) {
      this.#refuse(peer)
      return undefined
    }
    metrics.tokens.inc()
    if (current !== room) return current
    const connector = this.#connectorOf(due)
    const receiver = { presence: due, connStr }
    if (connector !== undefined) this.#publishGroup(room, connector, [receiver])
    else if (publish(subjects.islandChanged(peer), ...this.#messages.toPeer(room, receiver))) this.#announced(due, room)
    return undefined
  }

  #refuse(peer: PeerId): void {
    this.#deps.metrics.tokenFailed.refused.inc()
    this.#deps.onRefused(peer)
  }

  #announced(presence: Readonly<Presence>, room: string): void {
    const { announcements, metrics, onAnnounced } = this.#deps
    const cause = presence.announcement.due
    announcements.recordPublished(presence.announcement, room)
    if (cause === undefined) return
    onAnnounced(presence, cause)
    metrics.roomChanges[cause].inc()
  }

  #publishGroup(room: string, connector: ConnectorId, receivers: readonly Receiver[]): void {
    const { subjects, publish, metrics } = this.#deps
    for (const message of this.#messages.toGroup(room, receivers)) {
      if (!publish(subjects.islandGroup(connector), message.bytes)) return
      metrics.groups.inc()
      for (const { presence } of message.receivers) this.#announced(presence, room)
    }
  }
}
