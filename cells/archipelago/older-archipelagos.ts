import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import { decodeLeaderHeartbeat } from '../wire/leader-heartbeat.ts'
import { decodeSyncRequest, followsGroups } from '../wire/state-sync.ts'
import type { Subjects } from '../wire/subjects.ts'

/** Milliseconds after which an archipelago that was heard of is taken for gone: a standby is silent for as long as nothing happens. */
const REMEMBERED_MS = 3_600_000

/**
 * Listens for archipelagos of the first version, which are in a cell during a rollout from it or back to it. On standby they follow only
 * what is announced to each player by itself: of an island group they would know nothing when they take over, and move its players.
 */
export class OlderArchipelagos {
  readonly #clock: Clock
  readonly #unsubscribe: readonly (() => void)[]
  #heardAt = Number.NEGATIVE_INFINITY

  constructor({ bus, subjects, clock }: { bus: Bus; subjects: Subjects; clock: Clock }) {
    this.#clock = clock
    this.#unsubscribe = [
      bus.subscribe(subjects.leaderHeartbeat, (payload) => {
        if (decodeLeaderHeartbeat(payload)?.followsGroups === false) this.#heardAt = clock.monotonic()
      }),
      bus.subscribe(subjects.syncRequest, (payload) => {
        const requester = decodeSyncRequest(payload)
        if (requester !== undefined && !followsGroups(requester)) this.#heardAt = clock.monotonic()
      }),
    ]
  }

  /** Whether one of them may take over. */
  get mayBeThere(): boolean {
    return this.#clock.monotonic() - this.#heardAt < REMEMBERED_MS
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
  }
}
