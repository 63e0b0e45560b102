import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import { decodeAdmission } from '../wire/admission.ts'
import { TermFence } from '../wire/fencing-token.ts'
import { decodeLeaderHeartbeat } from '../wire/leader-heartbeat.ts'
import type { PeerId } from '../wire/peer.ts'
import { peerOf, type Subjects } from '../wire/subjects.ts'
import type { Admissions } from './core/admissions.ts'
import type { RoomLimits } from './limits.ts'
import type { RoomMetrics } from './metrics.ts'

export interface AdmissionListenerDeps {
  bus: Bus
  subjects: Subjects
  admissions: Admissions
  clock: Clock
  limits: RoomLimits
  metrics: RoomMetrics
  /** An admission arrived. */
  onAdmission(): void
  /** A peer may no longer be in the room of a scene. */
  onRevoked(peer: PeerId, room: string): void
  /** The time a peer had to leave the island before its present one is over. */
  onDepartureDue(peer: PeerId, island: string): void
}

const MAX_ROOM_NAME_LENGTH = 256

/** Receives admissions from the bus. Those of an archipelago that another one took over from neither admit nor remove a peer. */
export class AdmissionListener {
  readonly #deps: AdmissionListenerDeps
  readonly #fence = new TermFence()
  readonly #unsubscribe: readonly (() => void)[]

  constructor(deps: AdmissionListenerDeps) {
    const { bus, subjects, clock } = deps
    this.#deps = deps
    this.#unsubscribe = [
      bus.subscribe(subjects.leaderHeartbeat, (payload) =>
        this.#fence.accepts(decodeLeaderHeartbeat(payload)?.term, clock.now()),
      ),
      bus.subscribe(subjects.every.admission, (payload, subject) => this.#receive(payload, subject)),
    ]
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
  }

  #receive(payload: Uint8Array, subject: string): void {
    const { admissions, clock, limits, metrics, onAdmission, onRevoked, onDepartureDue } = this.#deps
    const [peer, admission] = [peerOf(subject), decodeAdmission(payload)]
    if (!peer || !admission || admission.room.length > MAX_ROOM_NAME_LENGTH) {
      metrics.malformedAdmissions.inc()
      return
    }
    if (!this.#fence.accepts(admission.term, clock.now())) {
      metrics.staleAdmissions.inc()
      return
    }
    metrics.admissions.inc()
    const { room, kind } = admission
    if (kind === 'revoked') {
      onRevoked(peer, room)
      return
    }
    const replaced = admissions.admit(peer, { room, kind })
    if (replaced !== undefined) clock.after(limits.departureGraceMs, () => onDepartureDue(peer, replaced))
    onAdmission()
  }
}
