import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import type { Log } from '../chassis/log.ts'
import type { FencingToken } from '../wire/fencing-token.ts'
import type { PeerId } from '../wire/peer.ts'
import type { SessionState } from '../wire/state-sync.ts'
import type { Subjects } from '../wire/subjects.ts'
import type { Announcements } from './core/announcements.ts'
import type { PresenceTable } from './core/presence.ts'
import { eavesdrop, type InboxDeps, openInbox } from './inbox.ts'
import type { LeadershipTerm } from './leadership-term.ts'
import type { ArchipelagoMetrics } from './metrics.ts'
import { requestSync } from './sync-request.ts'

/** What attendance is kept with. */
export interface AttendanceParts {
  bus: Bus
  subjects: Subjects
  clock: Clock
  log: Log
  metrics: ArchipelagoMetrics
  register: PresenceTable
  ledger: Announcements
  /** Of this start, like no other. */
  bootId: string
  /** Milliseconds of silence after which a peer counts as gone. */
  toleratedSilenceMs: number
}

/** The same, and who is told of it. */
export interface AttendanceDeps extends AttendanceParts {
  /** Whether what was said in a term counts. */
  counts(term: FencingToken | undefined): boolean
  /** What has to know who comes and goes, while there is one. */
  leadershipTerm(): LeadershipTerm | undefined
  /** Somebody came back, or began a new session. */
  onBack(peer: PeerId): void
  /** Whether we know who is here has changed. */
  onWarm(isWarm: boolean): void
}

/** Milliseconds others have to come back to the bus too, before anything is told that they should hear. */
export const SETTLE_MS = 1_000

/**
 * Who is here, and what everybody was told: by what players say and connectors know, and, as long as another is the active archipelago, by what
 * that one tells. Warm once the roll was called: then an archipelago knows enough to be the active one.
 */
export class Attendance {
  readonly #deps: AttendanceDeps
  readonly #inbox: InboxDeps
  readonly #stopListening: readonly (() => void)[]
  #stopEavesdropping = () => {}
  #cancelRoll = () => {}
  #cancelSettling = () => {}
  #rolls = 0
  #isWarm = false
  #wasWarm = false
  /** Since when the bus is there without a break; nobody is silent while we are deaf. */
  #hearingSince: number

  constructor(deps: AttendanceDeps) {
    const { bus, clock } = deps
    this.#deps = deps
    this.#hearingSince = clock.now()
    this.#inbox = {
      ...deps,
      onPlaced: (peer) => deps.leadershipTerm()?.updatePeer(peer),
      onKnown: (peer, room) => this.#compare(peer, room),
      onGone: (peer) => this.#forget(peer),
    }
    this.#stopListening = [
      openInbox(this.#inbox),
      bus.onState((state) => {
        this.#cancelSettling()
        this.#cancelRoll()
        this.becomeWarm(false)
        if (state === 'disconnected') return
        this.hearAnew()
        this.#cancelSettling = clock.after(SETTLE_MS, () => this.callTheRoll())
      }),
    ]
    this.eavesdrop(true)
  }

  /** Whether it is known who is here, so that one could take over. */
  get isWarm(): boolean {
    return this.#isWarm
  }

  /** Whether it ever was. */
  get wasWarm(): boolean {
    return this.#wasWarm
  }

  becomeWarm(isWarm: boolean): void {
    this.#isWarm = isWarm
    this.#wasWarm ||= isWarm
    this.#deps.onWarm(isWarm)
  }

  /** Follows what the active archipelago tells, or not: our own words would only come back to us. */
  eavesdrop(isOn: boolean): void {
    this.#stopEavesdropping()
    this.#stopEavesdropping = isOn ? eavesdrop(this.#inbox) : () => {}
  }

  /** There was a time when nothing was heard: whoever was silent until now may not have been. */
  hearAnew(): void {
    this.#hearingSince = this.#deps.clock.now()
  }

  stop(): void {
    this.#cancelRoll()
    this.#cancelSettling()
    this.#stopEavesdropping()
    for (const stop of this.#stopListening) stop()
  }

  /** §5.17: whoever was not heard for too long is gone, and so is whoever did not come back in time. */
  expire(): void {
    const { register, clock, bus, metrics, toleratedSilenceMs } = this.#deps
    const now = clock.now()
    const silentSince = now - toleratedSilenceMs
    const isDeaf = bus.state !== 'connected' || this.#hearingSince > silentSince
    for (const peer of [...register.graceExpired(now), ...(isDeaf ? [] : register.silentSince(silentSince))]) {
      if (!register.get(peer)) continue
      this.#forget(peer)
      metrics.expired.inc()
    }
  }

  /** Asks the connectors who is here and in which room; then it is known. */
  callTheRoll(): void {
    const { bus, subjects, clock, log, metrics, ledger, register, bootId, counts, leadershipTerm } = this.#deps
    this.#cancelRoll()
    metrics.rollCalls.inc()
    // What we tell from now on, the answers may not know yet.
    const told = ledger.lastSequence
    const hear = ({ peer, session, position, room, term }: SessionState) => {
      counts(term)
      const heard = register.update(peer, { session, position: register.get(peer)?.position ?? position }, clock.now())
      if (heard === 'stale' || heard === 'full') return
      leadershipTerm()?.updatePeer(peer)
      this.#compare(peer, room, told)
    }
    this.#cancelRoll = requestSync(
      { bus, subjects, clock, requester: `${bootId}-${++this.#rolls}`, onSession: hear },
      (connectors) => {
        log.info({ connectors, players: register.size }, 'the roll was called')
        this.becomeWarm(true)
      },
    )
  }

  #forget(peer: PeerId): void {
    this.#deps.register.forget(peer)
    this.#deps.ledger.forget(peer)
    this.#deps.leadershipTerm()?.remove(peer)
  }

  /** A connector says which room a player was last told: who missed something is told again, who is at home somewhere stays there. */
  #compare(peer: PeerId, room: string | undefined, before?: number): void {
    const { ledger, metrics, leadershipTerm } = this.#deps
    const verdict = ledger.reconcile(peer, room, before)
    if (verdict === 'missed') metrics.missed.inc()
    const active = leadershipTerm()
    if (active) {
      if (verdict === 'adopted') active.restore(peer)
    } else if (verdict === 'missed' && room !== undefined) ledger.told(peer, room)
  }
}
