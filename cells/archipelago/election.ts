import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import type { Log } from '../chassis/log.ts'
import { type FencingToken, FencingTokens, TermFence } from '../wire/fencing-token.ts'
import { decodeLeaderHeartbeat, encodeLeaderHeartbeat } from '../wire/leader-heartbeat.ts'
import type { Subjects } from '../wire/subjects.ts'

/** What an election runs on, and whom it tells. */
export interface ElectionDeps {
  bus: Bus
  subjects: Subjects
  clock: Clock
  log: Log
  /** Of this start of an archipelago, like no other. */
  bootId: string
  /** Milliseconds between two beats. */
  heartbeatMs: number
  /** Milliseconds we may be silent from now on before others take over; long enough for the work at hand. */
  leaseMs: () => number
  /** Milliseconds others have to come back to the bus before anybody says anything that matters. */
  settleMs: number
  onElected(term: FencingToken): void
  onTermEnded(why: TermEndReason): void
}

/** Why a term ended: a later one began, the bus went away, we were silent for too long, or we handed over. */
export type TermEndReason = 'later_term' | 'bus_away' | 'lapsed' | 'handed_over'

/** Share of a beat by which rivals differ in how long they wait, so that they seldom take over together. */
const JITTER = 0.5

/**
 * Decides which of several archipelagos speaks, over nothing but the bus. The active one beats and says with each beat how long it may be
 * silent; when that time has passed without one, a standby begins a later term. Whoever hears of a later term than its own ends it at once, and
 * whoever was itself silent for too long says nothing more, because another may have begun; what it says all the same, its listeners
 * drop (wire/fencing-token.ts: TermFence). Two that begin together are told apart by their terms: the earlier gives way.
 */
export class Election {
  readonly #deps: ElectionDeps
  readonly #fence = new TermFence()
  readonly #stamps = new FencingTokens()
  readonly #stopListening: readonly (() => void)[]
  #term: FencingToken | undefined
  #beatAt = 0
  #leaseMs = 0
  #cancelBeat = () => {}
  #cancelClaim = () => {}
  #isReady = false
  /** Silence lasted long enough for us to take over once we are ready. */
  #isOurTurn = false

  constructor(deps: ElectionDeps) {
    this.#deps = deps
    this.#stopListening = [
      deps.bus.subscribe(deps.subjects.leaderHeartbeat, (payload) => this.#heardBeat(payload)),
      deps.bus.onState((state) => {
        if (state === 'disconnected') this.#lostTheBus()
        else this.#claimAfter(this.#wasActive ? deps.settleMs : deps.settleMs + deps.leaseMs())
      }),
    ]
  }

  /** Whether ours was the last term we know of when the bus went away: then we need not wait as long as others. */
  #wasActive = false

  /** The term in which we speak; nothing while another does. */
  get term(): FencingToken | undefined {
    return this.#term
  }

  /** The latest term heard of; empty before the first. */
  get latestTerm(): FencingToken {
    return this.#fence.latest
  }

  /** Whether we may speak now: nobody can have taken over yet. */
  get holdsLease(): boolean {
    const { bus, clock } = this.#deps
    return this.#term !== undefined && bus.state === 'connected' && clock.now() - this.#beatAt <= this.#leaseMs
  }

  /** Takes part; `alone` where no other archipelago can be, so that there is nothing to wait for. */
  start(alone: boolean): void {
    if (alone) this.#isOurTurn = true
    else this.#claimAfter(this.#deps.leaseMs())
    this.#claimIfReady()
  }

  /** Says whether we know enough to take over. */
  setReady(isReady: boolean): void {
    this.#isReady = isReady
    this.#claimIfReady()
  }

  /** Something was said in a term; answers whether it counts. */
  accepts(term: FencingToken | undefined): boolean {
    if (term === undefined) return true
    this.#stamps.observe(term, this.#deps.clock.now())
    const counts = this.#fence.accepts(term)
    if (counts && this.#term !== undefined && term !== this.#term) this.#depose('later_term')
    return counts
  }

  /** Ends our term, if any, so that another begins at once, and takes no further part. */
  stop(): void {
    for (const stop of this.#stopListening) stop()
    this.#cancelClaim()
    const term = this.#term
    if (term === undefined) return
    const held = this.holdsLease
    this.#depose('handed_over')
    this.#cancelClaim()
    if (held) this.#deps.bus.publish(this.#deps.subjects.leaderHeartbeat, encodeLeaderHeartbeat({ term, leaseMs: 0 }))
  }

  #heardBeat(payload: Uint8Array): void {
    const beat = decodeLeaderHeartbeat(payload)
    if (!beat || beat.term === this.#term || !this.accepts(beat.term)) return
    this.#wasActive = false
    this.#claimAfter(beat.leaseMs)
  }

  #lostTheBus(): void {
    this.#cancelClaim()
    this.#isOurTurn = false
    if (this.#term === undefined) return
    this.#wasActive = true
    this.#depose('bus_away')
    this.#cancelClaim()
  }

  /** Takes over after so long without a word of another. */
  #claimAfter(ms: number): void {
    this.#isOurTurn = false
    this.#cancelClaim()
    this.#cancelClaim = this.#deps.clock.after(ms + Math.random() * JITTER * this.#deps.heartbeatMs, () => {
      this.#isOurTurn = true
      this.#claimIfReady()
    })
  }

  #claimIfReady(): void {
    const { bus, clock, bootId, log, onElected } = this.#deps
    if (!this.#isOurTurn || !this.#isReady || this.#term !== undefined || bus.state !== 'connected') return
    this.#isOurTurn = false
    const term = this.#stamps.next(clock.now(), bootId)
    this.#fence.accepts(term)
    this.#term = term
    this.#beat()
    log.info({ term }, 'this archipelago is the active one')
    onElected(term)
  }

  #beat(): void {
    const { bus, subjects, clock, heartbeatMs, leaseMs } = this.#deps
    if (this.#term === undefined) return
    this.#leaseMs = leaseMs()
    this.#beatAt = clock.now()
    bus.publish(subjects.leaderHeartbeat, encodeLeaderHeartbeat({ term: this.#term, leaseMs: this.#leaseMs }))
    this.#cancelBeat = clock.after(heartbeatMs, () => {
      if (this.holdsLease) this.#beat()
      else this.lapse()
    })
  }

  /** We were silent for too long: another may have begun, and we listen before we speak again. */
  lapse(): void {
    if (this.#term === undefined) return
    this.#depose('lapsed')
    this.#claimAfter(this.#deps.settleMs)
  }

  #depose(why: TermEndReason): void {
    const { log, leaseMs, onTermEnded } = this.#deps
    const level = why === 'handed_over' ? 'info' : 'warn'
    log[level]({ term: this.#term, why }, 'this archipelago is not the active one any more')
    this.#term = undefined
    this.#cancelBeat()
    this.#claimAfter(leaseMs())
    onTermEnded(why)
  }
}
