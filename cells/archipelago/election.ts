import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import type { Log } from '../chassis/log.ts'
import { type FencingToken, FencingTokens, TermFence } from '../wire/fencing-token.ts'
import { decodeLeaderHeartbeat, encodeLeaderHeartbeat } from '../wire/leader-heartbeat.ts'
import type { Subjects } from '../wire/subjects.ts'

/** The bus and clock of an election, its timing, and its callbacks. */
export interface ElectionDeps {
  bus: Bus
  subjects: Subjects
  clock: Clock
  log: Log
  /** Unique to this start of an archipelago. */
  bootId: string
  /** Milliseconds between two leader heartbeats. */
  heartbeatMs: number
  /** Milliseconds without a leader heartbeat after which a standby takes over; covers the work at hand. */
  leaseMs: () => number
  /** Milliseconds other services have to reconnect to the bus before an archipelago publishes. */
  settleMs: number
  onElected(term: FencingToken): void
  onTermEnded(reason: TermEndReason): void
}

/** Why a term ended: a later one began, the bus went away, our heartbeats were late, or we handed over. */
export type TermEndReason = 'later_term' | 'bus_away' | 'lapsed' | 'handed_over'

/** Random part of the wait, as a share of the heartbeat interval, so that two standbys seldom take over together. */
const JITTER = 0.5

/**
 * Elects the active one of several archipelagos over the bus alone. The leader publishes heartbeats, each with the length of its
 * lease; when a lease has passed without another heartbeat, a standby begins a later term. A leader that receives a later term
 * than its own ends its term at once, and a leader whose own heartbeats were late publishes nothing more, because another may
 * have taken over; what it may have published in between its receivers reject (wire/fencing-token.ts: TermFence). Of two that
 * begin together the one with the earlier term gives way.
 */
export class Election {
  readonly #deps: ElectionDeps
  readonly #fence = new TermFence()
  readonly #tokens = new FencingTokens()
  readonly #unsubscribe: readonly (() => void)[]
  #term: FencingToken | undefined
  #heartbeatAt = 0
  #leaseMs = 0
  #cancelHeartbeat = () => {}
  #cancelTakeover = () => {}
  #isReady = false
  /** The lease of the last leader has passed: this archipelago takes over once it is ready. */
  #isTakeoverDue = false
  /** Whether ours was the latest term when the bus went away: then we wait less than the standbys when it is back. */
  #wasActive = false

  constructor(deps: ElectionDeps) {
    this.#deps = deps
    this.#unsubscribe = [
      deps.bus.subscribe(deps.subjects.leaderHeartbeat, (payload) => this.#onHeartbeat(payload)),
      deps.bus.onState((state) => {
        if (state === 'disconnected') this.#onBusLost()
        else this.#takeOverAfter(this.#wasActive ? deps.settleMs : deps.settleMs + deps.leaseMs())
      }),
    ]
  }

  /** The term of this archipelago; undefined while it is on standby. */
  get term(): FencingToken | undefined {
    return this.#term
  }

  /** The latest known term; empty before the first. */
  get latestTerm(): FencingToken {
    return this.#fence.latest
  }

  /** Whether this archipelago may publish now: no standby can have taken over yet. */
  get holdsLease(): boolean {
    const { bus, clock } = this.#deps
    return this.#term !== undefined && bus.state === 'connected' && clock.monotonic() - this.#heartbeatAt <= this.#leaseMs
  }

  /** Starts to take part; `alone` where there can be no other archipelago, so that there is no lease to wait for. */
  start(alone: boolean): void {
    if (alone) this.#isTakeoverDue = true
    else this.#takeOverAfter(this.#deps.leaseMs())
    this.#takeOverIfReady()
  }

  /** Whether this archipelago knows enough to take over. */
  setReady(isReady: boolean): void {
    this.#isReady = isReady
    this.#takeOverIfReady()
  }

  /** Takes note of the term of a message; returns whether the message is to be processed. */
  accepts(term: FencingToken | undefined): boolean {
    if (term === undefined) return true
    const isAccepted = this.#fence.accepts(term, this.#deps.clock.now())
    if (isAccepted && this.#term !== undefined && term !== this.#term) this.#endTerm('later_term')
    return isAccepted
  }

  /** Ends the term, if any, so that a standby takes over at once, and takes no further part. */
  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#cancelTakeover()
    const term = this.#term
    if (term === undefined) return
    const heldLease = this.holdsLease
    this.#endTerm('handed_over')
    this.#cancelTakeover()
    if (heldLease) this.#deps.bus.publish(this.#deps.subjects.leaderHeartbeat, encodeLeaderHeartbeat({ term, leaseMs: 0 }))
  }

  #onHeartbeat(payload: Uint8Array): void {
    const heartbeat = decodeLeaderHeartbeat(payload)
    if (!heartbeat || heartbeat.term === this.#term || !this.accepts(heartbeat.term)) return
    this.#wasActive = false
    this.#takeOverAfter(heartbeat.leaseMs)
  }

  #onBusLost(): void {
    this.#cancelTakeover()
    this.#isTakeoverDue = false
    if (this.#term === undefined) return
    this.#wasActive = true
    this.#endTerm('bus_away')
    this.#cancelTakeover()
  }

  /** Takes over after so many milliseconds without a heartbeat of another leader. */
  #takeOverAfter(ms: number): void {
    this.#isTakeoverDue = false
    this.#cancelTakeover()
    this.#cancelTakeover = this.#deps.clock.after(ms + Math.random() * JITTER * this.#deps.heartbeatMs, () => {
      this.#isTakeoverDue = true
      this.#takeOverIfReady()
    })
  }

  #takeOverIfReady(): void {
    const { bus, clock, bootId, log, leaseMs, onElected } = this.#deps
    if (!this.#isTakeoverDue || !this.#isReady || this.#term !== undefined || bus.state !== 'connected') return
    this.#isTakeoverDue = false
    // Later than the latest known term even if its clock, or ours, is wrong: what other services do not accept is no term.
    const term = this.#tokens.next(clock.now(), bootId, this.#fence.latest)
    if (!this.#fence.accepts(term, clock.now())) {
      this.#takeOverAfter(leaseMs())
      return
    }
    this.#term = term
    this.#sendHeartbeat()
    log.info({ term }, 'active: this archipelago announces the islands of its cell')
    onElected(term)
  }

  #sendHeartbeat(): void {
    const { bus, subjects, clock, heartbeatMs, leaseMs } = this.#deps
    if (this.#term === undefined) return
    this.#leaseMs = leaseMs()
    this.#heartbeatAt = clock.monotonic()
    bus.publish(subjects.leaderHeartbeat, encodeLeaderHeartbeat({ term: this.#term, leaseMs: this.#leaseMs }))
    this.#cancelHeartbeat = clock.after(heartbeatMs, () => {
      if (this.holdsLease) this.#sendHeartbeat()
      else this.lapse()
    })
  }

  /**
   * Our heartbeats were late: another archipelago may have taken over, so this one waits for its heartbeats before it takes over
   * again.
   */
  lapse(): void {
    if (this.#term === undefined) return
    this.#endTerm('lapsed')
    this.#takeOverAfter(this.#deps.settleMs)
  }

  #endTerm(reason: TermEndReason): void {
    const { log, leaseMs, onTermEnded } = this.#deps
    // Two that start together may both begin a term: the later one holds, and nothing is wrong.
    const level = reason === 'later_term' || reason === 'handed_over' ? 'info' : 'warn'
    log[level]({ term: this.#term, reason }, 'on standby: this archipelago no longer announces the islands of its cell')
    this.#term = undefined
    this.#cancelHeartbeat()
    this.#takeOverAfter(leaseMs())
    onTermEnded(reason)
  }
}
