import type { Transport } from '../rtc/transport.ts'
import { fencingTokenField } from '../wire/extension-fields.ts'
import type { FencingToken } from '../wire/fencing-token.ts'
import type { PeerId } from '../wire/peer.ts'
import { Attendance, type AttendanceParts, SETTLE_MS } from './attendance.ts'
import { BufferPool } from './buffer-pool.ts'
import type { RestorableIslands } from './core/islands.ts'
import { Election, type TermEndReason } from './election.ts'
import { type FlushLoop, startFlushLoop } from './flush-loop.ts'
import { LeadershipTerm } from './leadership-term.ts'

/** What an archipelago is made of. */
export interface ArchipelagoParts extends AttendanceParts {
  periodMs: number
  maxPeersPerIsland: number
  maxPeersListed: number
  /** An engine without anybody in it. */
  newIslands(): RestorableIslands
  /** How rooms are opened, in the term of the moment. */
  newTransport(term: () => FencingToken | undefined): Transport
  /** There is no other archipelago, and nobody was told anything. */
  alone: boolean
  /** Whoever was in a room is not any more, and has to be told to enter it again. */
  roomsAreNew: boolean
  /** A term of ours began. */
  onElected(): void
}

/** Of a flush period: how often the active archipelago beats, and how long it may be silent. */
const BEAT_SHARE = 0.25
const LEASE_SHARE = 1.5
/** A pause of the process is no reason to elect another, however short the flush period. */
const MIN_BEAT_MS = 100
const MIN_LEASE_MS = 400
/** Milliseconds in which players who come back are gathered, to be told their rooms together. */
const GATHER_MS = 50
/** A flush may take twice as long as the last one before anybody thinks that we are gone. */
const SLOWER = 2

/**
 * Everything one archipelago does, active or standing by. It always hears who is here and what everybody is told; while it is the active one
 * it also has a tenure, which decides and tells. So becoming the active one needs nothing that is not there already.
 */
export class Archipelago {
  readonly #parts: ArchipelagoParts
  readonly #transport: Transport
  readonly #election: Election
  readonly #loop: FlushLoop
  readonly #attendance: Attendance
  readonly #slab = new BufferPool()
  #cancelTelling: (() => void) | undefined
  #tenure: LeadershipTerm | undefined
  #terms = 0
  #isStopped = false

  constructor(parts: ArchipelagoParts) {
    const { bus, subjects, clock, log, bootId, periodMs } = parts
    this.#parts = parts
    this.#loop = startFlushLoop(clock, periodMs, (lateMs) => this.#turn(lateMs))
    this.#election = new Election({
      ...{ bus, subjects, clock, log, bootId },
      heartbeatMs: Math.max(MIN_BEAT_MS, periodMs * BEAT_SHARE),
      leaseMs: () => Math.max(MIN_LEASE_MS, periodMs * LEASE_SHARE) + SLOWER * this.#loop.lastMs,
      settleMs: SETTLE_MS,
      onElected: (term) => this.#elected(term),
      onTermEnded: (why) => this.#deposed(why),
    })
    this.#transport = parts.newTransport(() => this.#election.term)
    this.#attendance = new Attendance({
      ...parts,
      counts: (term) => this.#election.accepts(term),
      leadershipTerm: () => this.#tenure,
      onBack: (peer) => this.#tellSoon(peer),
      onWarm: (isWarm) => this.#election.setReady(isWarm),
    })
  }

  /** Takes part: at once as the active one where there is no other, else by asking who is here and listening for whoever is. */
  start(): void {
    const { alone } = this.#parts
    this.#election.start(alone)
    if (alone) this.#attendance.becomeWarm(true)
    else this.#attendance.callTheRoll()
  }

  /** What there is while this archipelago is the active one. */
  get tenure(): LeadershipTerm | undefined {
    return this.#tenure
  }

  get election(): Election {
    return this.#election
  }

  get loop(): FlushLoop {
    return this.#loop
  }

  get attendance(): Attendance {
    return this.#attendance
  }

  /** Hands over, if there is anything to hand over, and falls silent. */
  stop(): void {
    this.#isStopped = true
    this.#loop.stop()
    this.#cancelTelling?.()
    this.#election.stop()
    this.#attendance.stop()
  }

  #elected(term: FencingToken): void {
    const { metrics, ledger, register, newIslands, roomsAreNew, onElected } = this.#parts
    metrics.terms.inc()
    this.#attendance.eavesdrop(false)
    this.#terms++
    if (roomsAreNew && this.#terms === 1)
      for (const [peer] of register) if (ledger.lastRoomOf(peer) !== undefined) ledger.announceAgain(peer)
    this.#tenure = new LeadershipTerm({
      ...this.#parts,
      islands: newIslands(),
      transport: this.#transport,
      publish: (subject, ...pieces) => this.publish(subject, ...pieces),
      delivered: () => this.#parts.bus.flush(),
      mayPublish: () => this.#election.holdsLease && this.#election.term === term,
    })
    onElected()
    this.#loop.hurry()
    // What was told shortly before may have been lost with whoever told it; nothing waits for the answer.
    if (this.#terms > 1 || !this.#parts.alone) this.#attendance.callTheRoll()
  }

  #deposed(why: TermEndReason): void {
    this.#parts.metrics.deposed.inc({ reason: why })
    this.#tenure?.end()
    this.#tenure = undefined
    this.#attendance.hearAnew()
    if (this.#isStopped) return
    this.#attendance.eavesdrop(true)
    // What the next one tells before we listen again, the connectors know.
    if (why !== 'bus_away') {
      this.#attendance.becomeWarm(false)
      this.#attendance.callTheRoll()
    }
  }

  /** Says something in our term, put together from pieces; answers whether we may still speak. */
  publish(subject: string, ...pieces: readonly Uint8Array[]): boolean {
    const { term, holdsLease } = this.#election
    if (!holdsLease || term === undefined) return false
    this.#parts.bus.publish(subject, this.#slab.concat([...pieces, fencingTokenField(term)]))
    return true
  }

  #turn(lateMs: number): void {
    const { metrics, log, periodMs, clock } = this.#parts
    if (this.#tenure && !this.#election.holdsLease) this.#election.lapse()
    const startedAt = clock.now()
    const stopTimer = metrics.flushSeconds.startTimer()
    try {
      // After a stall the heartbeats that would save their peers are still unread.
      if (lateMs >= periodMs) this.#attendance.hearAnew()
      this.#attendance.expire()
      this.#tenure?.flush()
    } catch (error) {
      metrics.flushesFailed.inc()
      log.error({ err: error }, 'a flush failed on a bug')
    }
    if (this.#tenure) stopTimer()
    const tookMs = clock.now() - startedAt
    if (tookMs <= periodMs) return
    metrics.flushesLate.inc()
    log.warn({ tookMs, periodMs }, 'a flush took longer than its period; the next one comes later')
  }

  /** Somebody who has a room already has nothing to wait for: a new session is told it sooner than the next flush would. */
  #tellSoon(peer: PeerId): void {
    if (this.#tenure?.islands.roomOf(peer) === undefined) return
    this.#cancelTelling ??= this.#parts.clock.after(GATHER_MS, () => {
      this.#cancelTelling = undefined
      this.#tenure?.announce()
    })
  }
}
