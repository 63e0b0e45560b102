import type { Clock } from '../chassis/clock.ts'
import { DeadlineExceeded, withDeadline } from '../chassis/deadline.ts'
import type { Log } from '../chassis/log.ts'
import type { RoomTransport } from '../rtc/room-transport.ts'
import type { ConnectorId } from '../wire/connector-id.ts'
import type { PeerId } from '../wire/peer.ts'
import type { Subjects } from '../wire/subjects.ts'
import { AnnouncementMessages, type Receiver } from './announcement-messages.ts'
import type { AnnounceCause, Announcements } from './core/announcements.ts'
import type { Islands } from './core/islands.ts'
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
  /** Whether the peer has a session that can receive an announcement. */
  isConnected(peer: PeerId): boolean
  /** Where the session of a peer takes island groups; undefined where it is told by itself. */
  connectorOf(peer: PeerId): ConnectorId | undefined
  /**
   * Publishes a message, concatenated from pieces, in this term; false once the lease is over, and then nothing was published.
   */
  publish(subject: string, ...pieces: readonly Uint8Array[]): boolean
  /** The peer got its announcement. */
  onAnnounced(peer: PeerId, cause: AnnounceCause): void
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
  #pending: IterableIterator<PeerId> = [][Symbol.iterator]()
  readonly #messages: AnnouncementMessages
  /** The peers whose tokens could not be minted since the last flush. */
  readonly #failed = new Set<PeerId>()
  #sliceEndsAt = 0
  #isPausing = false

  constructor(deps: AnnouncerDeps) {
    this.#deps = deps
    this.#messages = new AnnouncementMessages(deps.islands, deps.announcements, deps.maxPeersListed)
  }

  /** Starts announcing to all peers that are due. */
  announce(): void {
    const { mayPublish, announcements, log } = this.#deps
    if (this.#failed.size > 0) log.warn({ failed: this.#failed.size }, 'could not mint the tokens of some peers')
    this.#failed.clear()
    this.#messages.clear()
    if (!mayPublish()) return
    this.#pending = [...announcements.due.keys()][Symbol.iterator]()
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
      const { value: peer, done } = this.#pending.next()
      if (done) return
      if (this.#mayAttempt(peer)) this.#attempt(peer)
    }
  }

  /** A disconnected peer gets its announcement when it is connected again, one whose token could not be minted after the next flush. */
  #mayAttempt(peer: PeerId): boolean {
    const { announcements, isConnected } = this.#deps
    return announcements.due.has(peer) && !this.#inFlight.has(peer) && !this.#failed.has(peer) && isConnected(peer)
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
    const { islands, announcements, transport, connectorOf, metrics } = this.#deps
    for (let room = islands.roomOf(peer); room !== undefined && announcements.due.has(peer); ) {
      const minted = transport.connectionString(peer, room, 'island')
      if (minted instanceof Promise) return this.#announceLater(peer, room, minted)
      const connector = minted === undefined ? undefined : connectorOf(peer)
      if (connector === undefined || minted === undefined) room = this.#deliver(peer, room, minted)
      else {
        metrics.tokens.inc()
        return this.#announceTogether(room, connector, { peer, connStr: minted })
      }
    }
    return undefined
  }

  /** Announces a room to a peer and to all others of it that are due and take groups: the list of peers is copied once for each connector. */
  #announceTogether(room: string, connector: ConnectorId, first: Receiver): undefined {
    const { islands, connectorOf } = this.#deps
    const groups = new Map([[connector, [first]]])
    let together = 1
    for (const { peer } of islands.membersOf(room)) {
      if (together >= MAX_TOGETHER) break
      if (peer === first.peer || !this.#mayAttempt(peer)) continue
      const of = connectorOf(peer)
      const connStr = of && this.#mintNow(peer, room)
      if (of === undefined || connStr === undefined) continue
      together++
      const group = groups.get(of)
      if (group) group.push({ peer, connStr })
      else groups.set(of, [{ peer, connStr }])
    }
    for (const [of, receivers] of groups) this.#publishGroup(room, of, receivers)
  }

  /** A token that the transport mints without waiting; one that it waits for is announced by itself. */
  #mintNow(peer: PeerId, room: string): string | undefined {
    const { transport, metrics } = this.#deps
    try {
      const minted = transport.connectionString(peer, room, 'island')
      if (minted instanceof Promise) void this.#await(peer, this.#announceLater(peer, room, minted))
      else if (minted === undefined) this.#refuse(peer)
      else {
        metrics.tokens.inc()
        return minted
      }
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
    const { islands, announcements, subjects, metrics, publish, mayPublish, isConnected, connectorOf } = this.#deps
    // While the token was minted the peer may have left or moved on, or another archipelago may have taken over.
    const current = islands.roomOf(peer)
    if (!announcements.due.has(peer) || !mayPublish() || !isConnected(peer)) return undefined
    if (connStr === undefined) {
      this.#refuse(peer)
      return undefined
    }
    metrics.tokens.inc()
    if (current !== room) return current
    const connector = connectorOf(peer)
    if (connector !== undefined) this.#publishGroup(room, connector, [{ peer, connStr }])
    else if (publish(subjects.islandChanged(peer), ...this.#messages.toPeer(room, { peer, connStr }))) this.#announced(peer, room)
    return undefined
  }

  #refuse(peer: PeerId): void {
    this.#deps.metrics.tokenFailed.refused.inc()
    this.#deps.onRefused(peer)
  }

  #announced(peer: PeerId, room: string): void {
    const { announcements, metrics, onAnnounced } = this.#deps
    const cause = announcements.due.get(peer)
    announcements.recordAnnounced(peer, room)
    if (cause === undefined) return
    onAnnounced(peer, cause)
    metrics.roomChanges.inc({ cause })
  }

  #publishGroup(room: string, connector: ConnectorId, receivers: readonly Receiver[]): void {
    const { subjects, publish, metrics } = this.#deps
    for (const { peers, pieces } of this.#messages.toGroup(room, receivers)) {
      if (!publish(subjects.islandGroup(connector), ...pieces)) return
      metrics.groups.inc()
      for (const peer of peers) this.#announced(peer, room)
    }
  }
}
