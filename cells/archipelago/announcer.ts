import type { Clock } from '../chassis/clock.ts'
import { DeadlineExceeded, withDeadline } from '../chassis/deadline.ts'
import type { Log } from '../chassis/log.ts'
import type { RoomTransport } from '../rtc/room-transport.ts'
import { busPayloads } from '../wire/packets.ts'
import type { PeerId } from '../wire/peer.ts'
import { encodePeerList } from '../wire/peer-list.ts'
import type { Subjects } from '../wire/subjects.ts'
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
  /** The encoded peer list of each room; valid until the next flush, or until a member has to leave. */
  readonly #peerLists = new Map<string, { bytes: Uint8Array; isComplete: boolean }>()
  #failed = 0
  #sliceEndsAt = 0
  #isPausing = false

  constructor(deps: AnnouncerDeps) {
    this.#deps = deps
  }

  /** Starts announcing to all peers that are due. */
  announce(): void {
    const { mayPublish, announcements, log } = this.#deps
    if (this.#failed > 0) log.warn({ failed: this.#failed }, 'could not mint the tokens of some peers')
    this.#failed = 0
    this.#peerLists.clear()
    if (!mayPublish()) return
    this.#pending = [...announcements.due.keys()][Symbol.iterator]()
    this.#continue()
  }

  /** The members of a room changed after the flush. */
  forgetPeers(room: string): void {
    this.#peerLists.delete(room)
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
      // A disconnected peer gets its announcement when it is connected again.
      if (!this.#inFlight.has(peer) && this.#deps.isConnected(peer)) this.#attempt(peer)
    }
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
    this.#failed++
    metrics.tokenFailed[error instanceof DeadlineExceeded ? 'deadline' : 'error'].inc()
    log.debug({ err: error, peer }, 'could not mint the token of a peer')
    if (islands.has(peer)) onFailed(peer)
  }

  /** Returns nothing where the transport does not wait for anything: a promise for each of a hundred thousand peers takes its time. */
  #announceTo(peer: PeerId): Promise<void> | undefined {
    const { islands, announcements, transport } = this.#deps
    for (let room = islands.roomOf(peer); room !== undefined && announcements.due.has(peer); ) {
      const minted = transport.connectionString(peer, room, 'island')
      if (minted instanceof Promise) return this.#announceLater(peer, room, minted)
      room = this.#deliver(peer, room, minted)
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
    const { islands, announcements, subjects, metrics, publish, mayPublish, isConnected, onAnnounced, onRefused } = this.#deps
    // While the token was minted the peer may have left or moved on, or another archipelago may have taken over.
    const cause = announcements.due.get(peer)
    const current = islands.roomOf(peer)
    if (cause === undefined || !mayPublish() || !isConnected(peer)) return undefined
    if (connStr === undefined) {
      metrics.tokenFailed.refused.inc()
      onRefused(peer)
      return undefined
    }
    metrics.tokens.inc()
    if (current !== room) return current
    if (!publish(subjects.islandChanged(peer), ...this.#messageFor(peer, room, connStr))) return undefined
    announcements.recordAnnounced(peer, room)
    onAnnounced(peer, cause)
    metrics.roomChanges.inc({ cause })
    return undefined
  }

  /** The message in pieces: what differs between receivers, and the peer list, which is encoded once for all peers of a room. */
  #messageFor(receiver: PeerId, islandId: string, connStr: string): readonly Uint8Array[] {
    const { islands, announcements, maxPeersListed } = this.#deps
    const own = busPayloads.encodeIslandChanged({
      islandId,
      connStr,
      fromIslandId: announcements.roomKnownTo(receiver),
      peers: {},
    })
    let list = this.#peerLists.get(islandId)
    if (!list) {
      const members = islands.membersOf(islandId)
      list = { bytes: encodePeerList(members.slice(0, maxPeersListed)), isComplete: members.length <= maxPeersListed }
      this.#peerLists.set(islandId, list)
    }
    if (list.isComplete || maxPeersListed === 0) return [own, list.bytes]
    // A receiver always finds itself in the list, however short that is; in a protobuf map a repeated key counts once.
    const self = islands.membersOf(islandId).filter(({ peer }) => peer === receiver)
    return [own, list.bytes, encodePeerList(self)]
  }
}
