import type { RoomTransport } from '../rtc/room-transport.ts'
import { fencingTokenField } from '../wire/extension-fields.ts'
import type { FencingToken } from '../wire/fencing-token.ts'
import type { PeerId } from '../wire/peer.ts'
import { BufferPool } from './buffer-pool.ts'
import type { RestorableIslands } from './core/islands.ts'
import { Election, type TermEndReason } from './election.ts'
import { type FlushLoop, startFlushLoop } from './flush-loop.ts'
import { LeadershipTerm } from './leadership-term.ts'
import { OlderArchipelagos } from './older-archipelagos.ts'
import { type PresenceParts, PresenceTracker, SETTLE_MS } from './presence-tracker.ts'

/** The shared state of a cell, and how an archipelago opens islands and rooms. */
export interface ArchipelagoParts extends PresenceParts {
  periodMs: number
  maxPeersPerIsland: number
  maxPeersListed: number
  /** Creates an engine without peers. */
  newIslands(): RestorableIslands
  /** Creates the transport of the rooms; `term` is the current term whenever it is called. */
  newTransport(term: () => FencingToken | undefined): RoomTransport
  /** There is no other archipelago, and nothing was announced before. */
  alone: boolean
  /** The rooms started with this process, so that peers have to enter them again. */
  roomsAreNew: boolean
  /** A term of this archipelago began. */
  onElected(): void
}

/** Interval of the leader heartbeats and length of the lease, as shares of a flush period. */
const HEARTBEAT_SHARE = 0.25
const LEASE_SHARE = 1.5
/** Lower bounds for short flush periods: a short pause of the process does not cause a takeover. */
const MIN_HEARTBEAT_MS = 100
const MIN_LEASE_MS = 400
/** The lease also covers a flush that takes twice as long as the last one. */
const LEASE_FLUSHES = 2
/** Milliseconds during which new sessions are collected, to announce their rooms together. */
const COLLECT_MS = 50

/**
 * One archipelago, active or on standby. In both roles it keeps presence and announcements up to date; while it is the active one
 * it also has a leadership term, which decides the islands and publishes. So a takeover needs no state that a standby does not
 * have.
 */
export class Archipelago {
  readonly #parts: ArchipelagoParts
  readonly #transport: RoomTransport
  readonly #election: Election
  readonly #loop: FlushLoop
  readonly #tracker: PresenceTracker
  readonly #older: OlderArchipelagos
  /** The encoded field with the term, and which term that is. */
  #termField: { term: FencingToken; bytes: Uint8Array } | undefined
  readonly #pool = new BufferPool()
  #cancelAnnouncing: (() => void) | undefined
  #leadershipTerm: LeadershipTerm | undefined
  #termCount = 0
  #isStopped = false

  constructor(parts: ArchipelagoParts) {
    const { bus, subjects, clock, log, bootId, periodMs } = parts
    this.#parts = parts
    this.#loop = startFlushLoop(clock, periodMs, (lateMs) => this.#flush(lateMs))
    this.#election = new Election({
      ...{ bus, subjects, clock, log, bootId },
      heartbeatMs: Math.max(MIN_HEARTBEAT_MS, periodMs * HEARTBEAT_SHARE),
      leaseMs: () => Math.max(MIN_LEASE_MS, periodMs * LEASE_SHARE) + LEASE_FLUSHES * this.#loop.lastMs,
      settleMs: SETTLE_MS,
      onElected: (term) => this.#onElected(term),
      onTermEnded: (reason) => this.#onTermEnded(reason),
    })
    this.#older = new OlderArchipelagos(parts)
    this.#transport = parts.newTransport(() => this.#election.term)
    this.#tracker = new PresenceTracker({
      ...parts,
      acceptsTerm: (term) => this.#election.accepts(term),
      leadershipTerm: () => this.#leadershipTerm,
      onNewSession: (peer) => this.#announceSoon(peer),
      onSynced: (isSynced) => this.#election.setReady(isSynced),
    })
  }

  /** Starts to take part: active at once where there is no other archipelago, else on standby while it requests all sessions. */
  start(): void {
    const { alone } = this.#parts
    this.#election.start(alone)
    if (alone) this.#tracker.setSynced(true)
    else this.#tracker.requestSync()
  }

  /** Undefined on standby. */
  get leadershipTerm(): LeadershipTerm | undefined {
    return this.#leadershipTerm
  }

  get election(): Election {
    return this.#election
  }

  get loop(): FlushLoop {
    return this.#loop
  }

  get tracker(): PresenceTracker {
    return this.#tracker
  }

  /** Hands over to a standby if this is the active one, and stops. */
  stop(): void {
    this.#isStopped = true
    this.#loop.stop()
    this.#cancelAnnouncing?.()
    this.#election.stop()
    this.#tracker.stop()
    this.#older.stop()
  }

  #onElected(term: FencingToken): void {
    const { metrics, announcements, newIslands, roomsAreNew, onElected } = this.#parts
    metrics.terms.inc()
    this.#tracker.followLeader(false)
    this.#termCount++
    if (roomsAreNew && this.#termCount === 1) announcements.announceAllAgain()
    this.#leadershipTerm = new LeadershipTerm({
      ...this.#parts,
      islands: newIslands(),
      transport: this.#transport,
      publish: (subject, ...pieces) => this.publish(subject, ...pieces),
      delivered: () => this.#parts.bus.flush(),
      mayGroup: () => !this.#older.mayBeThere,
      mayPublish: () => this.#election.holdsLease && this.#election.term === term,
    })
    onElected()
    this.#loop.flushNow()
    // The last announcements of the previous leader may have been lost with it; the flush does not wait for the replies.
    if (this.#termCount > 1 || !this.#parts.alone) this.#tracker.requestSync()
  }

  #onTermEnded(reason: TermEndReason): void {
    this.#parts.metrics.deposed.inc({ reason })
    this.#leadershipTerm?.end()
    this.#leadershipTerm = undefined
    this.#tracker.restartSilence()
    if (this.#isStopped) return
    this.#tracker.followLeader(true)
    // The connectors know what the next leader announces before this archipelago follows it.
    if (reason !== 'bus_away') {
      this.#tracker.setSynced(false)
      this.#tracker.requestSync()
    }
  }

  /**
   * Publishes a message, concatenated from pieces, in the current term; false without a lease, and then nothing was published.
   */
  publish(subject: string, ...pieces: readonly Uint8Array[]): boolean {
    const { term, holdsLease } = this.#election
    if (!holdsLease || term === undefined) return false
    this.#parts.bus.publish(subject, this.#pool.concat([...pieces, this.#fieldOf(term)]))
    return true
  }

  /** The same for all messages of a term. */
  #fieldOf(term: FencingToken): Uint8Array {
    if (this.#termField?.term !== term) this.#termField = { term, bytes: fencingTokenField(term) }
    return this.#termField.bytes
  }

  #flush(lateMs: number): void {
    const { metrics, log, periodMs, clock } = this.#parts
    if (this.#leadershipTerm && !this.#election.holdsLease) this.#election.lapse()
    const startedAt = clock.monotonic()
    const stopTimer = metrics.flushSeconds.startTimer()
    try {
      // After a stall the heartbeats that would keep their peers are still unread.
      if (lateMs >= periodMs) this.#tracker.restartSilence()
      this.#tracker.expire()
      this.#leadershipTerm?.flush()
    } catch (error) {
      metrics.flushesFailed.inc()
      log.error({ err: error }, 'a flush failed because of a bug')
    }
    if (this.#leadershipTerm) stopTimer()
    const tookMs = clock.monotonic() - startedAt
    if (tookMs <= periodMs) return
    metrics.flushesLate.inc()
    log.warn({ tookMs, periodMs }, 'a flush took longer than its period; the next one is delayed')
  }

  /** A new session of a peer that has a room already need not wait for the next flush. */
  #announceSoon(peer: PeerId): void {
    if (this.#leadershipTerm?.islands.roomOf(peer) === undefined) return
    this.#cancelAnnouncing ??= this.#parts.clock.after(COLLECT_MS, () => {
      this.#cancelAnnouncing = undefined
      this.#leadershipTerm?.announce()
    })
  }
}
