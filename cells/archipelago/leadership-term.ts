import type { Clock } from '../chassis/clock.ts'
import type { Log } from '../chassis/log.ts'
import type { RoomTransport } from '../rtc/room-transport.ts'
import type { PeerId } from '../wire/peer.ts'
import type { Subjects } from '../wire/subjects.ts'
import { Announcer } from './announcer.ts'
import type { Announcements } from './core/announcements.ts'
import type { RestorableIslands } from './core/islands.ts'
import type { Presence, PresenceTable } from './core/presence.ts'
import { TokenFailures } from './core/token-failures.ts'
import type { ArchipelagoMetrics } from './metrics.ts'
import { Reporter } from './reporter.ts'

/** The state of the cell, an empty engine, and the means to publish in this term. */
export interface LeadershipTermDeps {
  islands: RestorableIslands
  presence: PresenceTable
  announcements: Announcements
  transport: RoomTransport
  subjects: Subjects
  clock: Clock
  log: Log
  metrics: ArchipelagoMetrics
  maxPeersPerIsland: number
  maxPeersListed: number
  /** Publishes in this term; false once the lease is over, and then nothing was published. */
  publish(subject: string, ...pieces: readonly Uint8Array[]): boolean
  mayPublish(): boolean
  /** Whether every archipelago that may take over follows island groups. */
  mayGroup(): boolean
  /** Resolves once everything published so far has reached the broker. */
  delivered(): Promise<void>
}

/**
 * The time in which this archipelago is the active one. It begins with an empty engine and restores each peer to the room last
 * announced to it, by this or another archipelago: a takeover and a restart move no peer. From then on a heartbeat moves the peer
 * in the engine at once (`updatePeer`), and the next `flush` decides the islands and announces what changed.
 */
export class LeadershipTerm {
  readonly #deps: LeadershipTermDeps
  readonly #announcer: Announcer
  readonly #reporter: Reporter
  readonly #failures = new TokenFailures()

  constructor(deps: LeadershipTermDeps) {
    this.#deps = deps
    this.#announcer = new Announcer({
      ...deps,
      onAnnounced: (presence, cause) => {
        this.#failures.forget(presence.announcement.peer)
        if (cause !== 'repeated') this.#observeDelay(presence)
      },
      onRefused: (peer) => {
        this.#failures.refused(peer, deps.clock.monotonic())
        this.#takeOut(peer)
      },
      onFailed: (peer) => {
        if (this.#failures.failed(peer, deps.clock.monotonic())) this.#takeOut(peer)
      },
    })
    this.#reporter = new Reporter(deps)
    this.#restoreAll()
  }

  get islands(): RestorableIslands {
    return this.#deps.islands
  }

  /** A peer turned out to be in a room already: it stays there, unless the engine has placed it in another one. */
  restore(peer: PeerId): void {
    const { islands, announcements } = this.#deps
    const room = islands.roomOf(peer)
    if (room === undefined) {
      if (!this.#isOut(peer)) this.#reserve(peer)
    } else announcements.recordMoves([{ peer, room, cause: 'recovery' }])
  }

  /** Passes a peer's position to the engine at once, so that a flush has no backlog; it takes effect at the next flush. */
  updatePeer(peer: PeerId): void {
    const { presence, islands } = this.#deps
    if (this.#isOut(peer)) return
    const known = presence.get(peer)
    if (known?.position) islands.upsert(peer, known.position, known.desiredRoom)
  }

  /** A peer left: takes effect at once, not with the next flush (clustering.md §5.14). */
  remove(peer: PeerId): void {
    this.#failures.forget(peer)
    this.#deps.islands.remove(peer)
    this.#reporter.markChanged()
  }

  /** Takes a peer that cannot be told its room out of its island (clustering.md §5.18, §5.19), until a later heartbeat. */
  #takeOut(peer: PeerId): void {
    const { islands, announcements, log, metrics } = this.#deps
    const room = islands.roomOf(peer)
    log.info({ peer, room }, 'a peer without a token was taken out of its island')
    metrics.takenOut.inc()
    islands.remove(peer)
    announcements.forget(peer)
    if (room !== undefined) this.#announcer.forgetPeers(room)
    this.#reporter.markChanged()
  }

  #isOut(peer: PeerId): boolean {
    return this.#failures.isOut(peer, this.#deps.clock.monotonic())
  }

  /** Decides the islands anew, reports them, and announces their rooms to the peers that moved. */
  flush(): void {
    const { islands, presence, announcements, metrics, mayPublish } = this.#deps
    this.#reporter.finish()
    const dirtyPeers = presence.nextRound()
    metrics.dirtyPeers.observe(dirtyPeers)
    const { changes } = islands.flush()
    announcements.recordMoves(changes)
    if (dirtyPeers > 0 || changes.length > 0) this.#reporter.markChanged()
    if (!mayPublish()) return
    this.#reporter.report()
    this.#announcer.announce()
  }

  /** Stops a report that is under way. */
  end(): void {
    this.#reporter.stop()
  }

  /** Announces what is due, without waiting for the next flush. */
  announce(): void {
    this.#announcer.announce()
  }

  #observeDelay(peer: Readonly<Presence>): void {
    const { presence, clock, metrics } = this.#deps
    const movedAt = presence.movedBeforeFlush(peer)
    if (movedAt !== undefined) metrics.islandChangeSeconds.observe((clock.monotonic() - movedAt) / 1_000)
  }

  #restoreAll(): void {
    const { presence } = this.#deps
    for (const [peer] of presence) {
      this.#reserve(peer)
      this.updatePeer(peer)
    }
  }

  #reserve(peer: PeerId): void {
    const room = this.#deps.announcements.lastRoomOf(peer)
    if (room !== undefined) this.#deps.islands.restore(peer, room)
  }
}
